/**
 * From a photo to frames, stage by stage. Source: diffusers pipelines/stable_video_diffusion/pipeline_stable_video_diffusion.py and the
 * sampler of Stability-AI/generative-models, which agree.
 */
import type { Size } from '../../src/catalog/catalog.ts';
import { AppError } from '../../src/jobs/errors.ts';
import type { Picture } from '../engine.ts';
import type { Conditioning, Networks } from './runtime/networks.ts';
import { clipResize, lanczosResize } from './resize.ts';
import { applyGuidance, denoised, eulerStep, guidanceRamp, initNoiseSigma, inputScale, karrasSigmas, timestepOf } from './scheduler.ts';

/** What the networks know of the photo. */
export interface EncodedPhoto {
  /** [cross-attention width] */
  readonly embedding: Float32Array;
  /** [4, height / 8, width / 8], unscaled */
  readonly latents: Float32Array;
}

export interface Sampling {
  readonly size: Size;
  readonly frames: number;
  readonly steps: number;
  /** Guidance of the first and of the last frame; up to 1 there is none. */
  readonly guidance: readonly [min: number, max: number];
  /** Frames per second that the motion is made for, 5–30. */
  readonly framesPerSecond: number;
  readonly motionBucketId: number;
  /** Standard deviation of the noise that was added to the photo. */
  readonly noiseAugStrength: number;
}

/** @param photo of any size @returns [cross-attention width] */
export async function embedPhoto(networks: Networks, photo: Picture): Promise<Float32Array> {
  const {
    imageEncoder,
    normalization: { mean, std },
  } = networks.checkpoint;
  const { imageSize } = imageEncoder.config;
  const pixels = clipResize(photo, imageSize);
  const plane = imageSize ** 2;
  for (let i = 0; i < pixels.length; i++) {
    const channel = Math.floor(i / plane);
    pixels[i] = ((pixels[i]! + 1) / 2 - mean[channel]!) / std[channel]!;
  }
  return await networks.embed(pixels);
}

/**
 * The photo's latents, with noise added to its pixels before.
 * @param noise standard normal, [3, height, width]
 * @returns [4, height / 8, width / 8], unscaled
 */
export async function encodePhoto(
  networks: Networks,
  photo: Picture,
  size: Size,
  noiseAugStrength: number,
  noise: Float32Array,
): Promise<Float32Array> {
  const { data } = lanczosResize(photo, size.width, size.height);
  const plane = size.width * size.height;
  const image = new Float32Array(3 * plane);
  for (let channel = 0, at = 0; channel < 3; channel++) {
    for (let i = 0; i < plane; i++, at++) image[at] = data[3 * i + channel]! / 127.5 - 1 + noiseAugStrength * noise[at]!;
  }
  const latents = await networks.encode(image, size);
  assertFinite(latents, 'the encoded photo');
  return latents;
}

/** After a step: the latents and what the network takes for the picture behind their noise, both [frames, 4, height / 8, width / 8]. */
export interface Step {
  /** Steps finished, from 1. */
  readonly step: number;
  readonly latents: Float32Array;
  readonly clean: Float32Array;
}

/**
 * Turns noise into latents, step by step; whoever asks for the next step decides whether there is one. Arrays are new each time.
 * @param noise standard normal, [frames, 4, height / 8, width / 8]
 * @param between called before each call of the network; what it throws ends the whole
 * @throws AppError NON_FINITE_OUTPUT
 */
