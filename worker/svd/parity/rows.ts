/** Rows of the parity table: the error of a result relative to the official one, and its limit. */

export interface Row {
  readonly name: string;
  /** In the unit of `limit`; NaN if there is nothing to compare. */
  readonly error: number;
  readonly limit: number;
  readonly passed: boolean;
  /** Why there is nothing to compare. */
  readonly problem?: string;
}

/** Largest allowed errors at one precision. */
export interface Limits {
  /** Relative error of a network's output. */
  readonly component: number;
  /** Relative error of the latents during denoising, where errors accumulate over the steps. */
  readonly loop: number;
  /** Share of the frames' values that differ by more than `levels`. */
  readonly frames: number;
  /** Gray levels, of 255. */
  readonly levels: number;
}

export const LIMITS: Readonly<Record<'fp32' | 'fp16', Limits>> = {
  fp32: { component: 1e-4, loop: 1e-3, frames: 1e-3, levels: 1 },
  // Latents with the error of 0.1 that `loop` allows change most values by a few levels, and one in a hundred by 16.
  fp16: { component: 3e-2, loop: 1e-1, frames: 1e-2, levels: 16 },
};

/** A row for the relative error of `actual`. */
export function compared(name: string, actual: Float32Array, expected: Float32Array, limit: number): Row {
  if (actual.length !== expected.length) return failed(name, limit, `${actual.length} values instead of ${expected.length}`);
  return measured(name, relativeError(actual, expected), limit);
}

export function measured(name: string, error: number, limit: number): Row {
  return { name, error, limit, passed: error <= limit }; // false for NaN
}

export function failed(name: string, limit: number, problem: string): Row {
  return { name, error: Number.NaN, limit, passed: false, problem };
}

/** Norm of the difference divided by the norm of `expected`. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  let difference = 0;
  let length = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    length += expected[i]! ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / length);
}

/** Share of the values that differ by more than `levels`. */
export function shareOff(actual: Uint8Array, expected: Uint8Array, levels: number): number {
  let off = 0;
  for (let i = 0; i < expected.length; i++) if (Math.abs(actual[i]! - expected[i]!) > levels) off++;
  return off / expected.length;
}
