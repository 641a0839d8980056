/** Approximate previews of latents, without the VAE decoder: one pixel per latent cell. */
import type { Size } from '../../src/catalog/catalog.ts';
import type { Picture } from '../engine.ts';
import { openPicture, toPicture } from '../video/pixels.ts';

/**
 * Red, green and blue in −1…1 per unit of each of the four channels of scaled latents: a linear fit for the VAE that Stable Diffusion 1 and
 * Stable Video Diffusion share. Source: Comfy-Org/ComfyUI, comfy/latent_formats.py, SD15.
 */
const RGB = [
  [0.3512, 0.2297, 0.3227],
  [0.325, 0.4974, 0.235],
  [-0.2829, 0.1762, 0.2721],
  [-0.212, -0.2616, -0.7177],
] as const;

/** Side of the square that shows a latent cell, in pixels. */
const ENLARGEMENT = 4;

/** @param latents [4, height, width] of one frame, scaled and mostly free of noise */
export async function latentPreview(latents: Float32Array, { width, height }: Size): Promise<Picture> {
  const plane = width * height;
  const data = new Uint8ClampedArray(3 * plane);
  for (let i = 0; i < plane; i++) {
    for (let color = 0; color < 3; color++) {
      let value = 0;
      for (let channel = 0; channel < 4; channel++) value += RGB[channel]![color]! * latents[channel * plane + i]!;
      data[3 * i + color] = (value + 1) * 127.5;
    }
  }
  const small = { width, height, data: new Uint8Array(data.buffer) };
  return await toPicture(openPicture(small).resize(ENLARGEMENT * width, ENLARGEMENT * height, { fit: 'fill', kernel: 'cubic' }));
}