export async function* denoise(
  networks: Networks,
  photo: EncodedPhoto,
  sampling: Sampling,
  noise: Float32Array,
  between: () => Promise<void> = async () => {},
): AsyncGenerator<Step, void, undefined> {
  const {
    size,
    frames,
    steps,
    guidance: [min, max],
  } = sampling;
  const sigmas = karrasSigmas(networks.checkpoint.scheduler, steps);
  const guided = max > 1;
  const ramp = guidanceRamp(min, max, frames);
  const conditioning = await condition(networks, photo, sampling, sigmas, guided);
  const start = initNoiseSigma(sigmas);
  let latents: Float32Array = noise.map((value) => value * start);
  for (let i = 0; i < steps; i++) {
    const sigma = sigmas[i]!;
    const ask = async (row: number, imageLatents: Float32Array | null) => {
      await between();
      return await networks.velocity(
        {
          sample: unetSample(latents, inputScale(sigma), imageLatents, frames),
          time: conditioning.times[i]!,
          context: conditioning.contexts[row]!,
          positions: conditioning.positions,
        },
        frames,
        size,
      );
    };
    const conditional = await ask(0, photo.latents);
    const velocity = guided ? applyGuidance(await ask(1, null), conditional, ramp) : conditional;
    const clean = denoised(latents, velocity, sigma);
    latents = eulerStep(latents, clean, sigma, sigmas[i + 1]!);
    assertFinite(latents, `step ${i + 1} of ${steps}`);
    yield { step: i + 1, latents, clean };
  }
}

/** Contexts: with the photo, and if guided, without it. */
async function condition(
  networks: Networks,
  { embedding }: EncodedPhoto,
  sampling: Sampling,
  sigmas: Float64Array,
  guided: boolean,
): Promise<Conditioning> {
  const { frames, steps, framesPerSecond, motionBucketId, noiseAugStrength } = sampling;
  const context = new Float32Array(embedding.length * (guided ? 2 : 1));
  context.set(embedding);
  return await networks.condition({
    timesteps: [...sigmas.subarray(0, steps)].map(timestepOf),
    // The network was trained with one less than the frames per second.
    ids: [framesPerSecond - 1, motionBucketId, noiseAugStrength],
    context,
    frames,
  });
}

/** Scaled latents and the photo's side by side, [frames, 8, h, w]; without a photo, zeros. */
function unetSample(latents: Float32Array, scale: number, imageLatents: Float32Array | null, frames: number): Float32Array {
  const length = latents.length / frames;
  const sample = new Float32Array(2 * latents.length);
  for (let frame = 0; frame < frames; frame++) {
    const to = 2 * frame * length;
    for (let i = 0; i < length; i++) sample[to + i] = scale * latents[frame * length + i]!;
    if (imageLatents) sample.set(imageLatents, to + length);
  }
  return sample;
}

/**
 * Latents as pictures, in chunks of up to `chunk` frames; the decoder smooths along time within a chunk. Counts finished chunks in the
 * order of the frames.
 * @param latents [frames, 4, height / 8, width / 8], as `denoise` leaves them
 * @throws AppError NON_FINITE_OUTPUT
 */
export async function* decode(
  networks: Networks,
  latents: Float32Array,
  frames: number,
  size: Size,
  chunk: number,
): AsyncGenerator<Picture[], void, undefined> {
  const { scalingFactor } = networks.checkpoint.vae.config;
  const length = latents.length / frames;
  let { precision } = networks.runtime;
  for (let first = 0; first < frames; first += chunk) {
    const count = Math.min(chunk, frames - first);
    const z = latents.slice(first * length, (first + count) * length).map((value) => value / scalingFactor);
    let images = await networks.decode(z, count, size, precision);
    if (precision === 'fp16' && !images.every(Number.isFinite)) {
      precision = 'fp32'; // half precision can overflow in the decoder; the rest of the clip would too
      images = await networks.decode(z, count, size, precision);
    }
    assertFinite(images, `frames ${first + 1} to ${first + count}`);
    yield Array.from({ length: count }, (_, i) =>
      toPicture(images.subarray((i * images.length) / count, ((i + 1) * images.length) / count), size),
    );
  }
}

/** @param image [3, height, width] in about −1…1 */
function toPicture(image: Float32Array, { width, height }: Size): Picture {
  const plane = width * height;
  const data = new Uint8ClampedArray(3 * plane); // clamps and rounds as it stores
  for (let channel = 0, at = 0; channel < 3; channel++) {
    for (let i = 0; i < plane; i++, at++) data[3 * i + channel] = (image[at]! + 1) * 127.5;
  }
  return { width, height, data: new Uint8Array(data.buffer) };
}

function assertFinite(values: Float32Array, what: string): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) throw new AppError('NON_FINITE_OUTPUT', `The model's numbers for ${what} are no longer finite.`);
  }
}
