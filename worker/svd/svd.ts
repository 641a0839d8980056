/** SVD_XT: Stable Video Diffusion generates keyframes from the photo, and motion-compensated interpolation fills the clip. */
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate as immediate } from 'node:timers/promises';
import { frameCount, frameSize, oriented, type Size } from '../../src/catalog/catalog.ts';
import { RENDER_SIZES, unetCalls, type SvdXtOptions } from '../../src/catalog/engines/svd-xt.ts';
import type { Config } from '../../src/config.ts';
import { AppError } from '../../src/jobs/errors.ts';
import { DeviceFailure, type Engine, type EngineModule, type Picture, type PlannedStage, type Report } from '../engine.ts';
import { fitPhoto } from '../video/fit.ts';
import { flowInterpolator } from '../video/interpolate.ts';
import { openPicture, toPicture } from '../video/pixels.ts';
import { keyframeRate } from './costs.ts';
import { latentPreview } from './latent-preview.ts';
import { lowerProfile, type ProfileName } from './runtime/memory.ts';
import type { Network } from './runtime/networks.ts';
import { NoiseSource } from './noise.ts';
import { memoryProfile, svdCapability, openModel, type Model } from './capability.ts';
import { decode, denoise, embedPhoto, encodePhoto, isGuided, type EncodedPhoto } from './pipeline.ts';

/** Incremented whenever the same options and model would give different frames. */
const VERSION = '1';
/** Maximum length of the model's name in a video's metadata. */
const NAME_LENGTH = 80;
/** Range of frame rates that the model was trained with. */
const TRAINED_RATE = { min: 5, max: 30 } as const;
/** Maximum number of previews of a render. */
const PREVIEWS = 8;
/** A picture counts as black if no value exceeds this, of 255. */
const BLACK = 2;
/** A GPU counts as failed if this many renders in a row run out of memory with the lowest memory profile. */
const EXHAUSTED_LIMIT = 2;

class Svd implements Engine<SvdXtOptions> {
  readonly name = 'SVD_XT';
  readonly #device: string;
  readonly #config: Config;
  #shortages: number;
  /** Renders in a row that ran out of memory with the lowest memory profile. */
  #exhausted = 0;
  #model: Promise<Model> | null = null;
  /** Name of the memory profile in use, once the model has been opened. */
  #profile: ProfileName | null = null;

  constructor(device: string, config: Config, shortages: number) {
    this.#device = device;
    this.#config = config;
    this.#shortages = shortages;
  }

