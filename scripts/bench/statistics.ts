/** The median and the 95th percentile of a series of measurements. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  /** Number of measurements. */
  readonly count: number;
}

/** Percentiles by the nearest rank; NaN without measurements. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50: rank(0.5), p95: rank(0.95), count: sorted.length };
}

/** Milliseconds `work` takes, with its result. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly result: T }> {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}
