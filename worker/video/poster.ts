import sharp from 'sharp';
import type { Picture } from '../engine.ts';

/** Writes `picture` to `file` as a JPEG: posters and previews. */
export async function writeJpeg({ data, width, height }: Picture, file: string): Promise<void> {
  await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85, mozjpeg: true })
    .toFile(file);
}
