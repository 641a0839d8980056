import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../worker/svd/checkpoint/files.ts';
import { fromHalf } from '../../../../worker/svd/runtime/half.ts';
import { readFloats } from '../../../../worker/svd/checkpoint/safetensors.ts';
import { seededTensor, weightsDigest, writeSeededCheckpoint } from '../../../../worker/svd/checkpoint/seeded.ts';
import { editJson, openGolden, seededCheckpoint, svdFixture } from '../../../support/svd.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'seeded-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('weights from a seed', () => {
  it('begin as the reference implementation has them', () => {
    expect([...fromHalf(seededTensor(1, 'unet', 'conv_in.weight', [32, 8, 3, 3])).subarray(0, 4)]).toEqual([
      -0.090576171875, -0.14111328125, 0.017578125, 0.132080078125,
    ]);
  });

  it.each(['tiny-a', 'tiny-b'] as const)('of %s have the digests that stand beside the golden numbers', async (name) => {
    const { unet, vae, imageEncoder } = await openCheckpoint(await seededCheckpoint(name));
    const { metadata } = await openGolden(name);
    expect({
      unet: await weightsDigest(unet.weights),
      vae: await weightsDigest(vae.weights),
      image_encoder: await weightsDigest(imageEncoder.weights),
    }).toEqual(JSON.parse(metadata['weights']!));
  });

  it('are the same in a file, however large the tensor', async () => {
    const configs = path.join(folder, 'configs');
    await cp(svdFixture('tiny-a', 'checkpoint'), configs, { recursive: true });
    await editJson(path.join(configs, 'image_encoder/config.json'), { intermediate_size: 40_000, num_hidden_layers: 1 });
    await writeSeededCheckpoint(configs, path.join(folder, 'out'), 5);
    const { weights } = (await openCheckpoint(path.join(folder, 'out'))).imageEncoder;
    const name = 'vision_model.encoder.layers.0.mlp.fc1.weight';
    const whole = fromHalf(seededTensor(5, 'image_encoder', name, [40_000, 64]));
    expect(Buffer.from(readFloats(weights, name).buffer).equals(Buffer.from(whole.buffer))).toBe(true); // toEqual would take seconds
  });

  it('are not written for configs that cannot be used', async () => {
    const configs = path.join(folder, 'configs');
    await cp(svdFixture('tiny-a', 'checkpoint'), configs, { recursive: true });
    await editJson(path.join(configs, 'scheduler/scheduler_config.json'), { prediction_type: 'epsilon' });
    await expect(writeSeededCheckpoint(configs, path.join(folder, 'out'), 5)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    expect(await readdir(folder)).toEqual(['configs']);
  });
});
