/** Checkpoints written on demand: the fixtures have configuration and golden numbers, and weights are computed from a seed. */
import { randomUUID } from 'node:crypto';
import { cp, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openSafetensors, type Safetensors, type TensorInfo } from '../../worker/svd/checkpoint/safetensors.ts';
import { writeSeededCheckpoint } from '../../worker/svd/checkpoint/seeded.ts';
import { RUN_VARIABLE } from '../setup/leftovers.ts';

export type TinyCheckpoint = 'tiny-a' | 'tiny-b' | 'tiny-c';

/** The options recorded in golden.safetensors. */
export interface GoldenCase {
  readonly seed: number;
  /** Height and width in pixels. */
  readonly size: readonly [number, number];
  readonly frames: number;
  readonly steps: number;
  /** Guidance scale of the first and of the last frame. */
  readonly guidance: readonly [number, number];
  readonly fps: number;
  readonly bucket: number;
  readonly aug: number;
}

/** Path of a file or folder in test/fixtures/svd. */
export const svdFixture = (...names: string[]): string => path.resolve('test/fixtures/svd', ...names);

export const openGolden = (name: TinyCheckpoint): Promise<Safetensors> => openSafetensors(svdFixture(name, 'golden.safetensors'));
const goldenCase = (golden: Safetensors): GoldenCase => JSON.parse(golden.metadata['case']!) as GoldenCase;

/** Folder of checkpoint `name` with its weights, written once per run. Tests share it: use copyCheckpoint to modify one. */
export async function seededCheckpoint(name: TinyCheckpoint): Promise<string> {
  const folder = path.join(process.env[RUN_VARIABLE]!, 'svd', name);
  if (await exists(folder)) return folder;
  const own = `${folder}.${randomUUID()}`;
  await writeSeededCheckpoint(svdFixture(name, 'checkpoint'), own, goldenCase(await openGolden(name)).seed);
  try {
    await rename(own, folder);
  } catch (error) {
    await rm(own, { recursive: true });
    if (!(await exists(folder))) throw error; // otherwise another test process was faster
  }
  return folder;
}

/** Copies checkpoint `name` to `folder`, for a test to modify. */
export async function copyCheckpoint(name: TinyCheckpoint, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await cp(await seededCheckpoint(name), folder, { recursive: true });
}

/** Changes keys of a JSON file; keys set to undefined are removed. */
export async function editJson(file: string, changes: Readonly<Record<string, unknown>>): Promise<void> {
  const json = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  await writeFile(file, JSON.stringify({ ...json, ...changes }));
}

const exists = async (folder: string): Promise<boolean> => (await stat(folder).catch(() => undefined)) !== undefined;

/** Sets every element of a float16 tensor to the value with these bits. */
export async function overwriteTensor(file: string, { offset, sizeBytes }: TensorInfo, bits: number): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(Buffer.from(new Uint16Array(sizeBytes / 2).fill(bits).buffer), 0, sizeBytes, offset).finally(() => handle.close());
}
