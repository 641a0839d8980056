import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, type Checkpoint } from '../../../../worker/svd/checkpoint/checkpoint.ts';
import { CpuOps } from '../../../../worker/svd/graph/cpu.ts';
import { NoiseSource } from '../../../../worker/svd/noise.ts';
import { relativeError } from '../../../../worker/svd/parity/rows.ts';
import { denoise } from '../../../../worker/svd/pipeline.ts';
import { BACKENDS, type Backend } from '../../../../worker/svd/runtime/backends.ts';
import { lowerProfile, type MemoryProfile } from '../../../../worker/svd/runtime/memory.ts';
import { Networks, type Network } from '../../../../worker/svd/runtime/networks.ts';
import { seededCheckpoint } from '../../../support/svd.ts';

describe('memory profiles', () => {
  it('are lowered one at a time, down to the lowest', () => {
    expect(lowerProfile('high')).toBe('medium');
    expect(lowerProfile('high', 2)).toBe('low');
    expect(lowerProfile('medium', 5)).toBe('low');
  });
});

describe('a memory profile', () => {
  let checkpoint: Checkpoint;
  const opened: Networks[] = [];
  beforeAll(async () => {
    checkpoint = await openCheckpoint(await seededCheckpoint('tiny-a'));
  });
  afterAll(() => Promise.all(opened.map((networks) => networks.dispose())));

  it('may compute both halves of guidance in one call, with the same result', async () => {
    const [apart, together] = [await denoised({ guidanceBatch: 1 }), await denoised({ guidanceBatch: 2 })];
    expect(apart.calls).toBe(4);
    expect(together.calls).toBe(2);
    expect(relativeError(together.latents, apart.latents)).toBeLessThan(1e-5);
  });

  it('that swaps unloads a network when the next one is loaded', async () => {
    const size = { width: 64, height: 64 };
    const [encoder, decoder] = [{ name: 'encoder', size } as const, { name: 'decoder', size, frames: 1 } as const];
    const loaded = async (networks: Networks) => {
      await networks.open(encoder);
      await networks.open(decoder);
      return networks.isOpen(encoder);
    };
    const networks = networksWith({ residency: 'keep' });
    expect(await loaded(networks)).toBe(true);
    await networks.changeMemory(BACKENDS.cpu.memory.low);
    expect([encoder, decoder].some((network) => networks.isOpen(network))).toBe(false);
    expect(await loaded(networks)).toBe(false);
  });

  it('that keeps the UNet unloads other networks alone', async () => {
    const size = { width: 64, height: 64 };
    const [encoder, unet, decoder] = [
      { name: 'encoder', size },
      { name: 'unet', size, frames: 2, batch: 1 },
      { name: 'decoder', size, frames: 1 },
    ] as const;
    const networks = networksWith({ residency: 'unet' });
    const loaded = () => [encoder, unet, decoder].filter((network) => networks.isOpen(network)).map(({ name }) => name);
    await networks.open(encoder);
    await networks.open(unet);
    expect(loaded()).toEqual(['unet']);
    await networks.open(decoder);
    expect(loaded()).toEqual(['unet', 'decoder']);
    await networks.open(encoder);
    expect(loaded()).toEqual(['encoder', 'unet']);
  });

  async function denoised(changes: Partial<MemoryProfile>): Promise<{ latents: Float32Array; calls: number }> {
    const networks = networksWith(changes);
    const noise = new NoiseSource(3);
    const [numFrames, size] = [2, { width: 64, height: 64 }];
    const photo = {
      embedding: noise.normal('augmentation', checkpoint.unet.config.crossAttentionDim),
      latents: noise.normal('augmentation', 4 * 8 * 8),
    };
    const sampling = {
      size,
      numFrames,
      numInferenceSteps: 2,
      minGuidanceScale: 1,
      maxGuidanceScale: 3,
      fps: 7,
      motionBucketId: 127,
      noiseAugStrength: 0.02,
    };
    let calls = 0;
    let latents = new Float32Array();
    for await (const step of denoise(networks, photo, sampling, noise.normal('latents', numFrames * 4 * 8 * 8), async () => void calls++))
      latents = Float32Array.from(step.latents);
    return { latents, calls };
  }

  function networksWith(changes: Partial<MemoryProfile>): Networks {
    const networks = new Networks(
      checkpoint,
      { backend: BACKENDS.cpu, precision: 'fp32', threads: 2 },
      { ...BACKENDS.cpu.memory.medium, ...changes },
    );
    opened.push(networks);
    return networks;
  }
});

describe('graphs whose shapes onnxruntime does not know in advance', () => {
  const size = { width: 128, height: 64 };
  it.each<Network>([
    { name: 'image encoder' },
    { name: 'encoder', size },
    { name: 'decoder', size, frames: 2 },
    { name: 'unet', size, frames: 3, batch: 2 },
  ])('compute the same: $name', async (network) => {
    const checkpoint = await openCheckpoint(await seededCheckpoint('tiny-a'));
    const resultOf = async (staticShapes: boolean) => {
      const dialect: Backend['dialect'] =
        (precision, { sliceBytes: bytes }) =>
        (name, weights) =>
          new CpuOps(name, weights, { precision, feedForward: { bytes, maxSlices: 64 }, staticShapes });
      const networks = new Networks(checkpoint, { backend: { ...BACKENDS.cpu, dialect }, precision: 'fp32', threads: 2 });
      const session = await networks.open(network);
      const inputs = session.graph.inputs.map(({ name, shape }, seed) => {
        const length = shape.reduce((product, side) => product * side, 1);
        return [name, new NoiseSource(seed).normal('latents', length)] as const;
      });
      const outputs = await session.run(Object.fromEntries(inputs));
      await networks.dispose();
      return outputs;
    };
    expect(await resultOf(false)).toEqual(await resultOf(true));
  });
});
