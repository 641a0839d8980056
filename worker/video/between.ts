/** Projects the flows of a pair of pictures to a moment between them. */
import type { TrustedFlow } from './visibility.ts';

/** Motion and mixing weights for each pixel of a picture at a time between two others. */
export interface Between {
  readonly width: number;
  readonly height: number;
  /** [height, width] Displacement, from the first picture to the second, of the content that is at each pixel at that time. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** [height, width] How much of the pixel comes from the second picture, 0–1; the rest comes from the first. */
  readonly share: Float32Array;
}

/** Minimum weight: content that only one picture shows is outweighed by content that both show. */
const MIN_WEIGHT = 1e-3;

/**
 * Moves every pixel of both pictures to `time` (0 is the first picture, 1 the second) and splats its motion there. Content that both
 * pictures show is mixed by time; content that only one shows is taken from that one.
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
    if (a + b < MIN_WEIGHT / 100) gaps.push(i);
    between.x[i] = (first.x[i]! - second.x[i]!) / (a + b);
    between.y[i] = (first.y[i]! - second.y[i]!) / (a + b);
    between.share[i] = (time * b) / ((1 - time) * a + time * b);
  }
  closeGaps(between, gaps, time);
  return between;
}

/** Sums of the splatted motions and of their weights, at `time`. */
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
      const weight = trust[i]! + MIN_WEIGHT;
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

/** Fills pixels that received no motion with the mean of their neighbours, from the edges of a gap inwards; with 0 if none received any. */
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
