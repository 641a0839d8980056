/** SVD-XT in every width and depth, but without its numbers: what graphs are written from. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Checkpoint } from '../../worker/svd/checkpoint.ts';
import { readConfigs } from '../../worker/svd/configs.ts';
import type { Safetensors, TensorInfo } from '../../worker/svd/safetensors.ts';
import { clipTensors, unetTensors, vaeTensors, type TensorShapes } from '../../worker/svd/tensors.ts';
import { svdFixture } from './svd.ts';

/** Graphs can be written from it and their weights are where it says; only mix factors, all 0, are really there, in a file in `folder`. */
export async function publishedCheckpoint(folder: string): Promise<Checkpoint> {
  const { unet, vae, imageEncoder, scheduler, normalization } = await readConfigs(svdFixture('published', 'checkpoint'));
  return {
    folder, scheduler, normalization,
    unet: { config: unet, weights: await withoutNumbers(path.join(folder, 'unet'), unetTensors(unet)) },
    vae: { config: vae, weights: await withoutNumbers(path.join(folder, 'vae'), vaeTensors(vae)) },
    imageEncoder: { config: imageEncoder, weights: await withoutNumbers(path.join(folder, 'image_encoder'), clipTensors(imageEncoder)) },
  };
}

/** The mix factors come first, so that the file can end behind them. */
async function withoutNumbers(file: string, shapes: TensorShapes): Promise<Safetensors> {
  const isMixFactor = (name: string) => name.endsWith('mix_factor');
  const names = [...shapes.keys()].toSorted((a, b) => Number(isMixFactor(b)) - Number(isMixFactor(a)));
  const tensors = new Map<string, TensorInfo>();
  let offset = 0;
  for (const name of names) {
    const shape = shapes.get(name)!;
    const sizeBytes = shape.reduce((product, side) => product * side, 2);
    tensors.set(name, { name, dtype: 'F16', shape, offset, sizeBytes });
    offset += sizeBytes;
  }
  await writeFile(file, new Uint8Array(2 * names.filter(isMixFactor).length));
  return { file, tensors, metadata: {} };
}
