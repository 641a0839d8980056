/**
 * Resamples a picture at any subpixel offset and scale. Lanczos-3, because among filters of similar cost its sharpness depends least
 * on the subpixel offset: with bicubic, the sharpness of a moving picture pulses (docs/video.md has the figures).
 */
import type { Picture } from '../engine.ts';

const LOBES = 3;

/** Sampling along one axis: output pixel i is at `start + i × step` in the source, whose first pixel has its centre at 0.5. */
export interface Sampling {
  readonly start: number;
  /** Source pixels per output pixel. Above 1 the kernel is widened, which prevents flicker when shrinking. */
  readonly step: number;
  /** Output pixels. */
  readonly count: number;
}

/** Resamples `source` by `across` and `down`. Edge pixels are repeated beyond the edges. */
export function resample(source: Picture, across: Sampling, down: Sampling): Picture {
  const columns = kernelWeights(across, source.width);
  const rows = kernelWeights(down, source.height);
  const from = columns.first[0]! * 3;
  const to = (columns.first[across.count - 1]! + columns.taps) * 3;
  const line = new Float32Array(source.width * 3);
  const data = new Uint8ClampedArray(across.count * down.count * 3); // rounds as it stores
  let out = 0;
  for (let y = 0; y < down.count; y++) {
    line.fill(0, from, to);
    for (let tap = 0; tap < rows.taps; tap++) {
      const weight = rows.weights[y * rows.taps + tap]!;
      if (weight === 0) continue;
      const offset = (rows.first[y]! + tap) * source.width * 3;
      for (let i = from; i < to; i++) line[i]! += weight * source.data[offset + i]!;
    }
    for (let x = 0, w = 0; x < across.count; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let end = w + columns.taps, i = columns.first[x]! * 3; w < end; w++, i += 3) {
        const weight = columns.weights[w]!;
        red += weight * line[i]!;
        green += weight * line[i + 1]!;
        blue += weight * line[i + 2]!;
      }
      data[out++] = red;
      data[out++] = green;
      data[out++] = blue;
    }
  }
  return { width: across.count, height: down.count, data: new Uint8Array(data.buffer) };
}

/** The source pixels of each output pixel: `taps` consecutive ones from `first`, with weights that add up to 1. */
interface Weights {
  readonly taps: number;
  /** [count] */
  readonly first: Int32Array;
  /** [count, taps] */
  readonly weights: Float32Array;
}

function kernelWeights({ start, step, count }: Sampling, size: number): Weights {
  const widening = Math.max(1, step);
  const taps = Math.min(size, Math.ceil(2 * LOBES * widening));
  const first = new Int32Array(count);
  const weights = new Float32Array(count * taps);
  for (let i = 0; i < count; i++) {
    const centre = start + i * step - 0.5;
    const begin = Math.min(size - taps, Math.max(0, Math.floor(centre - LOBES * widening) + 1));
    first[i] = begin;
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) sum += weights[i * taps + tap] = lanczos((begin + tap - centre) / widening);
    for (let tap = 0; tap < taps; tap++) weights[i * taps + tap]! /= sum;
  }
  return { taps, first, weights };
}

function lanczos(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= LOBES) return 0;
  const angle = Math.PI * x;
  return (LOBES * Math.sin(angle) * Math.sin(angle / LOBES)) / (angle * angle);
}
