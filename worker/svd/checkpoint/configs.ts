/** Reads the JSON configuration files of a Stable Video Diffusion checkpoint, as published in 2023 or as current diffusers writes them. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { AppError } from '../../../src/jobs/errors.ts';
import type { ModelConfig } from '../model-config.ts';
import * as schemas from './config-schemas.ts';

/**
 * Reads and validates all configuration files of the checkpoint in `folder`. Does not read weights.
 * @throws AppError MODEL_INVALID if a file is missing, is not JSON, or has an unsupported value; the message names file, key and value
 */
export async function readConfigs(folder: string): Promise<ModelConfig> {
  await readConfig(folder, 'model_index.json', schemas.modelIndex);
  const configs = {
    unet: await readConfig(folder, 'unet/config.json', schemas.unet),
    vae: await readConfig(folder, 'vae/config.json', schemas.vae),
    imageEncoder: await readConfig(folder, 'image_encoder/config.json', schemas.imageEncoder),
    scheduler: await readConfig(folder, 'scheduler/scheduler_config.json', schemas.scheduler),
  };
  const {
    image_mean: mean,
    image_std: std,
    crop_size: size,
  } = await readConfig(folder, 'feature_extractor/preprocessor_config.json', schemas.featureExtractor);
  const { imageSize, projectionDim } = configs.imageEncoder;
  const { height, width } = typeof size === 'object' ? size : { height: size, width: size };
  if (size !== undefined && (height !== imageSize || width !== imageSize)) {
    throw invalid(
      folder,
      'feature_extractor/preprocessor_config.json',
      `crop_size is ${found(size)}: expected image_encoder's image_size ${imageSize}`,
    );
  }
  if (projectionDim !== configs.unet.crossAttentionDim) {
    throw invalid(
      folder,
      'image_encoder/config.json',
      `projection_dim is ${projectionDim}: expected unet's cross_attention_dim ${configs.unet.crossAttentionDim}`,
    );
  }
  return { ...configs, normalization: { mean, std } };
}

async function readConfig<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path.join(folder, name), 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(folder, name, `it is not valid JSON (${error.message})`, error);
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'the file is missing' : (error as Error).message;
    throw invalid(folder, name, reason, error);
  }
  const result = schema.safeParse(json, { reportInput: true });
  if (result.success) return result.data;
  throw invalid(folder, name, result.error.issues.map(describe).join('; '), result.error);
}

const invalid = (folder: string, name: string, reason: string, cause?: unknown) =>
  new AppError('MODEL_INVALID', `${path.join(folder, name)} cannot be used: ${reason}.`, {}, cause);

function describe({ path: keys, input, message }: z.core.$ZodIssue): string {
  const key = keys.length > 0 ? keys.join('.') : 'the whole file';
  const expected = message.replace(/^(Invalid|Too) \w+: /, '').replace(/, received .*/, '');
  return `${key} is ${found(input)}: ${expected}`;
}

function found(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
