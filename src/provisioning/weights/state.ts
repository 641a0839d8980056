/** Where SVD_MODEL lies and whether it is there. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../config.ts';
import { ROOT } from '../../process/version.ts';
import { knownModels, modelBytes, modelsFolder, type KnownModel } from './manifest.ts';
import { describeBytes } from './meter.ts';
import { PullRecord } from './record.ts';

type ModelConfig = Pick<Config, 'MODELS_DIR' | 'SVD_MODEL'>;

export interface ModelState {
  /** As in SVD_MODEL. */
  readonly name: string;
  /** `partial`: some of its files are here, perhaps because it is being fetched. */
  readonly kind: 'present' | 'partial' | 'missing';
  /** Where it is or will be. */
  readonly folder: string;
  /** A sentence without its full stop. */
  readonly message: string;
  /** What to do; null if nothing has to be done. */
  readonly hint: string | null;
}

/** A model in diffusers layout: a configuration in each of these, and weights in the first three. */
const PARTS = ['unet', 'vae', 'image_encoder', 'scheduler', 'feature_extractor'] as const;
const WEIGHTS = /^(diffusion_pytorch_)?model(\.fp16)?\.safetensors$/;

/** Where a model grows until it is whole; beside its later place, so that it gets there by one rename. */
export function partialFolder(models: string, name: string): string {
  return path.join(models, '.partial', name);
}

export const pullCommand = (name: string): string => `npm run models -- pull ${name}`;

/** The folder that SVD_MODEL means, whether it is there or not: MODELS_DIR/NAME of a known model, else a path that starts at the checkout. */
export function modelFolder(config: ModelConfig): string {
  return knownModels(config).has(config.SVD_MODEL)
    ? path.join(modelsFolder(config), config.SVD_MODEL)
    : path.resolve(ROOT, config.SVD_MODEL);
}

/** Whether the model that SVD_MODEL means is there. Looks at names and sizes only; what the files hold is looked at when they are loaded. */
export async function modelState(config: ModelConfig): Promise<ModelState> {
  const model = knownModels(config).get(config.SVD_MODEL);
  return model ? await knownModelState(modelsFolder(config), model) : await ownModelState(config);
}

/** @param models the folder of MODELS_DIR */
export async function knownModelState(models: string, model: KnownModel): Promise<ModelState> {
  const { name } = model;
  const folder = path.join(models, name);
  const hint = pullCommand(name);
  const total = describeBytes(modelBytes(model));
  const faults = await faultsOf(folder, model);
  if (faults.length === 0) return { name, kind: 'present', folder, message: `${name} is in ${folder}`, hint: null };
  if (faults.length < model.files.length)
    return {
      name,
      kind: 'partial',
      folder,
      message: `${name} is not whole: ${faults[0]}${faults.length > 1 ? ` and ${faults.length - 1} more` : ''}`,
      hint,
    };
  const here = await bytesHere(partialFolder(models, name), model);
  if (here > 0)
    return { name, kind: 'partial', folder, message: `${name} is not whole yet: ${describeBytes(here)} of ${total} are here`, hint };
  return { name, kind: 'missing', folder, message: `${name} is not here (${total})`, hint };
}

/** What is wrong with the files in `folder`, each in words; none if all are there in the right size and none was found to be damaged. */
export async function faultsOf(folder: string, model: KnownModel): Promise<string[]> {
  const record = await PullRecord.open(folder, model);
  const faults = await Promise.all(
    model.files.map(async ({ path: file, sizeBytes }) => {
      if (record.get(file)?.sha256 === null) return `${file} is damaged`;
      const found = await sizeOf(path.join(folder, file));
      if (found === null) return `${file} is missing`;
      return found === (sizeBytes ?? found) && found > 0 ? null : `${file} has ${found} bytes instead of ${sizeBytes ?? 'some'}`;
    }),
  );
  return faults.filter((fault) => fault !== null);
}

/** How much of the model is in `folder`, in bytes. */
export async function bytesHere(folder: string, { files }: KnownModel): Promise<number> {
  const sizes = await Promise.all(
    files.map(async ({ path: file, sizeBytes }) => Math.min((await sizeOf(path.join(folder, file))) ?? 0, sizeBytes ?? Infinity)),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The size of a file in bytes, links followed; null if there is none. */
export async function sizeOf(file: string): Promise<number | null> {
  return await stat(file).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );
}

async function ownModelState(config: ModelConfig): Promise<ModelState> {
  const name = config.SVD_MODEL;
  const folder = modelFolder(config);
  const hint = `Set SVD_MODEL to a model's folder, or to ${[...knownModels(config).keys()].join(', ')}, and fetch that with ${pullCommand('NAME')}.`;
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder)
    return {
      name,
      kind: 'missing',
      folder,
      message: `SVD_MODEL is ${JSON.stringify(name)}: no known model, and there is no folder ${folder}`,
      hint,
    };
  const lacks = await Promise.all(
    PARTS.map(async (part, index) => {
      const files = await readdir(path.join(folder, part)).catch(() => []);
      if (!files.some((file) => file.endsWith('.json'))) return `${part}/ has no configuration`;
      return index < 3 && !files.some((file) => WEIGHTS.test(file)) ? `${part}/ has no weights` : null;
    }),
  );
  const lack = lacks.find((text) => text !== null);
  return lack === undefined
    ? { name, kind: 'present', folder, message: `the model is in ${folder}`, hint: null }
    : { name, kind: 'partial', folder, message: `${folder} is no whole model: ${lack}`, hint };
}
