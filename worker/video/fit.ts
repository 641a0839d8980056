/**
 * Brings the photo to the aspect of the video, at its own resolution: every later resize benefits from as many pixels as there are.
 */
import type { CommonOptions, Crop, Size } from '../../src/catalog/catalog.ts';
import { CENTRE, coverCrop } from '../../src/catalog/crop.ts';
import type { Picture } from '../../src/infra/media/picture.ts';
import { openPicture, toPicture } from './pixels.ts';
import { surround } from './surround.ts';

/**
 * Longest side of a padded photo: four times the longest that a model renders. Without a limit, a panorama of 50 megapixels in a portrait
 * frame would take gigabytes.
 */
export const PADDED_SIDE_MAX = 4096;

type Fitting = Pick<CommonOptions, 'fit' | 'crop'>;

/**
 * The photo in the aspect asked for. COVER returns exactly the crop. CONTAIN lays the whole photo on a blurred surround of itself, scaled
 * down first if the result would be longer than `PADDED_SIDE_MAX`; its sides are rounded to whole pixels. A photo that has the aspect
 * already is returned as it is.
 *
 * @param aspect any size of the aspect asked for
 */
export async function fitPhoto(photo: Picture, aspect: Size, options: Fitting): Promise<Picture> {
  return options.fit === 'COVER' ? await cropPhoto(photo, aspect, options.crop) : await padPhoto(photo, aspect);
}

/**
 * The part of the photo that covers the frame.
 * @param crop null: the largest part of the aspect in the middle of the photo
 */
export async function cropPhoto(photo: Picture, aspect: Size, crop: Crop | null): Promise<Picture> {
  const { x: left, y: top, width, height } = crop ?? coverCrop({ ...photo, focus: CENTRE }, aspect);
  if (width === photo.width && height === photo.height) return photo;
  return await toPicture(openPicture(photo).extract({ left, top, width, height }));
}

async function padPhoto(photo: Picture, aspect: Size): Promise<Picture> {
  const isTooWide = photo.width * aspect.height > photo.height * aspect.width;
  const size = isTooWide
    ? { width: photo.width, height: side((photo.width * aspect.height) / aspect.width) }
    : { width: side((photo.height * aspect.width) / aspect.height), height: photo.height };
  if (size.width === photo.width && size.height === photo.height) return photo;
  const scale = Math.min(1, PADDED_SIDE_MAX / Math.max(size.width, size.height));
  const scaled = ({ width, height }: Size): Size => ({ width: side(width * scale), height: side(height * scale) });
  const whole = scale < 1 ? await toPicture(openPicture(photo).resize({ ...scaled(photo), fit: 'fill' })) : photo;
  return (await surround(whole, scaled(size))).canvas;
}

const side = (pixels: number): number => Math.max(1, Math.round(pixels));
