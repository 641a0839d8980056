/** The flows of a pair of pictures, brought to a moment between them. */
import type { TrustedFlow } from './visibility.ts';

/** As seen from the pixels of a picture that lies at a time between two others. */
export interface Between {
  readonly width: number;
  readonly height: number;
  /** [height, width] The way from the first picture to the second of what is at each pixel at that time. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** [height, width] How much of the pixel comes from the second picture, 0–1; the rest comes from the first. */
  readonly share: Float32Array;
}

/** What is visible in one picture only gives way to what both show. */
const FAINT = 1e-3;

/**
 * Every pixel of both pictures goes its way to `time` (0 is the first picture, 1 the second) and leaves its motion there. What both
 * show is mixed by time, what only one shows is taken from that one.
 */
export function flowBetween(forward: TrustedFlow, backward: TrustedFlow, time: number): Between {
  const { width, height } = forward;
  const first = splat(forward, time);
  const second = splat(backward, 1 - time);
  const between = { width, height, x: first.x, y: first.y, share: first.weight };
  const gaps: number[] = [];
  for (let i = 0; i < width * height; i++) {
    const a = first.weight[i]!;
    const b = second.weight[i]!;
    if (a + b < FAINT / 100) gaps.push(i);
    between.x[i] = (first.x[i]! - second.x[i]!) / (a + b);
    between.y[i] = (first.y[i]! - second.y[i]!) / (a + b);
    between.share[i] = (time * b) / ((1 - time) * a + time * b);
  }
  closeGaps(between, gaps, time);
  return between;
}

/** Sums of motions and of their weights, where they are at `time` on their way. */
function splat({ width, height, x, y, trust }: TrustedFlow, time: number): { x: Float32Array; y: Float32Array; weight: Float32Array } {
  const sum = { x: new Float32Array(width * height), y: new Float32Array(width * height), weight: new Float32Array(width * height) };
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      const mx = x[i]!;
      const my = y[i]!;
      const px = column + time * mx;
      const py = row + time * my;
      const left = Math.floor(px);
      const top = Math.floor(py);
      const weight = trust[i]! + FAINT;
      for (let ty = Math.max(0, top); ty <= top + 1 && ty < height; ty++) {
        const wy = weight * (1 - Math.abs(py - ty));
        for (let tx = Math.max(0, left); tx <= left + 1 && tx < width; tx++) {
          const w = wy * (1 - Math.abs(px - tx));
          const to = ty * width + tx;
          sum.x[to]! += w * mx;
          sum.y[to]! += w * my;
          sum.weight[to]! += w;
        }
      }
    }
  }
  return sum;
}

/** Pixels to which nothing came take the mean of their neighbours, from the rim of a gap inwards; without any, they stand still. */
function closeGaps({ width, height, x, y, share }: Between, gaps: number[], time: number): void {
  const open = new Set(gaps);
  while (open.size > 0) {
    const rim: number[] = [];
    for (const i of open) {
      const column = i % width;
      const neighbours = [
        column > 0 ? i - 1 : i,
        column < width - 1 ? i + 1 : i,
        i >= width ? i - width : i,
        i < width * (height - 1) ? i + width : i,
      ];
      const known = neighbours.filter((j) => !open.has(j));
      const mean = (of: Float32Array) => known.reduce((sum, j) => sum + of[j]!, 0) / known.length;
      if (known.length > 0) rim.push(i);
      x[i] = known.length > 0 ? mean(x) : 0;
      y[i] = known.length > 0 ? mean(y) : 0;
      share[i] = known.length > 0 ? mean(share) : time;
    }
    if (rim.length === 0) return;
    for (const i of rim) open.delete(i);
  }
}
