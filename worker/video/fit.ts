/**
 * The photo brought to the aspect of the video, as a model is to see it: at its own resolution, since every later resize wants as
 * many pixels as there are.
 */
import type { Fit, Size } from '../../src/catalog/catalog.ts';
import type { Picture } from '../engine.ts';
import { openPicture, toPicture } from './pixels.ts';
import { surround } from './surround.ts';

/**
 * Longest side of a padded photo: four times the longest that a model renders. Without it a panorama of 50 megapixels in an upright
 * frame would take gigabytes.
 */
export const PADDED_SIDE_MAX = 4096;

/**
 * COVER cuts out the largest part of that aspect around the middle. CONTAIN lays the whole photo on a blurred surround of itself, made
 * smaller first where the result would be longer than `PADDED_SIDE_MAX`. Sides are rounded to whole pixels. A photo that has the aspect
 * already is returned as it is.
 *
 * @param aspect any size of the aspect asked for
 */
export async function fitPhoto(photo: Picture, aspect: Size, fit: Fit): Promise<Picture> {
  const tooWide = photo.width * aspect.height > photo.height * aspect.width;
  const keepsHeight = tooWide === (fit === 'COVER');
  const size = keepsHeight
    ? { width: side((photo.height * aspect.width) / aspect.height), height: photo.height }
    : { width: photo.width, height: side((photo.width * aspect.height) / aspect.width) };
  if (size.width === photo.width && size.height === photo.height) return photo;
  return fit === 'COVER' ? cut(photo, size) : pad(photo, size);
}

function cut(photo: Picture, size: Size): Promise<Picture> {
  const [left, top] = [Math.floor((photo.width - size.width) / 2), Math.floor((photo.height - size.height) / 2)];
  return toPicture(openPicture(photo).extract({ left, top, ...size }));
}

async function pad(photo: Picture, size: Size): Promise<Picture> {
  const scale = Math.min(1, PADDED_SIDE_MAX / Math.max(size.width, size.height));
  const scaled = ({ width, height }: Size): Size => ({ width: side(width * scale), height: side(height * scale) });
  const whole = scale < 1 ? await toPicture(openPicture(photo).resize({ ...scaled(photo), fit: 'fill' })) : photo;
  return (await surround(whole, scaled(size))).canvas;
}

const side = (pixels: number): number => Math.max(1, Math.round(pixels));
