/** The known models: those of models/manifest.json, and those of MODELS_DIR/manifest.json if MODELS_DIR is another folder. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Config } from '../../config.ts';
import { ROOT } from '../../process/version.ts';
import { ModelError } from './error.ts';

/** Relative, separated by `/`; no part begins with a dot. */
const FILE_PATH = /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/;
/** A model's name, which is also the name of its folder. */
const NAME = /^[a-z\d][a-z\d.-]{0,63}$/;

const manifestSchema = z.object({
  models: z.record(
    z.string().regex(NAME),
    z.strictObject({
      repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
      /** A commit, or a branch if none is pinned. */
      revision: z.string().regex(/^[\w.-]+$/),
      about: z.string(),
      licence: z.strictObject({ name: z.string(), url: z.url() }),
      /** Whether the hub requires an account that has accepted the licence. */
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

/** A file of a model. Size and hash are null if they are not published. */
export interface ModelFile {
  /** Relative to the model's folder, separated by `/`. */
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

/** MODELS_DIR as an absolute path; a relative one is relative to the checkout. */
export function modelsFolder(config: Pick<Config, 'MODELS_DIR'>): string {
  return path.resolve(ROOT, config.MODELS_DIR);
}

/**
 * Known models by name. An entry in MODELS_DIR's own manifest.json overrides the entry of the same name in models/manifest.json.
 * @throws ModelError if a manifest is malformed
 */
export function knownModels(config: Pick<Config, 'MODELS_DIR'>): ReadonlyMap<string, KnownModel> {
  const folders = new Set([path.join(ROOT, 'models'), modelsFolder(config)]);
  return new Map([...folders].flatMap((folder) => readManifest(path.join(folder, 'manifest.json'))).map((model) => [model.name, model]));
}

/** Total size in bytes of the files whose size is published; the others are configuration files of a few kilobytes. */
export function modelBytes({ files }: Pick<KnownModel, 'files'>): number {
  return files.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
}

function readManifest(file: string): KnownModel[] {
  const hint = `Fix ${file}, or remove it.`;
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
    throw new ModelError(`${file} is not valid JSON: ${(error as Error).message}`, hint);
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
