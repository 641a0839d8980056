import sharp from 'sharp';
import type { Sharp } from 'sharp';
import type { Size } from '../../src/catalog/catalog.ts';
import type { Picture } from '../engine.ts';

/** `picture` as sharp takes it. */
export const openPicture = (picture: Picture): Sharp => sharp(picture.data, { raw: raw(picture), limitInputPixels: false });

/** What sharp makes of it, in plain bytes. */
export async function toPicture(image: Sharp): Promise<Picture> {
  const { data, info } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

/** What sharp has to be told about a picture's bytes. */
export const raw = ({ width, height }: Size) => ({ width, height, channels: 3 }) as const;
