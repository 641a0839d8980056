/**
 * The stages from photo to keyframes. Sources: diffusers pipelines/stable_video_diffusion/pipeline_stable_video_diffusion.py and the
 * sampler of Stability-AI/generative-models, which agree.
 */
import type { Size } from '../../src/catalog/catalog.ts';
import { AppError } from '../../src/jobs/errors.ts';
import type { Picture } from '../engine.ts';
import type { Conditioning, Networks } from './runtime/networks.ts';
import { clipResize, lanczosResize } from './resize.ts';
import {
  applyGuidance,
  eulerStep,
  guidanceScales,
  initNoiseSigma,
  karrasSigmas,
  modelInputScale,
  predictOriginalSample,
  timestepOf,
} from './scheduler.ts';

/** What the image encoder and the VAE encoder compute from the photo. */
export interface EncodedPhoto {
  /** [cross-attention width] */
  readonly embedding: Float32Array;
  /** [4, height / 8, width / 8], unscaled */
  readonly latents: Float32Array;
}

export interface Sampling {
  /** Of the images, in pixels. */
  readonly size: Size;
  readonly numFrames: number;
  readonly numInferenceSteps: number;
  /** Guidance scale of the first frame. */
  readonly minGuidanceScale: number;
  /** Guidance scale of the last frame. Guidance is off if this is at most 1. */
  readonly maxGuidanceScale: number;
  /** Frame rate that the model generates motion for, 5–30. */
  readonly fps: number;
  readonly motionBucketId: number;
  /** Noise augmentation: standard deviation of the noise that was added to the photo. */
  readonly noiseAugStrength: number;
}

/** The photo's image embedding. @param photo of any size @returns [cross-attention width] */
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
 * The photo's latents, after noise augmentation of its pixels.
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

/** Whether classifier-free guidance is on. */
export function isGuided({ maxGuidanceScale }: Pick<Sampling, 'maxGuidanceScale'>): boolean {
  return maxGuidanceScale > 1;
}

/** The state after a step. Latents are [frames, 4, height / 8, width / 8]. */
export interface Step {
  /** Number of finished steps, from 1. */
  readonly step: number;
  readonly latents: Float32Array;
  /** The UNet's prediction of the noise-free latents. */
  readonly predOriginalSample: Float32Array;
}

/**
 * Denoises latents step by step, each step on the consumer's request. Every step returns new arrays.
 * @param noise standard normal, [frames, 4, height / 8, width / 8]
 * @param beforeCall awaited before each call of the UNet; if it throws, denoising stops with that error
 * @throws AppError NON_FINITE_OUTPUT
 */
export async function* denoise(
  networks: Networks,
  photo: EncodedPhoto,
  sampling: Sampling,
  noise: Float32Array,
  beforeCall: () => Promise<void> = async () => {},
): AsyncGenerator<Step, void, undefined> {
  const { size, numFrames, numInferenceSteps, minGuidanceScale, maxGuidanceScale } = sampling;
  const { guidanceBatch } = networks.memory;
  const sigmas = karrasSigmas(networks.checkpoint.scheduler, numInferenceSteps);
  const guided = isGuided(sampling);
  const scales = guidanceScales(minGuidanceScale, maxGuidanceScale, numFrames);
  const conditioning = await condition(networks, photo, sampling, sigmas, guided);
  const initialSigma = initNoiseSigma(sigmas);
  let latents: Float32Array = noise.map((value) => value * initialSigma);
  for (let i = 0; i < numInferenceSteps; i++) {
    const sigma = sigmas[i]!;
    /** One call for these rows of the conditioning: 0 with the photo, 1 without it. */
    const predictVelocity = async (rows: readonly (0 | 1)[]) => {
      await beforeCall();
      return await networks.velocity(
        {
          sample: joined(rows.map((row) => unetSample(latents, modelInputScale(sigma), row === 0 ? photo.latents : null, numFrames))),
          time: conditioning.times[i]!,
          context: joined(rows.map((row) => conditioning.contexts[row]!)),
          positions: conditioning.positions,
        },
        numFrames,
        size,
        rows.length,
      );
    };
    let velocity: Float32Array;
    if (guided && guidanceBatch === 2) {
      const both = await predictVelocity([0, 1]);
      velocity = applyGuidance(both.subarray(both.length / 2), both.subarray(0, both.length / 2), scales);
    } else {
      const conditional = await predictVelocity([0]);
      velocity = guided ? applyGuidance(await predictVelocity([1]), conditional, scales) : conditional;
    }
    const predOriginalSample = predictOriginalSample(latents, velocity, sigma);
    latents = eulerStep(latents, predOriginalSample, sigma, sigmas[i + 1]!);
    assertFinite(latents, `step ${i + 1} of ${numInferenceSteps}`);
    yield { step: i + 1, latents, predOriginalSample };
  }
}

