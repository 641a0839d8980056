/**
 * Dense optical flow by inverse search (DIS): T. Kroeger, R. Timofte, D. Dai, L. Van Gool, "Fast Optical Flow using Dense Inverse
 * Search", ECCV 2016. Patches on a grid search for their match in the other picture by gradient descent with the patch's own Hessian and
 * gradients (S. Baker, I. Matthews, "Lucas–Kanade 20 Years On", IJCV 2004), from the coarsest level of a pyramid to the finest. The
 * flow of a pixel is the mean of the patches that cover it, weighted by how well they match.
 */
import { MARGIN, type Level } from './pyramid.ts';

/** Displacement of each pixel from one picture to another, in pixels to the right and down. */
export interface Flow {
  readonly width: number;
  readonly height: number;
  /** [height, width] */
  readonly x: Float32Array;
  readonly y: Float32Array;
}

/** Side of a patch in pixels. A patch has a single motion; smaller patches follow edges better but mismatch more often. */
const PATCH = 8;
/** Distance between neighbouring patches in pixels. */
const SPACING = 4;
/** Maximum steps of gradient descent; most patches converge sooner. */
const ROUNDS = 12;
/** Gradient descent stops after a step shorter than this many pixels. */
const MIN_STEP = 0.02;
/** Added to the Hessian's diagonal, in squared brightness: patches without structure keep the motion of their neighbours. */
const DAMPING = 40;

/** The flow from `from` to `to` at the finest level. Both must have the same levels. */
export function opticalFlow(from: readonly Level[], to: readonly Level[]): Flow {
  let flow: Flow | null = null;
  for (let i = from.length - 1; i >= 0; i--) flow = flowAtLevel(from[i]!, to[i]!, flow);
  return flow!;
}

function flowAtLevel(from: Level, to: Level, coarser: Flow | null): Flow {
  const search = new PatchSearch(from, to);
  if (coarser) search.startFrom(coarser);
  search.sweep(1);
  search.sweep(-1);
  return search.densify();
}

const patchCount = (size: number) => Math.max(1, Math.ceil((size - PATCH) / SPACING) + 1);

/** The patches of one level and the best motion found for each so far. */
class PatchSearch {
  readonly #from: Level;
  readonly #to: Level;
  readonly #columns: number;
  readonly #rows: number;
  /** [rows, columns], all three */
  readonly #x: Float32Array;
  readonly #y: Float32Array;
  readonly #cost: Float32Array;

  // Results of `#compare`, instead of a return value that would be allocated millions of times.
  #error = 0;
  #slopeX = 0;
  #slopeY = 0;

  constructor(from: Level, to: Level) {
    this.#from = from;
    this.#to = to;
    this.#columns = patchCount(from.luma.width);
    this.#rows = patchCount(from.luma.height);
    const count = this.#columns * this.#rows;
    this.#x = new Float32Array(count);
    this.#y = new Float32Array(count);
    this.#cost = new Float32Array(count).fill(Infinity);
  }

