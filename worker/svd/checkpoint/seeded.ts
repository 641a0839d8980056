/**
 * Weights computed from a seed: reproducible in any language, exact in float16, no file to ship. They do not produce meaningful pictures,
 * but a network of the right topology, whose outputs can be compared with those of the official packages.
 *
 *     h = fnv1a32(utf8(`${seed}/${component}/${name}`))
 *     x = fmix32(h + i · 0x9E3779B1)                               i: row-major index; fmix32: MurmurHash3's finalizer
 *     k = (x >>> 21) − 1024                                        an integer in [−1024, 1023]
 *
 *     name ends in mix_factor               k / 512                            in [−2, 2)
 *     class or position embedding           k / 2048                           in [−0.5, 0.5)
 *     two or more dimensions                k / 1024 / 2^n                     n: largest integer ≥ 0 with 3 · 4^n ≤ 2 · fan-in (0 if none);
 *                                                                              variance about 1 / fan-in, the product of all but the first
 *     one dimension, name ends in weight    1 + floor(k / 4) / 1024            in [0.75, 1.25)
 *     any other                             k / 8192                           in [−0.125, 0.125)
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { WEIGHTS_STEM } from './checkpoint.ts';
import { readConfigs } from './configs.ts';
import { toFloat16 } from './float16.ts';
import { writeSafetensors, type Safetensors, type TensorSource } from './safetensors.ts';
import { clipTensors, unetTensors, vaeTensors, type ComponentName, type TensorShapes } from './tensors.ts';

/** Elements written at a time: 2 MB. */
const CHUNK = 2 ** 20;
/** Configuration files in the order they are copied; model_index.json last, because it makes the folder a checkpoint. */
const CONFIGS = [
  'unet/config.json',
  'vae/config.json',
  'image_encoder/config.json',
  'scheduler/scheduler_config.json',
  'feature_extractor/preprocessor_config.json',
  'model_index.json',
] as const;

/**
 * Writes a checkpoint with the weights of `seed` to `outFolder`: copies of the configuration in `configFolder` and three
 * `*.fp16.safetensors` with tensors in name order. Holds one chunk in memory at a time.
 * @throws AppError MODEL_INVALID if the configuration is unsupported
 */
export async function writeSeededCheckpoint(configFolder: string, outFolder: string, seed: number): Promise<void> {
  const configs = await readConfigs(configFolder);
  await writeWeights(outFolder, 'image_encoder', clipTensors(configs.imageEncoder), seed);
  await writeWeights(outFolder, 'vae', vaeTensors(configs.vae), seed);
  await writeWeights(outFolder, 'unet', unetTensors(configs.unet), seed);
  for (const name of CONFIGS) {
    await mkdir(path.dirname(path.join(outFolder, name)), { recursive: true });
    await copyFile(path.join(configFolder, name), path.join(outFolder, name));
  }
}

/** Hexadecimal SHA-256 of the tensors' stored bytes, in name order. */
export async function weightsDigest(weights: Safetensors): Promise<string> {
  const hash = createHash('sha256');
  for (const name of sorted(weights.tensors)) {
    const { offset, sizeBytes } = weights.tensors.get(name)!;
    if (sizeBytes === 0) continue;
    for await (const bytes of createReadStream(weights.file, { start: offset, end: offset + sizeBytes - 1, highWaterMark: CHUNK })) {
      hash.update(bytes as Buffer);
    }
  }
  return hash.digest('hex');
}

async function writeWeights(folder: string, component: ComponentName, tensors: TensorShapes, seed: number): Promise<void> {
  const sources = sorted(tensors).map((name): TensorSource => {
    const shape = tensors.get(name)!;
    return { name, dtype: 'F16', shape, chunks: () => seededChunks(seed, component, name, shape) };
  });
  const file = path.join(folder, component, `${WEIGHTS_STEM[component]}.fp16.safetensors`);
  await mkdir(path.dirname(file), { recursive: true });
  await writeSafetensors(file, { format: 'pt' }, sources);
}

function* seededChunks(seed: number, component: ComponentName, name: string, shape: readonly number[]): Generator<Uint8Array> {
  const count = elementCount(shape);
  const hash = fnv1a32(`${seed}/${component}/${name}`);
  const table = valueTable(name, shape);
  const chunk = new Uint16Array(Math.min(count, CHUNK));
  for (let start = 0; start < count; start += CHUNK) {
    const values = chunk.subarray(0, Math.min(count - start, CHUNK));
    fill(values, start, hash, table);
    yield new Uint8Array(values.buffer, 0, values.byteLength);
  }
}

/** @param start the first value's row-major index in its tensor */
function fill(values: Uint16Array, start: number, hash: number, table: Uint16Array): void {
  let seed = (hash + Math.imul(start, 0x9e37_79b1)) | 0;
  for (let i = 0; i < values.length; i++) {
    let x = seed ^ (seed >>> 16);
    x = Math.imul(x, 0x85eb_ca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
    values[i] = table[(x ^ (x >>> 16)) >>> 21]!;
    seed = (seed + 0x9e37_79b1) | 0;
  }
}

/** float16 bits of each value of this tensor, indexed by k + 1024. */
function valueTable(name: string, shape: readonly number[]): Uint16Array {
  const value = valueOf(name, shape);
  return toFloat16(Float32Array.from({ length: 2048 }, (_, index) => value(index - 1024)));
}

function valueOf(name: string, shape: readonly number[]): (k: number) => number {
  if (name.endsWith('mix_factor')) return (k) => k / 512;
  if (name.endsWith('class_embedding') || name.endsWith('position_embedding.weight')) return (k) => k / 2048;
  if (shape.length >= 2) {
    const fanIn = elementCount(shape.slice(1));
    let scale = 1024;
    for (let fourToN = 4; 3 * fourToN <= 2 * fanIn; fourToN *= 4) scale *= 2;
    return (k) => k / scale;
  }
  if (name.endsWith('weight')) return (k) => 1 + (k >> 2) / 1024;
  return (k) => k / 8192;
}

function fnv1a32(text: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash;
}

/** Tensor names are ASCII, so JavaScript's order equals code point order. */
const sorted = (tensors: ReadonlyMap<string, unknown>): string[] => [...tensors.keys()].toSorted();
const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
