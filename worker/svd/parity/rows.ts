/** Rows of the parity table: how far a result is from the official one, and how far it may be. */

export interface Row {
  readonly name: string;
  /** In the unit of `limit`; NaN where there is nothing to compare. */
  readonly error: number;
  readonly limit: number;
  readonly passed: boolean;
  /** Why there is nothing to compare. */
  readonly problem?: string;
}

/** The most that a row may be off, by the type of the arithmetic. */
export interface Limits {
  /** Relative error of a network's output. */
  readonly component: number;
  /** Relative error of the latents while noise is taken away, where each step adds its share. */
  readonly loop: number;
  /** Share of the frames' values that are off by more than `levels`. */
  readonly frames: number;
  /** Grey levels, of 255. */
  readonly levels: number;
}

export const LIMITS: Readonly<Record<'fp32' | 'fp16', Limits>> = {
  fp32: { component: 1e-4, loop: 1e-3, frames: 1e-3, levels: 1 },
  // What latents off by the tenth that the loop allows do to the frames: most values are off by some levels, one in a hundred by 16.
  fp16: { component: 3e-2, loop: 1e-1, frames: 1e-2, levels: 16 },
};

/** A row that compares `actual` with `expected` by their relative error. */
export function compared(name: string, actual: Float32Array, expected: Float32Array, limit: number): Row {
  if (actual.length !== expected.length) return failed(name, limit, `${actual.length} values instead of ${expected.length}`);
  return measured(name, relativeError(actual, expected), limit);
}

export function measured(name: string, error: number, limit: number): Row {
  return { name, error, limit, passed: error <= limit }; // NaN is not
}

export function failed(name: string, limit: number, problem: string): Row {
  return { name, error: Number.NaN, limit, passed: false, problem };
}

/** The length of the difference over the length of what is expected. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  let difference = 0;
  let length = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    length += expected[i]! ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / length);
}

/** Share of the values that are off by more than `levels`. */
export function shareOff(actual: Uint8Array, expected: Uint8Array, levels: number): number {
  let off = 0;
  for (let i = 0; i < expected.length; i++) if (Math.abs(actual[i]! - expected[i]!) > levels) off++;
  return off / expected.length;
}
