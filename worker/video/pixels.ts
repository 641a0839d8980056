/** Conversion between pictures in memory and sharp. */
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import type { Size } from '../../src/catalog/catalog.ts';
import type { Picture } from '../../src/infra/media/picture.ts';

/** Opens `picture` in sharp. */
export const openPicture = (picture: Picture): Sharp => sharp(picture.data, { raw: raw(picture), limitInputPixels: false });

/** Computes the pixels of `image`; an alpha channel is dropped. */
export async function toPicture(image: Sharp): Promise<Picture> {
  const { data, info } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

/** sharp's description of a picture's bytes. */
export const raw = ({ width, height }: Size) => ({ width, height, channels: 3 }) as const;

/** Writes `picture` to `file` as a JPEG: posters and previews. */
export async function writeJpeg(picture: Picture, file: string): Promise<void> {
  await openPicture(picture).jpeg({ quality: 85, mozjpeg: true }).toFile(file);
}
