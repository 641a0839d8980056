/** What is known about published models: models/manifest.json, and the manifest.json of MODELS_DIR where that is another folder. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Config } from '../../config.ts';
import { ROOT } from '../../process/version.ts';
import { ModelError } from './error.ts';

/** Relative, with `/`; neither it nor a part of it begins with a dot. */
const FILE_PATH = /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/;
/** Becomes a folder's name. */
const NAME = /^[a-z\d][a-z\d.-]{0,63}$/;

const manifestSchema = z.object({
  models: z.record(
    z.string().regex(NAME),
    z.strictObject({
      repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
      /** A commit, or a branch where none is pinned. */
      revision: z.string().regex(/^[\w.-]+$/),
      about: z.string(),
      licence: z.strictObject({ name: z.string(), url: z.url() }),
      /** The hub gives it only to accounts that have accepted the licence there. */
      gated: z.boolean(),
      files: z
        .record(
          z.string().regex(FILE_PATH),
          z.strictObject({
            bytes: z.number().int().min(0).optional(),
            sha256: z
              .string()
              .regex(/^[\da-f]{64}$/)
              .optional(),
          }),
        )
        .refine((files) => Object.keys(files).length > 0, 'has no files'),
    }),
  ),
});

/** A file a model needs; what is not published is null. */
export interface ModelFile {
  /** Below the model's folder, with `/`. */
  readonly path: string;
  readonly sizeBytes: number | null;
  readonly sha256: string | null;
}

export interface KnownModel {
  readonly name: string;
  readonly repository: string;
  readonly revision: string;
  readonly about: string;
  readonly licence: { readonly name: string; readonly url: string };
  readonly gated: boolean;
  readonly files: readonly ModelFile[];
}

/** MODELS_DIR as an absolute path; relative ones start at the checkout. */
export function modelsFolder(config: Pick<Config, 'MODELS_DIR'>): string {
  return path.resolve(ROOT, config.MODELS_DIR);
}

/**
 * Known models by name. An entry in MODELS_DIR's own manifest.json, where there is one, goes before the entry of that name here.
 * @throws ModelError if a manifest is malformed
 */
export function knownModels(config: Pick<Config, 'MODELS_DIR'>): ReadonlyMap<string, KnownModel> {
  const folders = new Set([path.join(ROOT, 'models'), modelsFolder(config)]);
  return new Map([...folders].flatMap((folder) => readManifest(path.join(folder, 'manifest.json'))).map((model) => [model.name, model]));
}

/** The size of all its files, in bytes, as far as they are published; what is not is a few kilobytes. */
export function modelBytes({ files }: Pick<KnownModel, 'files'>): number {
  return files.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
}

function readManifest(file: string): KnownModel[] {
  const hint = `Correct ${file}, or remove it.`;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new ModelError(`${file} cannot be read: ${(error as Error).message}`, hint);
  }
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new ModelError(`${file} is not JSON: ${(error as Error).message}`, hint);
  }
  const { success, data: manifest, error } = manifestSchema.safeParse(data);
  if (!success) throw new ModelError(`${file} is malformed: ${z.prettifyError(error).replaceAll('\n', ' ')}`, hint);
  return Object.entries(manifest.models).map(([name, { files, ...model }]) => ({
    name,
    ...model,
    files: Object.entries(files).map(([filePath, { bytes, sha256 }]) => ({
      path: filePath,
      sizeBytes: bytes ?? null,
      sha256: sha256 ?? null,
    })),
  }));
}
