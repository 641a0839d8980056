/**
 * Warps two pictures along the motion between them to a moment in between, and mixes them. Samples are interpolated as in H.264
 * (T. Wiegand et al., "Overview of the H.264/AVC Video Coding Standard", 2003): half-pixel positions by a six-tap filter, once per
 * picture, and finer positions by linear interpolation.
 */
import type { Picture } from '../../src/infra/media/picture.ts';
import type { Between } from './between.ts';

/** A picture with its half-pixel positions: pixel (x, y) is at (2x, 2y). */
export interface FinePicture {
  /** Twice the picture's. */
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] */
  readonly data: Uint8Array;
}

/** Edge pixels are repeated beyond the edges. */
export function refine({ width, height, data }: Picture): FinePicture {
  const fine = new Uint8ClampedArray(4 * width * height * 3); // rounds as it stores
  const size = width * 3;
  const line = new Float32Array(size);
  for (let y = 0; y < height; y++) {
    line.set(data.subarray(y * size, (y + 1) * size));
    refineLine(line, width, fine, 4 * y * size);
    const [a, b, c, d, e, f] = sixAround(y, height).map((row) => row * size) as Six;
    for (let i = 0; i < size; i++) {
      line[i] = (data[a + i]! + data[f + i]! - 5 * (data[b + i]! + data[e + i]!) + 20 * (data[c + i]! + data[d + i]!)) / 32;
    }
    refineLine(line, width, fine, (4 * y + 2) * size);
  }
  return { width: 2 * width, height: 2 * height, data: new Uint8Array(fine.buffer) };
}

type Six = [number, number, number, number, number, number];

/** Indices of the six pixels around the position halfway between `i` and `i` + 1. */
const sixAround = (i: number, size: number) => [-2, -1, 0, 1, 2, 3].map((offset) => Math.min(size - 1, Math.max(0, i + offset)));

function refineLine(line: Float32Array, width: number, fine: Uint8ClampedArray, start: number): void {
  for (let x = 0, out = start; x < width; x++, out += 6) {
    const c = 3 * x;
    const a = x > 1 ? c - 6 : 0;
    const b = x > 0 ? c - 3 : 0;
    const d = Math.min(x + 1, width - 1) * 3;
    const e = Math.min(x + 2, width - 1) * 3;
    const f = Math.min(x + 3, width - 1) * 3;
    for (let k = 0; k < 3; k++) {
      fine[out + k] = line[c + k]!;
      fine[out + k + 3] = (line[a + k]! + line[f + k]! - 5 * (line[b + k]! + line[e + k]!) + 20 * (line[c + k]! + line[d + k]!)) / 32;
    }
  }
}

/** The picture at `time` (0–1) between `first` and `second`. */
export function warp(first: FinePicture, second: FinePicture, between: Between, time: number): Picture {
  const width = first.width / 2;
  const height = first.height / 2;
  const stride = first.width * 3;
  const lastX = first.width - 2;
  const lastY = first.height - 2;
  const data = new Uint8ClampedArray(width * height * 3);
  const row = { x: new Float32Array(width), y: new Float32Array(width), share: new Float32Array(width) };
  const a = first.data;
  const b = second.data;
  for (let y = 0, out = 0; y < height; y++) {
    enlargeRow(between, y, row);
    for (let x = 0; x < width; x++) {
      const mx = row.x[x]!;
      const my = row.y[x]!;
      const share = row.share[x]!;
      const ax = Math.min(lastX, Math.max(0, 2 * (x - time * mx)));
      const ay = Math.min(lastY, Math.max(0, 2 * (y - time * my)));
      const bx = Math.min(lastX, Math.max(0, 2 * (x + (1 - time) * mx)));
      const by = Math.min(lastY, Math.max(0, 2 * (y + (1 - time) * my)));
      const ix = Math.floor(ax);
      const iy = Math.floor(ay);
      const jx = Math.floor(bx);
      const jy = Math.floor(by);
      const a11 = (1 - share) * (ax - ix) * (ay - iy);
      const a10 = (1 - share) * (ay - iy) - a11;
      const a01 = (1 - share) * (ax - ix) - a11;
      const a00 = 1 - share - a01 - a10 - a11;
      const b11 = share * (bx - jx) * (by - jy);
      const b10 = share * (by - jy) - b11;
      const b01 = share * (bx - jx) - b11;
      const b00 = share - b01 - b10 - b11;
      let i = iy * stride + ix * 3;
      let j = jy * stride + jx * 3;
      for (const end = out + 3; out < end; out++, i++, j++) {
        data[out] =
          a00 * a[i]! +
          a01 * a[i + 3]! +
          a10 * a[i + stride]! +
          a11 * a[i + stride + 3]! +
          b00 * b[j]! +
          b01 * b[j + 3]! +
          b10 * b[j + stride]! +
          b11 * b[j + stride + 3]!;
      }
    }
  }
  return { width, height, data: new Uint8Array(data.buffer) };
}

/** Reads `between` along row `y` of the picture by bilinear interpolation, in pixels of the picture. */
function enlargeRow(between: Between, y: number, row: Pick<Between, 'x' | 'y' | 'share'>): void {
  const { width, height } = between;
  const factor = Math.round(row.x.length / width);
  const py = Math.min(height - 1, Math.max(0, (y + 0.5) / factor - 0.5));
  const top = Math.floor(py) * width;
  const bottom = Math.min(height - 1, Math.floor(py) + 1) * width;
  const wy = py - Math.floor(py);
  for (let x = 0; x < row.x.length; x++) {
    const px = Math.min(width - 1, Math.max(0, (x + 0.5) / factor - 0.5));
    const left = Math.floor(px);
    const right = Math.min(width - 1, left + 1);
    const wx = px - left;
    const w11 = wx * wy;
    const w10 = wy - w11;
    const w01 = wx - w11;
    const w00 = 1 - wx - w10;
    const mix = (of: Float32Array) => w00 * of[top + left]! + w01 * of[top + right]! + w10 * of[bottom + left]! + w11 * of[bottom + right]!;
    row.x[x] = factor * mix(between.x);
    row.y[x] = factor * mix(between.y);
    row.share[x] = mix(between.share);
  }
}
