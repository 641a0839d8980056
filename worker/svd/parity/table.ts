/** The parity table: compares everything that the engine computes, from weights to frames, with the official numbers for the same input. */
import { AppError } from '../../../src/jobs/errors.ts';
import type { Picture } from '../../engine.ts';
import type { Networks } from '../runtime/networks.ts';
import { decode, denoise, embedPhoto, encodePhoto, type EncodedPhoto, type Sampling } from '../pipeline.ts';
import { clipResize } from '../resize.ts';
import { weightsDigest } from '../checkpoint/seeded.ts';
import type { Golden, GoldenNumbers } from './golden.ts';
import { compared, failed, LIMITS, measured, shareOff, type Limits, type Row } from './rows.ts';

type Check = (golden: Golden, networks: Networks) => AsyncGenerator<Row, void, undefined>;

/** In pipeline order. Each check uses the official inputs, except the last one, which uses its own intermediate results. */
export const CHECKS = { weights, 'image encoder': imageEncoder, autoencoder, unet, pipeline } as const satisfies Record<string, Check>;

/** Yields all rows, each as soon as it is computed. A check that throws ends with a failed row that says why. */
export async function* parityTable(golden: Golden, networks: Networks): AsyncGenerator<Row, void, undefined> {
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      yield* check(golden, networks);
    } catch (error) {
      yield failed(name, limitsOf(networks).component, describe(error));
    }
  }
}

async function* weights({ digests }: Golden, { checkpoint }: Networks): AsyncGenerator<Row, void, undefined> {
  const components = { unet: checkpoint.unet, vae: checkpoint.vae, image_encoder: checkpoint.imageEncoder } as const;
  for (const name of ['unet', 'vae', 'image_encoder'] as const) {
    const digest = await weightsDigest(components[name].weights);
    yield digest === digests[name]
      ? measured(`weights.${name}`, 0, 0)
      : failed(`weights.${name}`, 0, `sha256 ${digest} instead of ${digests[name]}`);
  }
}

async function* imageEncoder({ photo, numbers }: Golden, networks: Networks): AsyncGenerator<Row, void, undefined> {
  const { imageSize } = networks.checkpoint.imageEncoder.config;
  const resized = everyNth(clipResize(photo, imageSize), imageSize, Math.ceil(imageSize / numbers.shape('clip.resized')[3]!));
  yield compared('clip.resized', resized, numbers.floats('clip.resized'), LIMITS.fp32.component); // always computed in float64
  yield compared('clip.image_embeds', await embedPhoto(networks, photo), numbers.floats('clip.image_embeds'), limitsOf(networks).component);
}

async function* autoencoder({ numbers }: Golden, networks: Networks): AsyncGenerator<Row, void, undefined> {
  const { component } = limitsOf(networks);
  const [, , height, width] = numbers.shape('vae.image') as [number, number, number, number];
  yield compared('vae.mode', await networks.encode(numbers.floats('vae.image'), { height, width }), numbers.floats('vae.mode'), component);
  const latents = numbers.floats('vae.z');
  const [frames, , rows, columns] = numbers.shape('vae.z') as [number, number, number, number];
  const size = { height: rows * networks.scale, width: columns * networks.scale };
  for (const chunk of numbers.numbered('vae.decoded.chunk')) {
    const images: Float32Array[] = [];
    for (let first = 0; first < frames; first += chunk) {
      const end = Math.min(first + chunk, frames);
      images.push(await networks.decode(part(latents, frames, first, end), end - first, size));
    }
    yield compared(`vae.decoded.chunk${chunk}`, join(images), numbers.floats(`vae.decoded.chunk${chunk}`), component);
  }
}

/** Timestep of unet.out.batch1. */
const BATCH1_TIMESTEP = 0.5;

async function* unet({ numbers }: Golden, networks: Networks): AsyncGenerator<Row, void, undefined> {
  const { component } = limitsOf(networks);
  for (const i of numbers.numbered('unet.out.')) {
    const timestep = numbers.floats(`unet.timestep.${i}`)[0]!;
    yield compared(`unet.out.${i}`, await velocities(numbers, networks, timestep, 0), numbers.floats(`unet.out.${i}`), component);
  }
  yield compared('unet.out.batch1', await velocities(numbers, networks, BATCH1_TIMESTEP, 1), numbers.floats('unet.out.batch1'), component);
}