/** Conditioning with the photo in row 0 and, if guided, without it in row 1. */
async function condition(
  networks: Networks,
  { embedding }: EncodedPhoto,
  sampling: Sampling,
  sigmas: Float64Array,
  guided: boolean,
): Promise<Conditioning> {
  const { numFrames, numInferenceSteps, fps, motionBucketId, noiseAugStrength } = sampling;
  const context = new Float32Array(embedding.length * (guided ? 2 : 1));
  context.set(embedding);
  return await networks.condition({
    timesteps: [...sigmas.subarray(0, numInferenceSteps)].map(timestepOf),
    // The model was trained with fps − 1.
    ids: [fps - 1, motionBucketId, noiseAugStrength],
    context,
    frames: numFrames,
  });
}

function joined(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Scaled latents concatenated with the photo's latents, or with zeros: [frames, 8, h, w]. */
function unetSample(latents: Float32Array, scale: number, imageLatents: Float32Array | null, numFrames: number): Float32Array {
  const length = latents.length / numFrames;
  const sample = new Float32Array(2 * latents.length);
  for (let frame = 0; frame < numFrames; frame++) {
    const to = 2 * frame * length;
    for (let i = 0; i < length; i++) sample[to + i] = scale * latents[frame * length + i]!;
    if (imageLatents) sample.set(imageLatents, to + length);
  }
  return sample;
}

/**
 * Decodes latents to pictures. Yields chunks of up to `decodeChunkSize` frames, in order; the decoder smooths along time within a chunk.
 * @param latents [frames, 4, height / 8, width / 8], the final result of `denoise`
 * @throws AppError NON_FINITE_OUTPUT
 */
export async function* decode(
  networks: Networks,
  latents: Float32Array,
  numFrames: number,
  size: Size,
  decodeChunkSize: number,
): AsyncGenerator<Picture[], void, undefined> {
  const { scalingFactor } = networks.checkpoint.vae.config;
  const length = latents.length / numFrames;
  let { precision } = networks.runtime;
  for (let first = 0; first < numFrames; first += decodeChunkSize) {
    const count = Math.min(decodeChunkSize, numFrames - first);
    const z = latents.slice(first * length, (first + count) * length).map((value) => value / scalingFactor);
    let images = await networks.decode(z, count, size, precision);
    if (precision === 'fp16' && !images.every(Number.isFinite)) {
      precision = 'fp32'; // float16 can overflow in the decoder; the remaining chunks would overflow too
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
  const data = new Uint8ClampedArray(3 * plane); // clamps and rounds on assignment
  for (let channel = 0, at = 0; channel < 3; channel++) {
    for (let i = 0; i < plane; i++, at++) data[3 * i + channel] = (image[at]! + 1) * 127.5;
  }
  return { width, height, data: new Uint8Array(data.buffer) };
}

function assertFinite(values: Float32Array, what: string): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!))
      throw new AppError('NON_FINITE_OUTPUT', `The model produced invalid values (NaN or infinity) for ${what}.`);
  }
}
