/**
 * A Stable Video Diffusion checkpoint on disk, in diffusers layout: configs and one safetensors file for each of the three networks,
 * also as a snapshot in Hugging Face's cache, where files are links. Opening one reads configs and headers, and compares both.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../src/jobs/errors.ts';
import { readConfigs, type ClipConfig, type ImageNormalization, type SchedulerConfig, type UnetConfig, type VaeConfig } from './configs.ts';
import { openSafetensors, type Safetensors, type TensorInfo } from './safetensors.ts';
import { clipTensors, unetTensors, vaeTensors, type ComponentName, type TensorShapes } from './tensors.ts';

export interface Component<C> {
  readonly config: C;
  /** Exactly the tensors that the config implies, as F16 or F32, plus what is known to be without meaning. */
  readonly weights: Safetensors;
}

export interface Checkpoint {
  /** Absolute. */
  readonly folder: string;
  readonly unet: Component<UnetConfig>;
  readonly vae: Component<VaeConfig>;
  readonly imageEncoder: Component<ClipConfig>;
  readonly scheduler: SchedulerConfig;
  readonly normalization: ImageNormalization;
}

/** What weights are called, before `.fp16.safetensors` or `.safetensors`. */
export const WEIGHTS_STEM: Readonly<Record<ComponentName, string>> = {
  unet: 'diffusion_pytorch_model',
  vae: 'diffusion_pytorch_model',
  image_encoder: 'model',
};

/** A buffer of older transformers: the numbers from 0 up. */
const IGNORED = new Set(['vision_model.embeddings.position_ids']);
const MENTIONED = 3;

/**
 * Opens the checkpoint in `folder`; of weights in half and in single precision it takes the former.
 * @throws AppError MODEL_INVALID: something is missing, damaged, not what the configs imply, or not supported; the message says what
 */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const absolute = path.resolve(folder);
  const stats = await stat(absolute).catch(() => undefined);
  if (!stats?.isDirectory()) throw new AppError('MODEL_INVALID', `There is no folder ${absolute}.`);
  const { unet, vae, imageEncoder, scheduler, normalization } = await readConfigs(absolute);
  return {
    folder: absolute,
    unet: { config: unet, weights: await openWeights(absolute, 'unet', unetTensors(unet)) },
    vae: { config: vae, weights: await openWeights(absolute, 'vae', vaeTensors(vae)) },
    imageEncoder: { config: imageEncoder, weights: await openWeights(absolute, 'image_encoder', clipTensors(imageEncoder)) },
    scheduler,
    normalization,
  };
}

async function openWeights(folder: string, component: ComponentName, implied: TensorShapes): Promise<Safetensors> {
  const weights = await openSafetensors(await findWeights(path.join(folder, component), WEIGHTS_STEM[component]));
  const found = [...weights.tensors.values()].filter(({ name }) => !IGNORED.has(name));
  const fits = ({ name, shape }: TensorInfo) => String(shape) === String(implied.get(name));
  const missing = [...implied.keys()].filter((name) => !weights.tensors.has(name));
  const unexpected = found.filter(({ name }) => !implied.has(name));
  const misshapen = found.filter((tensor) => implied.has(tensor.name) && !fits(tensor));
  const unsupported = found.filter(({ dtype }) => dtype !== 'F16' && dtype !== 'F32');
  const differences = [
    list('missing', missing),
    list(
      'unexpected',
      unexpected.map(({ name }) => name),
    ),
    list(
      'of another shape',
      misshapen.map(({ name, shape }) => `${name} [${shape}] instead of [${implied.get(name)}]`),
    ),
  ].filter((difference) => difference !== undefined);
  if (differences.length > 0)
    throw new AppError('MODEL_INVALID', `${weights.file} does not fit ${component}/config.json: ${differences.join('; ')}.`);
  if (unsupported.length > 0) {
    const types = list(
      'not F16 or F32',
      unsupported.map(({ name, dtype }) => `${name} ${dtype}`),
    );
    throw new AppError('MODEL_INVALID', `${weights.file} has a number format that is not supported: ${types}.`);
  }
  return weights;
}

/** Folder and `stem` of a component → path of its weights. */
async function findWeights(folder: string, stem: string): Promise<string> {
  const files = await readdir(folder);
  const [half, single] = [`${stem}.fp16.safetensors`, `${stem}.safetensors`];
  const file = [half, single].find((name) => files.includes(name));
  if (file !== undefined) return path.join(folder, file);
  const sharded = files.find((name) => name.startsWith(stem) && (/\.index\./.test(name) || /-\d+-of-\d+\./.test(name)));
  throw new AppError(
    'MODEL_INVALID',
    sharded === undefined
      ? `${folder} has no weights: neither ${half} nor ${single}.`
      : `${folder} has its weights in several files (${sharded}), which is not supported: ${half} or ${single} is needed.`,
  );
}

/** "3 tensors missing (a, b, …)"; undefined if there are none. */
function list(what: string, tensors: readonly string[]): string | undefined {
  if (tensors.length === 0) return undefined;
  const more = tensors.length > MENTIONED ? ', …' : '';
  return `${tensors.length} ${tensors.length === 1 ? 'tensor' : 'tensors'} ${what} (${tensors.slice(0, MENTIONED).join(', ')}${more})`;
}