  startFrom(coarser: Flow): void {
    for (let row = 0, i = 0; row < this.#rows; row++) {
      const y = Math.min(coarser.height - 1, (this.#top(row) + PATCH / 2) >> 1);
      for (let column = 0; column < this.#columns; column++, i++) {
        const x = Math.min(coarser.width - 1, (this.#left(column) + PATCH / 2) >> 1);
        this.#x[i] = 2 * coarser.x[y * coarser.width + x]!;
        this.#y[i] = 2 * coarser.y[y * coarser.width + x]!;
      }
    }
  }

  /** Visits every patch, in reading order (1) or in reverse (−1): adopts a neighbour's motion if it fits better, then refines it. */
  sweep(direction: 1 | -1): void {
    const count = this.#columns * this.#rows;
    for (let n = 0; n < count; n++) {
      const i = direction === 1 ? n : count - 1 - n;
      const column = i % this.#columns;
      const row = (i - column) / this.#columns;
      const before = column - direction;
      const above = row - direction;
      let moved = direction === 1;
      if (moved) this.#cost[i] = this.#compare(column, row, this.#x[i]!, this.#y[i]!);
      if (before >= 0 && before < this.#columns) moved = this.#adopt(i, column, row, i - direction) || moved;
      if (above >= 0 && above < this.#rows) moved = this.#adopt(i, column, row, i - direction * this.#columns) || moved;
      if (moved) this.#descend(i, column, row);
    }
  }

  /** The flow of every pixel: the mean of the patches that cover it, weighted by how well the pixel itself matches. */
  densify(): Flow {
    const { width, height, stride, data: from } = this.#from.luma;
    const { data: to } = this.#to.luma;
    const flow = { width, height, x: new Float32Array(width * height), y: new Float32Array(width * height) };
    const total = new Float32Array(width * height);
    for (let row = 0, i = 0; row < this.#rows; row++) {
      const top = this.#top(row);
      for (let column = 0; column < this.#columns; column++, i++) {
        const left = this.#left(column);
        const x = this.#x[i]!;
        const y = this.#y[i]!;
        const { at, w00, w01, w10, w11 } = this.#aim(left + x, top + y);
        for (let j = 0; j < PATCH && top + j < height; j++) {
          let a = (top + j + MARGIN) * stride + left + MARGIN;
          let b = at + j * stride;
          let out = (top + j) * width + left;
          for (const end = out + Math.min(PATCH, width - left); out < end; a++, b++, out++) {
            const difference = Math.abs(w00 * to[b]! + w01 * to[b + 1]! + w10 * to[b + stride]! + w11 * to[b + stride + 1]! - from[a]!);
            // Squared, so that at the edge of a moving object, patches from the other side hardly count.
            const weight = difference > 1 ? 1 / (difference * difference) : 1;
            total[out]! += weight;
            flow.x[out]! += weight * x;
            flow.y[out]! += weight * y;
          }
        }
      }
    }
    for (let i = 0; i < total.length; i++) {
      flow.x[i]! /= total[i]!;
      flow.y[i]! /= total[i]!;
    }
    return flow;
  }

  #left(column: number): number {
    return Math.max(0, Math.min(column * SPACING, this.#from.luma.width - PATCH));
  }

  #top(row: number): number {
    return Math.max(0, Math.min(row * SPACING, this.#from.luma.height - PATCH));
  }

  /** Bilinear weights for a patch whose first pixel is at (x, y) of the other picture; `at` is the index of the first of four pixels. */
  #aim(x: number, y: number): { at: number; w00: number; w01: number; w10: number; w11: number } {
    const { width, height, stride } = this.#to.luma;
    const px = Math.min(width, Math.max(-PATCH, x));
    const py = Math.min(height, Math.max(-PATCH, y));
    const left = Math.floor(px);
    const top = Math.floor(py);
    const w11 = (px - left) * (py - top);
    const w10 = py - top - w11;
    const w01 = px - left - w11;
    return { at: (top + MARGIN) * stride + left + MARGIN, w00: 1 - w01 - w10 - w11, w01, w10, w11 };
  }

  /** Gives patch `i` the motion of patch `other` if that fits better. */
  #adopt(i: number, column: number, row: number, other: number): boolean {
    const x = this.#x[other]!;
    const y = this.#y[other]!;
    if (Math.abs(x - this.#x[i]!) + Math.abs(y - this.#y[i]!) < 0.1) return false;
    const cost = this.#compare(column, row, x, y);
    if (cost >= this.#cost[i]!) return false;
    this.#x[i] = x;
    this.#y[i] = y;
    this.#cost[i] = cost;
    return true;
  }

  #descend(i: number, column: number, row: number): void {
    const {
      gradientX: { data: gx },
      gradientY: { data: gy, stride },
    } = this.#from;
    let xx = 0;
    let xy = 0;
    let yy = 0;
    let sumX = 0;
    let sumY = 0;
    for (let j = 0, a = (this.#top(row) + MARGIN) * stride + this.#left(column) + MARGIN; j < PATCH; j++, a += stride - PATCH) {
      for (let end = a + PATCH; a < end; a++) {
        const dx = gx[a]!;
        const dy = gy[a]!;
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
        sumX += dx;
        sumY += dy;
      }
    }
    // Brightness is compared relative to the patch's mean, so gradients are too.
    const n = PATCH * PATCH;
    xx += DAMPING - (sumX * sumX) / n;
    yy += DAMPING - (sumY * sumY) / n;
    xy -= (sumX * sumY) / n;
    const determinant = xx * yy - xy * xy;
    const [beginX, beginY, beginCost] = [this.#x[i]!, this.#y[i]!, this.#cost[i]!];
    let x = beginX;
    let y = beginY;
    let best = Infinity;
    for (let round = 0; round <= ROUNDS; round++) {
      const cost = this.#compare(column, row, x, y);
      if (cost >= best) break;
      best = cost;
      this.#x[i] = x;
      this.#y[i] = y;
      const bx = this.#slopeX - (this.#error * sumX) / n;
      const by = this.#slopeY - (this.#error * sumY) / n;
      const stepX = (yy * bx - xy * by) / determinant;
      const stepY = (xx * by - xy * bx) / determinant;
      if (stepX * stepX + stepY * stepY < MIN_STEP * MIN_STEP) break;
      x -= stepX;
      y -= stepY;
    }
    this.#cost[i] = best;
    // A patch that moved this far has lost its match.
    if (Math.abs(this.#x[i]! - beginX) > PATCH || Math.abs(this.#y[i]! - beginY) > PATCH) {
      this.#x[i] = beginX;
      this.#y[i] = beginY;
      this.#cost[i] = beginCost;
    }
  }

  /** Squared difference between a patch and the pixels displaced by (x, y) in the other picture, each relative to its mean. */
  #compare(column: number, row: number, x: number, y: number): number {
    const {
      luma: { stride, data: from },
      gradientX: { data: gx },
      gradientY: { data: gy },
    } = this.#from;
    const { data: to } = this.#to.luma;
    const left = this.#left(column);
    const top = this.#top(row);
    const { at, w00, w01, w10, w11 } = this.#aim(left + x, top + y);
    let sum = 0;
    let squares = 0;
    let slopeX = 0;
    let slopeY = 0;
    let a = (top + MARGIN) * stride + left + MARGIN;
    let b = at;
    for (let j = 0; j < PATCH; j++) {
      for (let end = a + PATCH; a < end; a++, b++) {
        const difference = w00 * to[b]! + w01 * to[b + 1]! + w10 * to[b + stride]! + w11 * to[b + stride + 1]! - from[a]!;
        sum += difference;
        squares += difference * difference;
        slopeX += difference * gx[a]!;
        slopeY += difference * gy[a]!;
      }
      a += stride - PATCH;
      b += stride - PATCH;
    }
    this.#error = sum;
    this.#slopeX = slopeX;
    this.#slopeY = slopeY;
    return squares - (sum * sum) / (PATCH * PATCH);
  }
}
