/**
 * A Stable Video Diffusion checkpoint on disk in diffusers layout: configuration files and one safetensors file per network. The files may
 * be symbolic links, as in a snapshot in Hugging Face's cache. Opening a checkpoint reads the configuration and the safetensors headers and
 * compares them.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../src/jobs/errors.ts';
import type { ClipConfig, ImageNormalization, SchedulerConfig, UnetConfig, VaeConfig } from '../model-config.ts';
import { readConfigs } from './configs.ts';
import { openSafetensors, type Safetensors, type TensorInfo } from './safetensors.ts';
import { clipTensors, unetTensors, vaeTensors, type ComponentName, type TensorShapes } from './tensors.ts';

interface Component<C> {
  readonly config: C;
  /** Exactly the tensors that `config` implies, as F16 or F32, plus buffers that have no effect (see IGNORED). */
  readonly weights: Safetensors;
}

export interface Checkpoint {
  /** Absolute path. */
  readonly folder: string;
  readonly unet: Component<UnetConfig>;
  readonly vae: Component<VaeConfig>;
  readonly imageEncoder: Component<ClipConfig>;
  readonly scheduler: SchedulerConfig;
  readonly normalization: ImageNormalization;
}

/** Names of the weights' files, without `.fp16.safetensors` or `.safetensors`. */
export const WEIGHTS_STEM: Readonly<Record<ComponentName, string>> = {
  unet: 'diffusion_pytorch_model',
  vae: 'diffusion_pytorch_model',
  image_encoder: 'model',
};

/** Whether `folder` holds any weights, rather than configuration alone. @throws Error of the file system if there is no such folder */
export async function hasWeights(folder: string): Promise<boolean> {
  return (await readdir(folder, { recursive: true })).some((file) => file.endsWith('.safetensors'));
}

/** Buffers that older versions of transformers saved: the position indices 0, 1, 2, … */
const IGNORED = new Set(['vision_model.embeddings.position_ids']);
/** Tensor names that an error message lists per kind of mismatch. */
const MAX_LISTED = 3;

/**
 * Opens the checkpoint in `folder`. Where a component has weights in half and in single precision, half precision is used.
 * @throws AppError MODEL_INVALID, saying what is missing, damaged, inconsistent with the configuration, or unsupported
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
  const hasShape = ({ name, shape }: TensorInfo) => String(shape) === String(implied.get(name));
  const missing = [...implied.keys()].filter((name) => !weights.tensors.has(name));
  const unexpected = found.filter(({ name }) => !implied.has(name));
  const misshapen = found.filter((tensor) => implied.has(tensor.name) && !hasShape(tensor));
  const unsupported = found.filter(({ dtype }) => dtype !== 'F16' && dtype !== 'F32');
  const differences = [
    list('missing', missing),
    list(
      'unexpected',
      unexpected.map(({ name }) => name),
    ),
    list(
      'with a different shape',
      misshapen.map(({ name, shape }) => `${name} [${shape}] instead of [${implied.get(name)}]`),
    ),
  ].filter((difference) => difference !== undefined);
  if (differences.length > 0)
    throw new AppError('MODEL_INVALID', `${weights.file} does not match ${component}/config.json: ${differences.join('; ')}.`);
  if (unsupported.length > 0) {
    const types = list(
      'not F16 or F32',
      unsupported.map(({ name, dtype }) => `${name} ${dtype}`),
    );
    throw new AppError('MODEL_INVALID', `${weights.file} has a number format that is not supported: ${types}.`);
  }
  return weights;
}

/** Path of a component's weights, given its folder and the file name's stem. */
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
  const more = tensors.length > MAX_LISTED ? ', …' : '';
  return `${tensors.length} ${tensors.length === 1 ? 'tensor' : 'tensors'} ${what} (${tensors.slice(0, MAX_LISTED).join(', ')}${more})`;
}
