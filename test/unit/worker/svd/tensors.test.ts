import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { readConfigs } from '../../../../worker/svd/checkpoint/configs.ts';
import type { ModelConfig } from '../../../../worker/svd/model-config.ts';
import { clipTensors, unetTensors, vaeTensors, type ComponentName, type TensorShapes } from '../../../../worker/svd/checkpoint/tensors.ts';
import { svdFixture } from '../../../support/svd.ts';

type Listed = Record<ComponentName, Record<string, number[]>>;

const parameters = (tensors: TensorShapes): number =>
  [...tensors.values()].reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);

describe('tensors that a configuration implies', () => {
  let published: ModelConfig;
  let listed: Listed;
  beforeAll(async () => {
    published = await readConfigs(svdFixture('published', 'checkpoint'));
    listed = JSON.parse(await readFile(svdFixture('published', 'tensors.json'), 'utf8')) as Listed;
  });

  it('are exactly those of SVD-XT for its published configuration', () => {
    const implied = {
      unet: unetTensors(published.unet),
      vae: vaeTensors(published.vae),
      image_encoder: clipTensors(published.imageEncoder),
    };
    expect(Object.fromEntries(implied.unet)).toEqual(listed.unet);
    expect(Object.fromEntries(implied.vae)).toEqual(listed.vae);
    expect(Object.fromEntries(implied.image_encoder)).toEqual(listed.image_encoder);
    expect(Object.values(implied).map(({ size }) => size)).toEqual([1428, 374, 520]);
    expect(Object.values(implied).map(parameters)).toEqual([1_524_623_082, 97_742_847, 632_076_800]);
  });

  it('do not depend on the number of frames', () => {
    expect(unetTensors({ ...published.unet, numFrames: 14 })).toEqual(unetTensors(published.unet));
  });

  it('follow layers and attention per level, and the skip connections', () => {
    const tensors = unetTensors({
      ...published.unet,
      blockOutChannels: [32, 64],
      layersPerBlock: [1, 2],
      attentionHeads: [1, 2],
      downAttention: [false, true],
      upAttention: [false, true],
    });
    const inputs = (block: string) =>
      [...tensors]
        .filter(([name]) => name.startsWith(block) && name.endsWith('spatial_res_block.conv1.weight'))
        .map(([, shape]) => shape[1]);
    expect(inputs('down_blocks.0')).toEqual([32]);
    expect(inputs('down_blocks.1')).toEqual([32, 64]);
    expect(inputs('mid_block')).toEqual([64, 64]);
    expect(inputs('up_blocks.0')).toEqual([64 + 64, 64 + 64, 64 + 32]);
    expect(inputs('up_blocks.1')).toEqual([64 + 32, 32 + 32]);
    const attentions = new Set([...tensors.keys()].map((name) => /^.*attentions\.\d+/.exec(name)?.[0]).filter(Boolean));
    expect([...attentions]).toEqual([
      'down_blocks.1.attentions.0',
      'down_blocks.1.attentions.1',
      'mid_block.attentions.0',
      'up_blocks.1.attentions.0',
      'up_blocks.1.attentions.1',
    ]);
  });

  it.each([1, 3])("include %i ResNets in the mid block of the VAE's decoder, but always two in that of the encoder", (layersPerBlock) => {
    const tensors = vaeTensors({ ...published.vae, layersPerBlock });
    const resnets = (block: string) =>
      [...tensors.keys()].filter(
        (name) => name.startsWith(`${block}.resnets.`) && /resnets\.\d+\.(spatial_res_block\.)?conv1\.weight$/.test(name),
      ).length;
    expect(resnets('decoder.mid_block')).toBe(layersPerBlock);
    expect(resnets('decoder.up_blocks.2')).toBe(layersPerBlock + 1);
    expect(resnets('encoder.mid_block')).toBe(2);
    expect(resnets('encoder.down_blocks.2')).toBe(layersPerBlock);
    expect(tensors.has('decoder.mid_block.attentions.0.to_q.weight')).toBe(true);
  });
});
