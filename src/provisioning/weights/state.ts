/** Location of an engine's model, and whether it is complete. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { EngineWeights } from '../../catalog/engine.ts';
import type { Config } from '../../config.ts';
import { ROOT } from '../../process/version.ts';
import { knownModels, modelBytes, modelsFolder, type KnownModel } from './manifest.ts';
import { describeBytes } from './meter.ts';
import { PullRecord } from './record.ts';

type ModelsConfig = Pick<Config, 'MODELS_DIR'>;

export interface ModelState {
  /** As configured: the name of a known model or a path. */
  readonly name: string;
  /** `partial`: incomplete, perhaps because it is being downloaded. */
  readonly kind: 'present' | 'partial' | 'missing';
  /** Where it is or will be. */
  readonly folder: string;
  /** A sentence without its full stop. */
  readonly message: string;
  /** What to do; null if the model is present. */
  readonly hint: string | null;
}

/** Folder of an unfinished download. It is on the same file system as the model's final folder, so that one rename completes it. */
export function partialFolder(models: string, name: string): string {
  return path.join(models, '.partial', name);
}

export const pullCommand = (name: string): string => `npm run models -- pull ${name}`;

/**
 * The model that an engine is configured to use: a known model's name or the path of a folder.
 * @throws RangeError if the catalogue names a variable that the configuration does not have
 */
export function configuredModel(config: Config, { variable }: EngineWeights): string {
  const name = config[variable as keyof Config];
  if (typeof name !== 'string') throw new RangeError(`the configuration has no ${variable}`);
  return name;
}

/** Whether the configuration allows workers to download an engine's model automatically. */
export function allowsAutoPull(config: Config, { autoPullVariable }: EngineWeights): boolean {
  return config[autoPullVariable as keyof Config] === true;
}

/** The folder of a model, whether it exists or not: MODELS_DIR/NAME for a known model, else a path relative to the checkout. */
export function modelFolder(config: ModelsConfig, name: string): string {
  return knownModels(config).has(name) ? path.join(modelsFolder(config), name) : path.resolve(ROOT, name);
}

/**
 * Whether an engine's model is present. Checks names and sizes of files only; their content is checked when they are loaded.
 * @param name the model, if not the configured one
 */
export async function modelState(config: Config, weights: EngineWeights, name = configuredModel(config, weights)): Promise<ModelState> {
  const model = knownModels(config).get(name);
  return model ? await knownModelState(modelsFolder(config), model) : await folderState(config, weights, name);
}

/** @param models the folder of MODELS_DIR */
export async function knownModelState(models: string, model: KnownModel): Promise<ModelState> {
  const { name } = model;
  const folder = path.join(models, name);
  const hint = pullCommand(name);
  const total = describeBytes(modelBytes(model));
  const problems = await fileProblems(folder, model);
  if (problems.length === 0) return { name, kind: 'present', folder, message: `${name} is in ${folder}`, hint: null };
  if (problems.length < model.files.length)
    return {
      name,
      kind: 'partial',
      folder,
      message: `${name} is incomplete or damaged: ${problems[0]}${problems.length > 1 ? ` and ${problems.length - 1} more` : ''}`,
      hint,
    };
  const downloaded = await downloadedBytes(partialFolder(models, name), model);
  if (downloaded > 0)
    return {
      name,
      kind: 'partial',
      folder,
      message: `${name} is incomplete: ${describeBytes(downloaded)} of ${total} are downloaded`,
      hint,
    };
  return { name, kind: 'missing', folder, message: `${name} is not installed (${total})`, hint };
}

/** One description for each missing or bad file in `folder`; none if all files have the right size and none is recorded as damaged. */
export async function fileProblems(folder: string, model: KnownModel): Promise<string[]> {
  const record = await PullRecord.open(folder, model);
  const problems = await Promise.all(
    model.files.map(async ({ path: file, sizeBytes }) => {
      if (record.get(file)?.sha256 === null) return `${file} is damaged`;
      const found = await sizeOf(path.join(folder, file));
      if (found === null) return `${file} is missing`;
      if (found === 0) return `${file} is empty`;
      return found === (sizeBytes ?? found) ? null : `${file} has ${found} bytes instead of ${sizeBytes}`;
    }),
  );
  return problems.filter((problem) => problem !== null);
}

/** How many bytes of the model's files are in `folder`. */
export async function downloadedBytes(folder: string, { files }: KnownModel): Promise<number> {
  const sizes = await Promise.all(
    files.map(async ({ path: file, sizeBytes }) => Math.min((await sizeOf(path.join(folder, file))) ?? 0, sizeBytes ?? Infinity)),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Size of a file in bytes, following links; null if there is no such file. */
export async function sizeOf(file: string): Promise<number | null> {
  return await stat(file).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );
}

/** The state of a model that is configured by the path of its folder. */
async function folderState(config: ModelsConfig, { variable, layout }: EngineWeights, name: string): Promise<ModelState> {
  const folder = modelFolder(config, name);
  const hint = `Set ${variable} to a model's folder, or to a known model (${[...knownModels(config).keys()].join(', ')}), which ${pullCommand('NAME')} downloads.`;
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder)
    return {
      name,
      kind: 'missing',
      folder,
      message: `${variable} is ${JSON.stringify(name)}, which is neither a known model nor an existing folder (${folder})`,
      hint,
    };
  const problems = await Promise.all(
    layout.map(async ({ folder: part, weights }) => {
      const files = await readdir(path.join(folder, part)).catch(() => []);
      if (!files.some((file) => file.endsWith('.json'))) return `${part}/ has no configuration`;
      return weights && !files.some((file) => weights.test(file)) ? `${part}/ has no weights` : null;
    }),
  );
  const problem = problems.find((text) => text !== null);
  return problem === undefined
    ? { name, kind: 'present', folder, message: `the model is in ${folder}`, hint: null }
    : { name, kind: 'partial', folder, message: `${folder} is not a complete model: ${problem}`, hint };
}
