import type { Size } from '../../src/catalog/catalog.ts';
import type { Picture } from '../../src/infra/media/picture.ts';
import { openPicture, raw, toPicture } from './pixels.ts';

const SHRINK = 8;
/** Sigma of the blur as a fraction of the longer side. */
const BLUR = 0.025;
/** The smallest sigma that sharp accepts. */
const BLUR_MIN = 0.3;
/** The surround is a little darker than the photo, so that the photo stands out. */
const DIM = 0.75;

/** A canvas and the position of the photo's first pixel on it. */
export interface Surrounded {
  readonly canvas: Picture;
  readonly left: number;
  readonly top: number;
}

/** Centres `photo` on a canvas of `size`, at least as large as the photo, over a blurred copy of itself. */
export async function surround(photo: Picture, size: Size): Promise<Surrounded> {
  const [left, top] = [Math.round((size.width - photo.width) / 2), Math.round((size.height - photo.height) / 2)];
  // Blurred at a small size, which is fast and looks the same.
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