/** The UNet's outputs for all items from `first`: in one call, or one by one if their ids differ, because a call takes one set of ids. */
async function velocities(numbers: GoldenNumbers, networks: Networks, timestep: number, first: number): Promise<Float32Array> {
  const [items, frames, , rows, columns] = numbers.shape('unet.sample') as [number, number, number, number, number];
  const size = { height: rows * networks.scale, width: columns * networks.scale };
  const [sample, context, ids] = ['unet.sample', 'unet.context', 'unet.ids'].map((name) => numbers.floats(name)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const idsOf = (item: number) => [...part(ids, items, item, item + 1)];
  const sameIds = Array.from({ length: items - first }, (_, i) => String(idsOf(first + i))).every((text, _, [one]) => text === one);
  const batch = sameIds ? items - first : 1;
  const outputs: Float32Array[] = [];
  for (let item = first; item < items; item += batch) {
    const { times, contexts, positions } = await networks.condition({
      timesteps: [timestep],
      ids: idsOf(item),
      context: part(context, items, item, item + batch),
      frames,
    });
    const inputs = { sample: part(sample, items, item, item + batch), time: times[0]!, context: join(contexts), positions };
    outputs.push(await networks.velocity(inputs, frames, size, batch));
  }
  return join(outputs);
}

async function* pipeline(golden: Golden, networks: Networks): AsyncGenerator<Row, void, undefined> {
  const {
    photo,
    numbers,
    case: {
      size: [height, width],
      frames,
      guidance,
      fps,
      bucket,
      aug,
    },
  } = golden;
  const size = { height, width };
  const limits = limitsOf(networks);
  const sampling = { size, numFrames: frames, fps, motionBucketId: bucket, noiseAugStrength: aug };
  const [minGuidanceScale, maxGuidanceScale] = guidance;
  const encoded = {
    embedding: await embedPhoto(networks, photo),
    latents: await encodePhoto(networks, photo, size, aug, numbers.floats('pipeline.aug_noise')),
  };
  const latents = yield* loop('pipeline.latents', golden, networks, encoded, { ...sampling, minGuidanceScale, maxGuidanceScale });
  yield* loop('pipeline.noguidance.latents', golden, networks, encoded, {
    ...sampling,
    minGuidanceScale: 1,
    maxGuidanceScale: 1,
  });
  for (const chunk of numbers.numbered('pipeline.frames.chunk')) {
    const name = `pipeline.frames.chunk${chunk}`;
    const pictures: Picture[] = [];
    for await (const decoded of decode(networks, latents, frames, size, chunk)) pictures.push(...decoded);
    const [actual, expected] = [Buffer.concat(pictures.map(({ data }) => data)), await numbers.bytes(name)];
    yield actual.length === expected.length
      ? measured(name, shareOff(actual, expected, limits.levels), limits.frames)
      : failed(name, limits.frames, `${actual.length} values instead of ${expected.length}`);
  }
}

/** One row per step. @returns the last latents */
async function* loop(
  name: string,
  { numbers }: Golden,
  networks: Networks,
  photo: EncodedPhoto,
  sampling: Omit<Sampling, 'numInferenceSteps'>,
): AsyncGenerator<Row, Float32Array, undefined> {
  const numInferenceSteps = numbers.shape(name)[0]!;
  const noise = numbers.floats('pipeline.latent_noise');
  const expected = numbers.floats(name);
  let last = new Float32Array();
  for await (const { step, latents } of denoise(networks, photo, { ...sampling, numInferenceSteps }, noise)) {
    const official = part(expected, numInferenceSteps, step - 1, step);
    yield compared(`${name}.${step}/${numInferenceSteps}`, latents, official, limitsOf(networks).loop);
    last = Float32Array.from(latents);
  }
  return last;
}

const limitsOf = ({ runtime }: Networks): Limits => LIMITS[runtime.precision];

/** A copy of pieces `from` (inclusive) to `to` (exclusive) of `values`, divided into `count` equal pieces. */
function part(values: Float32Array, count: number, from: number, to: number): Float32Array {
  const length = values.length / count;
  return values.slice(from * length, to * length);
}

function join(pieces: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** Every `n`th row and column of [channels, side, side], starting with the first. */
function everyNth(planes: Float32Array, side: number, n: number): Float32Array {
  return planes.filter((_, i) => (i % side) % n === 0 && (Math.floor(i / side) % side) % n === 0);
}

/** The message in one line; for internal errors that of the cause, which comes from onnxruntime. */
function describe(error: unknown): string {
  const cause = error instanceof AppError && error.code === 'INTERNAL' && error.cause ? error.cause : error;
  return (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, ' ').trim();
}
