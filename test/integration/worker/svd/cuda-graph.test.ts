import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../worker/svd/checkpoint/checkpoint.ts';
import { openGolden, type Golden } from '../../../../worker/svd/parity/golden.ts';
import { CHECKS } from '../../../../worker/svd/parity/table.ts';
import { Networks } from '../../../../worker/svd/runtime/networks.ts';
import { cudaOnCpu } from '../../../support/cuda.ts';
import { seededCheckpoint, svdFixture, type TinyCheckpoint } from '../../../support/svd.ts';

const NETWORKS = ['image encoder', 'autoencoder', 'unet'] as const;

describe.each([
  // Feed-forward layers in up to five slices.
  { checkpoint: 'tiny-a', layout: 'nhwc', sliceBytes: 2 ** 16, checks: [...NETWORKS, 'pipeline'] },
  { checkpoint: 'tiny-b', layout: 'nhwc', sliceBytes: Infinity, checks: [...NETWORKS, 'pipeline'] },
  { checkpoint: 'tiny-c', layout: 'nhwc', sliceBytes: Infinity, checks: [...NETWORKS, 'pipeline'] },
  { checkpoint: 'tiny-c', layout: 'plain', sliceBytes: 2 ** 14, checks: NETWORKS },
] as const)("CUDA's $layout graphs of $checkpoint, with CUDA's own operators expanded", ({ checkpoint, layout, sliceBytes, checks }) => {
  let golden: Golden;
  let networks: Networks;
  beforeAll(async () => {
    [golden, networks] = await open(checkpoint);
  });
  afterAll(() => networks.dispose());

  it.each(checks)('match the official packages: %s', async (check) => {
    const rows = [];
    for await (const row of CHECKS[check](golden, networks)) rows.push(row);
    expect(rows.filter(({ passed }) => !passed)).toEqual([]);
    expect(rows.length).toBeGreaterThan(0);
  });

  async function open(name: TinyCheckpoint): Promise<[Golden, Networks]> {
    const runtime = { backend: cudaOnCpu({ layout, sliceBytes }), precision: 'fp32', threads: 1 } as const;
    return [await openGolden(svdFixture(name)), new Networks(await openCheckpoint(await seededCheckpoint(name)), runtime)];
  }
});
