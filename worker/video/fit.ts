/**
 * Brings the photo to the aspect ratio of the video at the photo's own resolution, so that later resizes start from as many pixels as
 * possible.
 */
import type { CommonOptions, Crop, Size } from '../../src/catalog/catalog.ts';
import { CENTRE, coverCrop } from '../../src/catalog/crop.ts';
import type { Picture } from '../../src/infra/media/picture.ts';
import { openPicture, toPicture } from './pixels.ts';
import { surround } from './surround.ts';

/**
 * Longest side of a padded photo: four times the longest side that a model renders. Without a limit, a panorama of 50 megapixels in a
 * portrait frame would take gigabytes.
 */
export const PADDED_SIDE_MAX = 4096;

type Fitting = Pick<CommonOptions, 'fit' | 'crop'>;

/**
 * The photo in the requested aspect ratio. COVER returns exactly the crop. CONTAIN places the whole photo over a blurred copy of itself,
 * scaled down first if the result would be longer than `PADDED_SIDE_MAX`; its sides are rounded to whole pixels. A photo that already has
 * the aspect ratio is returned unchanged.
 *
 * @param aspect any size with the requested aspect ratio
 */
export async function fitPhoto(photo: Picture, aspect: Size, options: Fitting): Promise<Picture> {
  return options.fit === 'COVER' ? await cropPhoto(photo, aspect, options.crop) : await padPhoto(photo, aspect);
}

/**
 * The part of the photo that covers the frame.
 * @param crop null: the largest part with that aspect ratio, from the middle of the photo
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
