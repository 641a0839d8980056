import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppError } from '../../../../src/jobs/errors.ts';
import { openCheckpoint } from '../../../../worker/svd/checkpoint/checkpoint.ts';
import {
  openSafetensors,
  readFloats,
  writeSafetensors,
  type Safetensors,
  type TensorSource,
} from '../../../../worker/svd/checkpoint/safetensors.ts';
import { copyCheckpoint, editJson, seededCheckpoint } from '../../../support/svd.ts';

const UNET = 'unet/diffusion_pytorch_model.fp16.safetensors';
const VAE = 'vae/diffusion_pytorch_model.fp16.safetensors';
const CLIP = 'image_encoder/model.fp16.safetensors';

let folder: string;
const at = (...names: string[]) => path.join(folder, ...names);
beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), 'checkpoint-')));
  await copyCheckpoint('tiny-a', folder);
});
afterEach(() => rm(folder, { recursive: true }));

const refusal = async (where = folder): Promise<AppError> => {
  const error = await openCheckpoint(where).then(
    () => {
      throw new Error('the checkpoint was accepted');
    },
    (reason: AppError) => reason,
  );
  expect(error).toMatchObject({ code: 'MODEL_INVALID', anotherAttemptHelps: false });
  return error;
};

/** Rewrites the tensors of `file` as float32, each through `change`; tensors that become undefined are dropped. */
async function rewrite(file: string, change: (source: TensorSource) => TensorSource | undefined, to = file): Promise<void> {
  const opened = await openSafetensors(file);
  const sources = [...opened.tensors.values()].map(({ name, shape }) =>
    change({ name, dtype: 'F32', shape, chunks: () => [bytesOf(opened, name)] }),
  );
  await writeSafetensors(
    to,
    {},
    sources.filter((source) => source !== undefined),
  );
}
const bytesOf = (weights: Safetensors, name: string) => new Uint8Array(readFloats(weights, name).buffer);

describe('a checkpoint', () => {
  it('opens with its configuration and the headers of its weights', async () => {
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint).toMatchObject({
      folder,
      unet: { config: { blockOutChannels: [32, 32, 64, 64] }, weights: { file: at(UNET) } },
      vae: { config: { scalingFactor: 0.18215 }, weights: { file: at(VAE) } },
      imageEncoder: { config: { projectionDim: 24 }, weights: { file: at(CLIP) } },
      scheduler: { sigmaMin: 0.002, sigmaMax: 700 },
    });
    expect(checkpoint.unet.weights.tensors.get('conv_in.weight')).toMatchObject({ dtype: 'F16', shape: [32, 8, 3, 3] });
  });

  it('can be opened by a relative path', async () => {
    expect((await openCheckpoint(path.relative('.', folder))).folder).toBe(folder);
  });

  it('may have single precision, and half precision is preferred where it has both', async () => {
    const single = at('vae/diffusion_pytorch_model.safetensors');
    await rewrite(at(VAE), (source) => source, single);
    expect((await openCheckpoint(folder)).vae.weights.file).toBe(at(VAE));
    await rm(at(VAE));
    const { weights } = (await openCheckpoint(folder)).vae;
    expect(weights.file).toBe(single);
    const half = await openSafetensors(path.join(await seededCheckpoint('tiny-a'), VAE));
    expect(readFloats(weights, 'quant_conv.weight')).toEqual(readFloats(half, 'quant_conv.weight'));
  });

  it('may have the position_ids that older versions of transformers saved', async () => {
    const ids: TensorSource = {
      name: 'vision_model.embeddings.position_ids',
      dtype: 'I64',
      shape: [1, 2],
      chunks: () => [new Uint8Array(16)],
    };
    const opened = await openSafetensors(at(CLIP));
    const sources = [...opened.tensors.values()].map(({ name, shape }): TensorSource => ({
      name,
      dtype: 'F32',
      shape,
      chunks: () => [bytesOf(opened, name)],
    }));
    await writeSafetensors(at('image_encoder/model.safetensors'), {}, [ids, ...sources]);
    await rm(at(CLIP));
    expect((await openCheckpoint(folder)).imageEncoder.config.layers).toBe(3);
  });

  it.skipIf(process.platform === 'win32')("opens from a snapshot in Hugging Face's cache, whose files are links to blobs", async () => {
    const snapshot = at('cache/snapshots/9e43909513c6714f1bc78bcb44d96e733cd242aa');
    await mkdir(at('cache/blobs'), { recursive: true });
    const names = (await readdir(await seededCheckpoint('tiny-a'), { recursive: true })).filter((name) => name.includes('.'));
    for (const [index, name] of names.entries()) {
      const blob = `${index}`.padStart(64, '0');
      await copyFile(at(name), at('cache/blobs', blob));
      await mkdir(path.dirname(path.join(snapshot, name)), { recursive: true });
      await symlink(
        path.join(
          ...path
            .dirname(path.join('x', name))
            .split(path.sep)
            .map(() => '..'),
          '../blobs',
          blob,
        ),
        path.join(snapshot, name),
      );
    }
    const { unet } = await openCheckpoint(snapshot);
    expect(path.dirname(unet.weights.file)).toBe(at('cache/blobs'));
    expect(readFloats(unet.weights, 'conv_in.weight')[0]).toBe(-0.090576171875);
    await rm(unet.weights.file);
    expect((await refusal(snapshot)).message).toBe(`${path.join(snapshot, UNET)} is missing, or is a link to a missing file.`);
  });
});

