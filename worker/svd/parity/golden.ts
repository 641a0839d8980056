/**
 * A folder of golden numbers: inputs and outputs of the official packages for one checkpoint. `checkpoint/` contains its configuration and
 * optionally its weights, `photo.png` the pipeline's input, and `golden.safetensors` the numbers, with metadata that records how they were
 * computed. test/reference creates such folders.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { z } from 'zod';
import { AppError } from '../../../src/jobs/errors.ts';
import type { Picture } from '../../engine.ts';
import { openSafetensors, readFloats, type Safetensors } from '../checkpoint/safetensors.ts';

const sides = z.tuple([z.int().positive(), z.int().positive()]);

const goldenCase = z.object({
  /** Seed of the weights, unless they are in the checkpoint's folder. */
  seed: z.int(),
  /** Height and width in pixels. */
  size: sides,
  frames: z.int().positive(),
  /** Guidance scale of the first and of the last frame. */
  guidance: z.tuple([z.number(), z.number()]),
  fps: z.number(),
  /** Motion bucket id. */
  bucket: z.number(),
  /** Noise augmentation strength. */
  aug: z.number(),
});

/** SHA-256 of each component's weights, see weightsDigest. */
const digests = z.object({ unet: z.string(), vae: z.string(), image_encoder: z.string() });

export interface Golden {
  /** Absolute path. */
  readonly folder: string;
  /** Options that the pipeline was run with. */
  readonly case: z.infer<typeof goldenCase>;
  readonly digests: z.infer<typeof digests>;
  readonly photo: Picture;
  readonly numbers: GoldenNumbers;
}

/** @throws AppError MODEL_INVALID, IMAGE_UNREADABLE if the folder is incomplete or invalid; the message says what is wrong */
export async function openGolden(folder: string): Promise<Golden> {
  const absolute = path.resolve(folder);
  const source = await openSafetensors(path.join(absolute, 'golden.safetensors'));
  return {
    folder: absolute,
    case: fromMetadata(source, 'case', goldenCase),
    digests: fromMetadata(source, 'weights', digests),
    photo: await readPixels(path.join(absolute, 'photo.png')),
    numbers: checked(source),
  };
}

/** Required tensors with their types and numbers of dimensions. A name that ends in N stands for one or more tensors. */
const TENSORS: readonly (readonly [name: string, dtype: 'F32' | 'U8', rank: number])[] = [
  ['clip.resized', 'F32', 4], // [1, 3, size, size], every few rows and columns, from 0
  ['clip.image_embeds', 'F32', 2], // [1, context]
  ['vae.image', 'F32', 4], // [1, 3, h, w]
  ['vae.mode', 'F32', 4], // [1, 4, h/8, w/8], unscaled
  ['vae.z', 'F32', 4], // [frames, 4, h/8, w/8], unscaled
  ['vae.decoded.chunkN', 'F32', 4], // [frames, 3, h, w], decoded N at a time
  ['unet.sample', 'F32', 5], // [items, frames, 8, h/8, w/8]
  ['unet.context', 'F32', 3], // [items, 1, context]
  ['unet.ids', 'F32', 2], // [items, 3]
  ['unet.timestep.N', 'F32', 1],
  ['unet.out.N', 'F32', 5], // [items, frames, 4, h/8, w/8], at timestep N
  ['unet.out.batch1', 'F32', 5], // all items but the first
  ['pipeline.aug_noise', 'F32', 4], // [1, 3, h, w]
  ['pipeline.latent_noise', 'F32', 5], // [1, frames, 4, h/8, w/8]
  ['pipeline.latents', 'F32', 5], // [steps, frames, 4, h/8, w/8], after each step
  ['pipeline.noguidance.latents', 'F32', 5], // likewise, with guidance off
  ['pipeline.frames.chunkN', 'U8', 4], // [frames, h, w, 3], decoded N at a time
];

function checked(source: Safetensors): GoldenNumbers {
  const numbers = new GoldenNumbers(source);
  for (const [pattern, dtype, rank] of TENSORS) {
    const prefix = pattern.replace(/N$/, '');
    const names = prefix === pattern ? [pattern] : numbers.numbered(prefix).map((n) => prefix + n);
    const matches = (name: string) => source.tensors.get(name)?.dtype === dtype && source.tensors.get(name)?.shape.length === rank;
    if (names.length === 0 || !names.every(matches))
      throw new AppError('MODEL_INVALID', `${source.file} has no ${pattern} of type ${dtype} with ${rank} dimensions.`);
  }
  return numbers;
}

/** The tensors of golden.safetensors, read on demand. */
export class GoldenNumbers {
  readonly #source: Safetensors;

  constructor(source: Safetensors) {
    this.#source = source;
  }

  /** @throws AppError MODEL_INVALID if there is no such tensor or it is not floating-point */
  floats(name: string): Float32Array {
    return readFloats(this.#source, name);
  }

  /** The bytes of a U8 tensor. @throws AppError MODEL_INVALID */
  async bytes(name: string): Promise<Uint8Array> {
    const { offset, sizeBytes } = this.#info(name);
    const file = await open(this.#source.file);
    try {
      return (await file.read(new Uint8Array(sizeBytes), 0, sizeBytes, offset)).buffer;
    } finally {
      await file.close();
    }
  }

  /** @throws AppError MODEL_INVALID if there is no such tensor */
  shape(name: string): readonly number[] {
    return this.#info(name).shape;
  }

  /** All numbers N, ascending, for which a tensor `prefix`N exists. */
  numbered(prefix: string): number[] {
    const endings = [...this.#source.tensors.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    return endings
      .filter((ending) => /^\d+$/.test(ending))
      .map(Number)
      .toSorted((a, b) => a - b);
  }

  #info(name: string) {
    const info = this.#source.tensors.get(name);
    if (!info) throw new AppError('MODEL_INVALID', `${this.#source.file} has no ${name}.`);
    return info;
  }
}

function fromMetadata<T>({ file, metadata }: Safetensors, key: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(metadata[key] ?? 'null'));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error).replaceAll(/\s*\n\s*/g, ' ') : (error as Error).message;
    throw new AppError('MODEL_INVALID', `${file}: __metadata__.${key} cannot be used: ${reason}`, {}, error);
  }
}

/** Decodes to the same bytes as Pillow: without applying color profile or EXIF orientation. */
async function readPixels(file: string): Promise<Picture> {
  try {
    const { data, info } = await sharp(file, { ignoreIcc: true, autoOrient: false })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data };
  } catch (error) {
    throw new AppError('IMAGE_UNREADABLE', `${file} cannot be read: ${(error as Error).message}.`, {}, error);
  }
}