  /** Includes every setting that affects the frames. */
  get version(): string {
    const { SVD_MODEL, SVD_PRECISION, SVD_RENDER_SIZE: size, SVD_DECODE_CHUNK_SIZE: chunk } = this.#config;
    return [
      VERSION,
      path.basename(SVD_MODEL).slice(0, NAME_LENGTH),
      ...(SVD_PRECISION === 'auto' ? [] : [SVD_PRECISION]),
      ...(size ? [`${size.width}x${size.height}`] : []),
      ...(this.#profile === null || this.#profile === 'medium' ? [] : [this.#profile]),
      ...(chunk ? [`d${chunk}`] : []),
    ].join('+');
  }

  async plan(options: SvdXtOptions): Promise<PlannedStage[]> {
    const { costs, networks } = await this.#opened();
    const size = this.#renderSize(options);
    const frames = networks.checkpoint.unet.config.numFrames;
    const toLoad = (await this.#networks(options)).filter((network) => !networks.isOpen(network));
    const loadSeconds = toLoad.reduce((sum, network) => sum + costs.load(network), 0);
    return [
      ...(toLoad.length > 0
        ? [{ stage: 'LOADING_MODEL', totalSteps: toLoad.length, secondsPerStep: loadSeconds / toLoad.length } as const]
        : []),
      { stage: 'ENCODING_IMAGE', totalSteps: 2, secondsPerStep: costs.encode(size) / 2 },
      {
        stage: 'DENOISING',
        totalSteps: options.tuning.numInferenceSteps,
        secondsPerStep: (unetCalls(options.tuning) / options.tuning.numInferenceSteps) * costs.call(size),
      },
      { stage: 'DECODING', totalSteps: Math.ceil(frames / networks.memory.decodeChunkSize), secondsPerStep: costs.decode(size) },
      { stage: 'INTERPOLATING', totalSteps: frameCount(options.durationSeconds), secondsPerStep: costs.frame(frameSize(options)) },
    ];
  }

  async load(options: SvdXtOptions, report: Report, signal: AbortSignal): Promise<void> {
    try {
      const { networks } = await this.#opened();
      const toLoad = (await this.#networks(options)).filter((network) => !networks.isOpen(network));
      for (const [index, network] of toLoad.entries()) {
        await yieldToEventLoop(signal);
        await networks.open(network);
        report.progress('LOADING_MODEL', index + 1);
      }
    } catch (error) {
      throw await this.#recover(error);
    }
  }

  async *render(photo: Picture, options: SvdXtOptions, report: Report, signal: AbortSignal): AsyncGenerator<Picture, void, undefined> {
    try {
      const keyframes = await this.#keyframes(photo, options, report, signal);
      this.#exhausted = 0;
      yield* this.#interpolate(keyframes, options, report, signal);
    } catch (error) {
      throw await this.#recover(error);
    }
  }

  async dispose(): Promise<void> {
    await (await this.#model)?.networks.dispose();
  }

  /**
   * After OUT_OF_MEMORY or MODEL_INVALID, frees all networks, so that the next attempt uses less memory or reads the model again.
   * @returns the error to report
   */
  async #recover(failure: unknown): Promise<unknown> {
    const model = await this.#model?.catch(() => null);
    if (!model || !(failure instanceof AppError)) return failure;
    if (failure.code === 'OUT_OF_MEMORY') return await this.#lowerMemory(model, failure);
    if (failure.code === 'MODEL_INVALID') {
      // The files may be replaced, so nothing derived from them may be reused.
      this.#model = null;
      await model.networks.dispose();
    }
    return failure;
  }

  /** Uses the next lower memory profile from now on. @returns the failure, whose message says so; that of the GPU if it failed in the lowest */
  async #lowerMemory({ networks }: Model, failure: AppError): Promise<AppError | DeviceFailure> {
    this.#shortages++;
    const { name } = networks.memory;
    const lower = lowerProfile(name);
    await networks.changeMemory(memoryProfile(networks.runtime.backend, lower, this.#config));
    this.#profile = lower;
    if (lower === name) {
      const isUseless = ++this.#exhausted >= EXHAUSTED_LIMIT && networks.runtime.backend.isGpu;
      return isUseless ? new DeviceFailure(`Out of memory twice in a row with the memory profile ${name}.`, { cause: failure }) : failure;
    }
    return new AppError(
      'OUT_OF_MEMORY',
      `The device ran out of memory with the memory profile ${name}. From now on it uses ${lower}.`,
      {},
      failure.cause,
    );
  }

  /** All keyframes: `num_frames` pictures of the render size. */
  async #keyframes(photo: Picture, options: SvdXtOptions, report: Report, signal: AbortSignal): Promise<Picture[]> {
    const { costs, networks } = await this.#opened();
    const size = this.#renderSize(options);
    const frames = networks.checkpoint.unet.config.numFrames;
    const latentSize = { width: size.width / networks.scale, height: size.height / networks.scale };
    const noise = new NoiseSource(options.seed);
    const { noiseAugStrength, numInferenceSteps, minGuidanceScale, maxGuidanceScale, motionBucketId } = options.tuning;

    const fitted = await fitPhoto(photo, frameSize(options), options);
    await yieldToEventLoop(signal);
    let began = performance.now();
    const embedding = await embedPhoto(networks, fitted);
    report.progress('ENCODING_IMAGE', 1);
    await yieldToEventLoop(signal);
    const pixels = size.width * size.height;
    const encoded: EncodedPhoto = {
      embedding,
      latents: await encodePhoto(networks, fitted, size, noiseAugStrength, noise.normal('augmentation', 3 * pixels)),
    };
    report.progress('ENCODING_IMAGE', 2);
    costs.measured('encode', size, secondsSince(began));

    await yieldToEventLoop(signal);
    began = performance.now();
    const length = 4 * latentSize.width * latentSize.height;
    let latents: Float32Array = new Float32Array();
    for await (const step of denoise(
      networks,
      encoded,
      {
        size,
        numFrames: frames,
        numInferenceSteps,
        minGuidanceScale,
        maxGuidanceScale,
        motionBucketId,
        noiseAugStrength,
        fps: Math.min(TRAINED_RATE.max, Math.max(TRAINED_RATE.min, keyframeRate(frames, frameCount(options.durationSeconds)))),
      },
      noise.normal('latents', frames * length),
      () => yieldToEventLoop(signal),
    )) {
      latents = step.latents;
      report.progress('DENOISING', step.step);
      costs.measured('call', size, (secondsSince(began) / unetCalls(options.tuning)) * (numInferenceSteps / step.step));
      if (step.step % Math.ceil(numInferenceSteps / PREVIEWS) === 0) {
        const middle = Math.floor(frames / 2) * length;
        report.preview(await latentPreview(step.predOriginalSample.subarray(middle, middle + length), latentSize));
      }
    }

    const keyframes: Picture[] = [];
    let chunks = 0;
    began = performance.now();
    for await (const chunk of decode(networks, latents, frames, size, networks.memory.decodeChunkSize)) {
      keyframes.push(...chunk);
      report.progress('DECODING', ++chunks);
      costs.measured('decode', size, secondsSince(began) / chunks);
      await yieldToEventLoop(signal);
    }
    if (keyframes.some(isBlack) && !isBlack(fitted))
      throw new AppError('NON_FINITE_OUTPUT', 'The model produced a black frame for a photo that is not black.');
    return keyframes;
  }

  async *#interpolate(
    keyframes: readonly Picture[],
    options: SvdXtOptions,
    report: Report,
    signal: AbortSignal,
  ): AsyncGenerator<Picture, void, undefined> {
    const { costs } = await this.#opened();
    const size = frameSize(options);
    const began = performance.now();
    let done = 0;
    for await (const picture of flowInterpolator.interpolate(keyframes, frameCount(options.durationSeconds), signal)) {
      yield await toPicture(openPicture(picture).resize({ ...size, fit: 'fill', kernel: 'lanczos3' }));
      report.progress('INTERPOLATING', ++done);
    }
    costs.measured('frame', size, secondsSince(began) / done);
  }

  /** The networks that `load` loads for a render: those that the memory profile keeps. Others are loaded when they are called. */
  async #networks(options: SvdXtOptions): Promise<Network[]> {
    const { networks } = await this.#opened();
    const { residency, guidanceBatch, decodeChunkSize } = networks.memory;
    if (residency === 'swap') return [];
    const size = this.#renderSize(options);
    const frames = networks.checkpoint.unet.config.numFrames;
    const chunk = Math.min(frames, decodeChunkSize);
    const chunks = new Set([chunk, frames % chunk].filter((count) => count > 0));
    const unet: Network = { name: 'unet', size, frames, batch: isGuided(options.tuning) ? guidanceBatch : 1 };
    if (residency === 'unet') return [unet];
    return [
      { name: 'image encoder' },
      { name: 'encoder', size },
      unet,
      ...[...chunks].map((count) => ({ name: 'decoder', size, frames: count }) as const),
    ];
  }

  #renderSize({ resolution, orientation }: SvdXtOptions): Size {
    return oriented(this.#config.SVD_RENDER_SIZE ?? RENDER_SIZES[resolution], orientation);
  }

  #opened(): Promise<Model> {
    if (!this.#model) {
      this.#model = openModel(this.#device, this.#config, this.#shortages);
      this.#model.then(
        ({ networks }) => (this.#profile = networks.memory.name),
        () => (this.#model = null), // the operator may fix the model later
      );
    }
    return this.#model;
  }
}

/** Lets the process handle messages such as a cancellation. */
async function yieldToEventLoop(signal: AbortSignal): Promise<void> {
  await immediate();
  signal.throwIfAborted();
}

function isBlack({ data }: Picture): boolean {
  return data.every((value) => value <= BLACK);
}

const secondsSince = (began: number) => (performance.now() - began) / 1000;

export const svd: EngineModule<SvdXtOptions> = {
  name: 'SVD_XT',
  capability: svdCapability,
  create: (device, config, shortages = 0) => new Svd(device, config, shortages),
};