describe('a checkpoint is rejected', () => {
  it('if the folder or a component is missing', async () => {
    expect((await refusal(at('other'))).message).toBe(`There is no folder ${at('other')}.`);
    expect((await refusal(at('model_index.json'))).message).toContain('There is no folder');
    await rm(at('unet'), { recursive: true });
    expect((await refusal()).message).toContain(`${at('unet/config.json')} cannot be used: the file is missing`);
  });

  it('if weights are missing', async () => {
    await rm(at(VAE));
    expect((await refusal()).message).toBe(
      `${at('vae')} has no weights: neither diffusion_pytorch_model.fp16.safetensors nor diffusion_pytorch_model.safetensors.`,
    );
  });

  it('if weights are split over several files', async () => {
    await rename(at(UNET), at('unet/diffusion_pytorch_model-00001-of-00002.safetensors'));
    await writeFile(at('unet/diffusion_pytorch_model.safetensors.index.json'), '{}');
    expect((await refusal()).message).toContain('has its weights in several files (diffusion_pytorch_model');
  });

  it('if weights are truncated, with the number of missing bytes', async () => {
    await truncate(at(UNET), (await stat(at(UNET))).size - 1_000);
    expect((await refusal()).message).toBe(`${at(UNET)} is truncated: its last 1000 bytes are missing.`);
  });

  it('if the weights are not a safetensors file', async () => {
    await writeFile(at(CLIP), '<!DOCTYPE html><html><title>Access to this model is restricted</title>');
    expect((await refusal()).message).toContain(`${at(CLIP)} is not a safetensors file`);
  });

  it('if tensors differ from those the configuration implies, listing the first of each kind', async () => {
    await rewrite(at(UNET), (source) => {
      if (source.name.startsWith('conv_in')) return undefined;
      if (source.name === 'conv_out.bias') return { ...source, name: 'conv_final.bias' };
      return source.name === 'conv_norm_out.weight' ? { ...source, shape: [2, 16] } : source;
    });
    expect((await refusal()).message).toBe(
      `${at(UNET)} does not match unet/config.json: ` +
        '3 tensors missing (conv_in.weight, conv_in.bias, conv_out.bias); 1 tensor unexpected (conv_final.bias); ' +
        '1 tensor with a different shape (conv_norm_out.weight [2,16] instead of [32]).',
    );
  });

  it('if configuration and weights belong to different models', async () => {
    await editJson(at('image_encoder/config.json'), { num_hidden_layers: 4 });
    expect((await refusal()).message).toMatch(/16 tensors missing \(vision_model\.encoder\.layers\.3\.layer_norm1\.weight, .*, …\)\.$/);
    await cp(path.join(await seededCheckpoint('tiny-b'), 'vae/config.json'), at('vae/config.json'));
    await editJson(at('image_encoder/config.json'), { num_hidden_layers: 3 });
    expect((await refusal()).message).toMatch(/does not match vae\/config\.json: .*tensors with a different shape \(/);
  });

  it('if weights have an unsupported number format', async () => {
    await rewrite(at(VAE), (source) => ({
      ...source,
      dtype: 'BF16',
      *chunks() {
        for (const bytes of source.chunks()) yield bytes.subarray(0, bytes.length / 2);
      },
    }));
    expect((await refusal()).message).toMatch(/has a number format that is not supported: 370 tensors not F16 or F32 \(\S+ BF16, /);
  });

  it('if a header does not match its file', async () => {
    const bytes = await readFile(at(CLIP));
    bytes.writeBigUInt64LE(2n ** 40n);
    await writeFile(at(CLIP), bytes);
    expect((await refusal()).message).toContain(at(CLIP));
  });
});
