/**
 * Prepares the photo for the camera: crops it to the part that the camera path shows, scales it to the resolution of the most magnified
 * frame, and for CONTAIN adds a blurred surround.
 */
import type { CommonOptions, Size } from '../../src/catalog/catalog.ts';
import type { Picture } from '../engine.ts';
import type { CameraTransform } from '../video/camera.ts';
import { openPicture, toPicture } from '../video/pixels.ts';
import { surround } from '../video/surround.ts';
import { resample, type Sampling } from './resample.ts';

/** Position of the photo on one axis of the canvas: photo pixel p is at canvas pixel `origin + p × density`. */
interface Axis {
  readonly origin: number;
  readonly density: number;
}

export interface Scene {
  readonly canvas: Picture;
  readonly photo: Size;
  readonly frame: Size;
  /** Video pixels per photo pixel at zoom 1. */
  readonly scale: number;
  readonly across: Axis;
  readonly down: Axis;
}

/** Prepares `photo` for all frames of `path`. */
export async function prepareScene(
  photo: Picture,
  frame: Size,
  fit: CommonOptions['fit'],
  path: readonly CameraTransform[],
): Promise<Scene> {
  const scale = fitScale(photo, frame, fit, path);
  const density = scale * Math.max(...path.map(({ zoom }) => zoom));
  const reach = (extent: (camera: CameraTransform) => number) => Math.max(...path.map((camera) => (1 + 2 * extent(camera)) / camera.zoom));
  const visible = {
    width: (reach(({ x }) => Math.abs(x)) * frame.width) / scale,
    height: (reach(({ y }) => Math.abs(y)) * frame.height) / scale,
  };
  const scene = fit === 'COVER' ? await cropToVisible(photo, visible, density) : await addSurround(photo, visible, density);
  return { ...scene, photo: { width: photo.width, height: photo.height }, frame, scale };
}

/** Renders the view of `camera`: one frame of the video. */
export function shoot({ canvas, photo, frame, scale, across, down }: Scene, camera: CameraTransform): Picture {
  const pixel = 1 / (scale * camera.zoom); // photo pixels per video pixel
  const along = (axis: Axis, photoSide: number, frameSide: number, offset: number): Sampling => {
    const firstPixel = photoSide / 2 + (offset * frameSide + 0.5 - frameSide / 2) * pixel;
    return { start: axis.origin + firstPixel * axis.density, step: pixel * axis.density, count: frameSide };
  };
  return resample(canvas, along(across, photo.width, frame.width, camera.x), along(down, photo.height, frame.height, camera.y));
}

/**
 * COVER: the smallest scale at which the photo fills every frame of the path, so that a photo that extends beyond the frame is cropped no
 * more than necessary. CONTAIN: the largest scale at which every frame shows the whole photo.
 */
function fitScale(photo: Size, frame: Size, fit: CommonOptions['fit'], path: readonly CameraTransform[]): number {
  const sign = fit === 'COVER' ? 1 : -1;
  const scales = path.flatMap(({ x, y, zoom }) => [
    ((1 + 2 * sign * Math.abs(x)) * frame.width) / (zoom * photo.width),
    ((1 + 2 * sign * Math.abs(y)) * frame.height) / (zoom * photo.height),
  ]);
  return fit === 'COVER' ? Math.max(...scales) : Math.min(...scales);
}

type Canvas = Pick<Scene, 'canvas' | 'across' | 'down'>;

async function cropToVisible(photo: Picture, visible: Size, density: number): Promise<Canvas> {
  const [left, width] = middle(photo.width, visible.width);
  const [top, height] = middle(photo.height, visible.height);
  const size = { width: Math.round(width * density), height: Math.round(height * density) };
  const across = { density: size.width / width, origin: (-left * size.width) / width };
  const down = { density: size.height / height, origin: (-top * size.height) / height };
  return {
    canvas: await toPicture(
      openPicture(photo)
        .extract({ left, top, width, height })
        .resize({ ...size, fit: 'fill' }),
    ),
    across,
    down,
  };
}

/** Start and length, in whole pixels, of the range that contains the middle `part` of `side`. */
function middle(side: number, part: number): [start: number, length: number] {
  const start = Math.max(0, Math.floor((side - part) / 2));
  return [start, side - 2 * start];
}

async function addSurround(photo: Picture, visible: Size, density: number): Promise<Canvas> {
  const size = { width: Math.ceil(visible.width * density), height: Math.ceil(visible.height * density) };
  const whole = { width: Math.round(photo.width * density), height: Math.round(photo.height * density) };
  const { canvas, left, top } = await surround(await toPicture(openPicture(photo).resize({ ...whole, fit: 'fill' })), size);
  return {
    canvas,
    across: { density: whole.width / photo.width, origin: left },
    down: { density: whole.height / photo.height, origin: top },
  };
}
