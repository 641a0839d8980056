/**
 * The two resize filters of the official Stable Video Diffusion pipeline, reproduced exactly: one for the image encoder and one for the
 * VAE. Both are separable, so each consists of a table of weights for columns and one for rows, and is applied row by row: memory use is
 * a few rows, whatever the size of the photo.
 */
import type { Picture } from '../engine.ts';

/**
 * Resizes a photo for the image encoder: antialiased, and stretched to a square whatever its aspect ratio.
 *
 * Applies a Gaussian blur of σ = (side / size − 1) / 2 along each axis, mirrored at the edges, then bicubic interpolation (A = −0.75)
 * with aligned corners. Values are not clamped and overshoot [−1, 1] slightly at hard edges. A photo smaller than `size` is only
 * interpolated; a side of one pixel, which cannot be mirrored, is repeated.
 *
 * @returns [3, size, size]: red, green and blue planes, with 0–255 mapped to [−1, 1]
 * @see `_resize_with_antialiasing` in diffusers' pipeline_stable_video_diffusion.py
 */
export function clipResize(photo: Picture, size: number): Float32Array {
  const result = new Float32Array(3 * size * size);
  let at = 0;
  for (const row of columnsFirst(photo, clipTaps(photo.width, size), clipTaps(photo.height, size))) {
    for (let x = 0; x < size; x++, at++) {
      for (let channel = 0; channel < 3; channel++) result[channel * size * size + at] = row[x * 3 + channel]! / 127.5 - 1;
    }
  }
  return result;
}

/**
 * Resizes a photo to exactly the bytes that Pillow's `Image.resize` with `LANCZOS` produces for 8-bit RGB: weights have 22 fractional bits,
 * and each pass rounds to whole gray levels. The order of the passes affects the last bit. As in Pillow 13, rows are resampled first if
 * more than twice as many rows as columns are removed, otherwise columns. Earlier versions always resample columns first, which gives the
 * same result for photos with the target's aspect ratio, up to 1 : 2.
 *
 * @see `ImagingResample` in Pillow's src/libImaging/Resample.c
 */
export function lanczosResize(photo: Picture, width: number, height: number): Picture {
  const rowsRemoved = photo.height - height;
  const resample = rowsRemoved > Math.max(0, 2 * (photo.width - width)) ? rowsFirst : columnsFirst;
  const data = new Uint8Array(width * height * 3);
  let at = 0;
  for (const row of resample(photo, lanczosTaps(photo.width, width), lanczosTaps(photo.height, height), toGrayLevels)) {
    toGrayLevels(row);
    data.set(row, at);
    at += row.length;
  }
  return { width, height, data };
}

/** Source pixels and weights of each result pixel along one axis: `count` consecutive pixels from `first`, which never decreases. */
interface Taps {
  readonly count: number;
  /** [result pixels] */
  readonly first: Int32Array;
  /** [result pixels, count] */
  readonly weights: Float64Array;
}

/**
 * Yields the result's rows, top to bottom, interleaved RGB. Each row's buffer is reused for the next. `round` is applied between the two
 * passes.
 */
function* columnsFirst(photo: Picture, across: Taps, down: Taps, round?: (row: Float64Array) => void): Generator<Float64Array> {
  const source = new Float64Array(photo.width * 3);
  const result = new Float64Array(across.first.length * 3);
  const ring = Array.from({ length: down.count }, () => new Float64Array(result.length)); // photo row y is at y modulo count
  let next = 0;
  for (let y = 0; y < down.first.length; y++) {
    const first = down.first[y]!;
    for (next = Math.max(next, first); next < first + down.count; next++) {
      const row = ring[next % down.count]!;
      source.set(photoRow(photo, next));
      combinePixels(row, source, across);
      round?.(row);
    }
    result.fill(0);
    for (let tap = 0; tap < down.count; tap++) addRow(result, ring[(first + tap) % down.count]!, down.weights[y * down.count + tap]!);
    yield result;
  }
}

/** Like columnsFirst, with the passes in the other order. */
function* rowsFirst(photo: Picture, across: Taps, down: Taps, round?: (row: Float64Array) => void): Generator<Float64Array> {
  const source = new Float64Array(photo.width * 3);
  const row = new Float64Array(photo.width * 3);
  const result = new Float64Array(across.first.length * 3);
  for (let y = 0; y < down.first.length; y++) {
    row.fill(0);
    for (let tap = 0; tap < down.count; tap++) {
      source.set(photoRow(photo, down.first[y]! + tap));
      addRow(row, source, down.weights[y * down.count + tap]!);
    }
    round?.(row);
    combinePixels(result, row, across);
    yield result;
  }
}

