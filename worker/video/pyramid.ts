/** A picture's brightness at successively halved sizes, which optical flow searches coarse to fine. */
import type { Picture } from '../../src/infra/media/picture.ts';

/** Width of the border of repeated edge pixels around a plane, so that a patch may extend over its edges. */
export const MARGIN = 12;

/** One value per pixel, with a border of `MARGIN` pixels. Pixel (x, y) is at (y + MARGIN) × stride + x + MARGIN. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  /** width + 2 MARGIN */
  readonly stride: number;
  /** [height + 2 MARGIN, stride] */
  readonly data: Float32Array;
}

/** Brightness, 0–255, and its gradients per pixel to the right and down. */
export interface Level {
  readonly luma: Plane;
  readonly gradientX: Plane;
  readonly gradientY: Plane;
}

/** Smallest side of a level; a smaller one would hold fewer than two patches. */
const SMALLEST_SIDE = 16;

/**
 * Levels of `picture`, finest first, each half the size of the previous one. The finest has half the picture's size, or all of it if half
 * would be too small to find motion in.
 */
export function pyramid(picture: Picture): Level[] {
  let luma = brightness(picture);
  if (Math.min(picture.width, picture.height) >= 4 * SMALLEST_SIDE) luma = halve(luma);
  const levels = [withGradients(luma)];
  while (Math.min(luma.width, luma.height) >= 2 * SMALLEST_SIDE) {
    luma = halve(luma);
    levels.push(withGradients(luma));
  }
  return levels;
}

function plane(width: number, height: number): Plane {
  const stride = width + 2 * MARGIN;
  return { width, height, stride, data: new Float32Array(stride * (height + 2 * MARGIN)) };
}

/** BT.709 luma. */
function brightness({ width, height, data }: Picture): Plane {
  const luma = plane(width, height);
  for (let y = 0, from = 0; y < height; y++) {
    let to = (y + MARGIN) * luma.stride + MARGIN;
    for (let x = 0; x < width; x++, from += 3) luma.data[to++] = 0.2126 * data[from]! + 0.7152 * data[from + 1]! + 0.0722 * data[from + 2]!;
  }
  return extend(luma);
}

/** Means of 2×2 pixels; an odd last row or column counts twice. */
function halve({ width, height, stride, data }: Plane): Plane {
  const half = plane((width + 1) >> 1, (height + 1) >> 1);
  for (let y = 0; y < half.height; y++) {
    let from = (2 * y + MARGIN) * stride + MARGIN;
    let to = (y + MARGIN) * half.stride + MARGIN;
    for (let x = 0; x < half.width; x++, from += 2) {
      half.data[to++] = (data[from]! + data[from + 1]! + data[from + stride]! + data[from + stride + 1]!) / 4;
    }
  }
  return extend(half);
}

/** Central differences. */
function withGradients(luma: Plane): Level {
  const { width, height, stride, data } = luma;
  const gradientX = plane(width, height);
  const gradientY = plane(width, height);
  for (let i = stride; i < data.length - stride; i++) {
    gradientX.data[i] = (data[i + 1]! - data[i - 1]!) / 2;
    gradientY.data[i] = (data[i + stride]! - data[i - stride]!) / 2;
  }
  return { luma, gradientX, gradientY };
}

/** Repeats the edge pixels into the border. */
function extend(of: Plane): Plane {
  const { width, height, stride, data } = of;
  for (let y = MARGIN; y < height + MARGIN; y++) {
    const row = y * stride;
    data.fill(data[row + MARGIN]!, row, row + MARGIN);
    data.fill(data[row + MARGIN + width - 1]!, row + MARGIN + width, row + stride);
  }
  for (let y = 0; y < MARGIN; y++) {
    data.copyWithin(y * stride, MARGIN * stride, (MARGIN + 1) * stride);
    data.copyWithin((y + MARGIN + height) * stride, (MARGIN + height - 1) * stride, (MARGIN + height) * stride);
  }
  return of;
}
