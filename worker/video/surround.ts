import type { Size } from '../../src/catalog/catalog.ts';
import type { Picture } from '../engine.ts';
import { openPicture, raw, toPicture } from './pixels.ts';

const SHRINK = 8;
/** Radius of the blur, in parts of the longer side. */
const BLUR = 0.025;
/** The least that sharp knows. */
const BLUR_MIN = 0.3;
/** The surround is a little darker than the photo, so that the photo stands out. */
const DIM = 0.75;

/** A photo on its canvas: where its first pixel lies. */
export interface Surrounded {
  readonly canvas: Picture;
  readonly left: number;
  readonly top: number;
}

/** `photo` in the middle of a canvas of `size`, which is nowhere smaller, on a blurred picture of itself. */
export async function surround(photo: Picture, size: Size): Promise<Surrounded> {
  const [left, top] = [Math.round((size.width - photo.width) / 2), Math.round((size.height - photo.height) / 2)];
  // Blurred while small, which is quick and just as soft.
  const small = { width: Math.ceil(size.width / SHRINK), height: Math.ceil(size.height / SHRINK) };
  const radius = Math.max(BLUR_MIN, BLUR * Math.max(small.width, small.height));
  const soft = await toPicture(
    openPicture(photo)
      .resize({ ...small, fit: 'cover' })
      .blur(radius)
      .linear(DIM, 0),
  );
  const backdrop = await toPicture(openPicture(soft).resize({ ...size, fit: 'fill', kernel: 'cubic' }));
  const input = Buffer.from(photo.data.buffer, photo.data.byteOffset, photo.data.byteLength);
  return { canvas: await toPicture(openPicture(backdrop).composite([{ input, raw: raw(photo), left, top }])), left, top };
}