function photoRow({ data, width }: Picture, y: number): Uint8Array {
  return data.subarray(y * width * 3, (y + 1) * width * 3);
}

function combinePixels(result: Float64Array, row: Float64Array, { count, first, weights }: Taps): void {
  for (let x = 0, w = 0, out = 0; x < first.length; x++) {
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let end = w + count, i = first[x]! * 3; w < end; w++, i += 3) {
      const weight = weights[w]!;
      red += weight * row[i]!;
      green += weight * row[i + 1]!;
      blue += weight * row[i + 2]!;
    }
    result[out++] = red;
    result[out++] = green;
    result[out++] = blue;
  }
}

function addRow(sum: Float64Array, row: Float64Array, weight: number): void {
  if (weight === 0) return;
  for (let i = 0; i < sum.length; i++) sum[i]! += weight * row[i]!;
}

function toGrayLevels(row: Float64Array): void {
  for (let i = 0; i < row.length; i++) row[i] = Math.min(255, Math.max(0, Math.floor(row[i]! + 0.5)));
}

/** Blur and interpolation are both linear, so their weights are combined, and only sampled pixels are blurred. */
function clipTaps(side: number, size: number): Taps {
  const kernel = gaussian(Math.max((side / size - 1) / 2, 0.001));
  const reach = kernel.length >> 1;
  const count = Math.min(side, kernel.length + 3);
  const first = new Int32Array(size);
  const weights = new Float64Array(size * count);
  for (let i = 0; i < size; i++) {
    const position = (i * (side - 1)) / (size - 1);
    const pixel = Math.floor(position);
    const begin = Math.max(0, Math.min(pixel - 1 - reach, side - count));
    first[i] = begin;
    for (let n = -1; n <= 2; n++) {
      const share = cubic(pixel + n - position);
      const center = Math.min(side - 1, Math.max(0, pixel + n));
      for (let j = -reach; j <= reach; j++) weights[i * count + mirror(center + j, side) - begin]! += share * kernel[j + reach]!;
    }
  }
  return { count, first, weights };
}

/** Normalized Gaussian weights: an odd number, covering two σ and at least one pixel on either side. */
function gaussian(sigma: number): number[] {
  const length = Math.floor(Math.max(4 * sigma, 3)) | 1;
  const values = Array.from({ length }, (_, i) => Math.exp(-((i - (length >> 1)) ** 2) / (2 * sigma ** 2)));
  const sum = values.reduce((a, b) => a + b);
  return values.map((value) => value / sum);
}

/** Reflects a pixel index up to one side length beyond an edge, without repeating the edge pixel. */
function mirror(pixel: number, side: number): number {
  if (side === 1) return 0;
  if (pixel < 0) return -pixel;
  return pixel < side ? pixel : 2 * (side - 1) - pixel;
}

const CUBIC_A = -0.75;

/** Keys' cubic convolution kernel. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((CUBIC_A + 2) * x - (CUBIC_A + 3)) * x * x + 1;
  return x < 2 ? CUBIC_A * (((x - 5) * x + 8) * x - 4) : 0;
}

const LOBES = 3;
const FIXED_POINT = 2 ** 22;

function lanczosTaps(side: number, size: number): Taps {
  const step = side / size;
  const scale = Math.max(1, step); // the filter is widened when shrinking
  const reach = LOBES * scale;
  const count = Math.min(side, 2 * Math.ceil(reach) + 1);
  const first = new Int32Array(size);
  const weights = new Float64Array(size * count);
  for (let i = 0; i < size; i++) {
    const center = (i + 0.5) * step;
    const from = Math.max(0, Math.trunc(center - reach + 0.5));
    const to = Math.min(side, Math.trunc(center + reach + 0.5));
    const begin = Math.min(from, side - count);
    first[i] = begin;
    const own = Array.from({ length: to - from }, (_, tap) => lanczos((from + tap - center + 0.5) / scale));
    const sum = own.reduce((a, b) => a + b);
    for (const [tap, weight] of own.entries()) {
      weights[i * count + from - begin + tap] = Math.round(Math.abs(weight / sum) * FIXED_POINT) * (Math.sign(weight / sum) / FIXED_POINT);
    }
  }
  return { count, first, weights };
}

function lanczos(x: number): number {
  return Math.abs(x) < LOBES ? sinc(x) * sinc(x / LOBES) : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
