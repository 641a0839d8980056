import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../worker/svd/checkpoint/checkpoint.ts';
import { readFloats } from '../../../../worker/svd/checkpoint/safetensors.ts';
import { weightsDigest, writeSeededCheckpoint } from '../../../../worker/svd/checkpoint/seeded.ts';
import { editJson, openGolden, seededCheckpoint, svdFixture } from '../../../support/svd.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'seeded-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('weights from a seed', () => {
  it('start with the values of the reference implementation', async () => {
    const { weights } = (await openCheckpoint(await seededCheckpoint('tiny-a'))).unet;
    expect([...readFloats(weights, 'conv_in.weight').subarray(0, 4)]).toEqual([
      -0.090576171875, -0.14111328125, 0.017578125, 0.132080078125,
    ]);
  });

  it('have the digests stored with the golden numbers', async () => {
    const { unet, vae, imageEncoder } = await openCheckpoint(await seededCheckpoint('tiny-a'));
    const { metadata } = await openGolden('tiny-a');
    expect({
      unet: await weightsDigest(unet.weights),
      vae: await weightsDigest(vae.weights),
      image_encoder: await weightsDigest(imageEncoder.weights),
    }).toEqual(JSON.parse(metadata['weights']!));
  });

  it('follow the formula throughout a tensor that is written in several chunks', async () => {
    const configs = path.join(folder, 'configs');
    await cp(svdFixture('tiny-a', 'checkpoint'), configs, { recursive: true });
    await editJson(path.join(configs, 'image_encoder/config.json'), { intermediate_size: 20_000, num_hidden_layers: 1 });
    await writeSeededCheckpoint(configs, path.join(folder, 'out'), 5);
    const { weights } = (await openCheckpoint(path.join(folder, 'out'))).imageEncoder;
    const values = readFloats(weights, 'vision_model.encoder.layers.0.mlp.fc1.weight'); // [20000, 64]
    const indices = [0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, values.length - 1];
    const seed = '5/image_encoder/vision_model.encoder.layers.0.mlp.fc1.weight';
    expect(indices.map((i) => values[i])).toEqual(indices.map((i) => integerAt(seed, i) / 1024 / 2 ** 2)); // 3 · 4² ≤ 2 · 64 < 3 · 4³
  });

  it('are not written for an unsupported configuration', async () => {
    const configs = path.join(folder, 'configs');
    await cp(svdFixture('tiny-a', 'checkpoint'), configs, { recursive: true });
    await editJson(path.join(configs, 'scheduler/scheduler_config.json'), { prediction_type: 'epsilon' });
    await expect(writeSeededCheckpoint(configs, path.join(folder, 'out'), 5)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    expect(await readdir(folder)).toEqual(['configs']);
  });
});

/** The integer k in [−1024, 1023] of element `i`, computed with BigInt from the published formulas of FNV-1a and MurmurHash3's finalizer. */
function integerAt(text: string, i: number): number {
  const word = (value: bigint) => BigInt.asUintN(32, value);
  let hash = 0x811c9dc5n;
  for (const byte of Buffer.from(text)) hash = word((hash ^ BigInt(byte)) * 0x01000193n);
  let x = word(hash + BigInt(i) * 0x9e3779b1n);
  x = word((x ^ (x >> 16n)) * 0x85ebca6bn);
  x = word((x ^ (x >> 13n)) * 0xc2b2ae35n);
  x ^= x >> 16n;
  return Number(x >> 21n) - 1024;
}
