import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../worker/svd/checkpoint/checkpoint.ts';
import { BACKENDS } from '../../../../worker/svd/runtime/backends.ts';
import { Networks, type Network } from '../../../../worker/svd/runtime/networks.ts';
import { seededCheckpoint } from '../../../support/svd.ts';

let networks: Networks;
beforeAll(async () => {
  networks = new Networks(await openCheckpoint(await seededCheckpoint('tiny-a')), { backend: BACKENDS.cpu, precision: 'fp32' });
});
afterAll(() => networks.dispose());

describe('networks', () => {
  it.each([
    [96, 64],
    [64, 72],
    [64, 0],
    [-64, 64],
    [64.5, 64],
    [Number.NaN, 64],
  ])('reject %i×%i pixels before loading anything', async (width, height) => {
    const size = { width, height };
    const all: Network[] = [
      { name: 'encoder', size },
      { name: 'unet', size, frames: 2, batch: 1 },
      { name: 'decoder', size, frames: 2 },
    ];
    for (const network of all) {
      await expect(networks.open(network)).rejects.toMatchObject({
        code: 'BAD_INPUT',
        message: expect.stringContaining('multiples of 64') as string,
      });
      expect(networks.isOpen(network)).toBe(false);
    }
  });

  it('reject inputs of the wrong size', async () => {
    const size = { width: 64, height: 64 };
    await expect(networks.encode(new Float32Array(3 * 64 * 64 - 1), size)).rejects.toThrow('image of 1×3×64×64 values');
    expect(await networks.encode(new Float32Array(3 * 64 * 64), size)).toHaveLength(4 * 8 * 8);
  });
});
