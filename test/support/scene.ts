/** Moving scenes that can be rendered at any time: photos as flat layers, each rotated, scaled and shifted along its own path. */
import type { Picture } from '../../worker/engine.ts';
import { resample } from '../../worker/preview/resample.ts';

/** Position of a layer relative to the centre of the frame. */
export interface Pose {
  /** Pixels of the frame to the right and down. */
  readonly dx?: number;
  readonly dy?: number;
  readonly zoom?: number;
  readonly degrees?: number;
}

export interface Layer {
  /** Twice the resolution of the frame, so that interpolating between its pixels loses no visible detail. */
  readonly canvas: Picture;
  readonly pose: (time: number) => Pose;
  /** Radii, in pixels of the frame, of a soft-edged ellipse outside which the layer is transparent; omitted for the background. */
  readonly ellipse?: { readonly x: number; readonly y: number };
}

/** `photo` as a canvas that covers `width` × `height` pixels of the frame. */
export function canvasOf(photo: Picture, width: number, height: number): Picture {
  const step = Math.min(photo.width / width, photo.height / height) / 2;
  const along = (size: number, count: number) => ({ start: (size - count * step) / 2 + step / 2, step, count });
  return resample(photo, along(photo.width, 2 * width), along(photo.height, 2 * height));
}

/** Renders the scene at `time`. Layers are stacked in order; a canvas is mirrored at its edges. */
export function shoot(layers: readonly Layer[], width: number, height: number, time: number): Picture {
  const data = new Uint8ClampedArray(width * height * 3);
  const colour = new Float64Array(3);
  for (const { canvas, pose, ellipse } of layers) {
    const { dx = 0, dy = 0, zoom = 1, degrees = 0 } = pose(time);
    const [sin, cos] = [Math.sin((degrees * Math.PI) / 180) / zoom, Math.cos((degrees * Math.PI) / 180) / zoom];
    for (let y = 0, out = 0; y < height; y++) {
      for (let x = 0; x < width; x++, out += 3) {
        const [fx, fy] = [x + 0.5 - width / 2 - dx, y + 0.5 - height / 2 - dy];
        const [sx, sy] = [cos * fx + sin * fy, cos * fy - sin * fx];
        const alpha = ellipse ? cover(sx, sy, ellipse) : 1;
        if (alpha === 0) continue;
        cubic(canvas, canvas.width / 2 + 2 * sx - 0.5, canvas.height / 2 + 2 * sy - 0.5, colour);
        for (let c = 0; c < 3; c++) data[out + c] = alpha === 1 ? colour[c]! : data[out + c]! + alpha * (colour[c]! - data[out + c]!);
      }
    }
  }
  return { width, height, data: new Uint8Array(data.buffer) };
}

/** Coverage of a pixel by an ellipse around 0 with an edge one pixel wide. */
function cover(x: number, y: number, radius: { x: number; y: number }): number {
  const length = Math.hypot(x / radius.x, y / radius.y);
  const slope = Math.hypot(x / radius.x ** 2, y / radius.y ** 2) / (length || 1);
  return length < 0.5 ? 1 : Math.min(1, Math.max(0, 0.5 + (1 - length) / slope));
}

const weightsX = new Float64Array(4);
const weightsY = new Float64Array(4);

function cubic({ width, height, data }: Picture, x: number, y: number, colour: Float64Array): void {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  catmullRom(x - left, weightsX);
  catmullRom(y - top, weightsY);
  colour.fill(0);
  for (let j = 0; j < 4; j++) {
    const row = mirror(top - 1 + j, height) * width;
    for (let i = 0; i < 4; i++) {
      const weight = weightsY[j]! * weightsX[i]!;
      const at = (row + mirror(left - 1 + i, width)) * 3;
      for (let c = 0; c < 3; c++) colour[c]! += weight * data[at + c]!;
    }
  }
}

function catmullRom(t: number, weights: Float64Array): void {
  weights[0] = -0.5 * t + t * t - 0.5 * t * t * t;
  weights[1] = 1 - 2.5 * t * t + 1.5 * t * t * t;
  weights[2] = 0.5 * t + 2 * t * t - 1.5 * t * t * t;
  weights[3] = -0.5 * t * t + 0.5 * t * t * t;
}

function mirror(i: number, size: number): number {
  const wrapped = ((i % (2 * size)) + 2 * size) % (2 * size);
  return wrapped < size ? wrapped : 2 * size - 1 - wrapped;
}
