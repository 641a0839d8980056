import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, type Checkpoint } from '../../../../worker/svd/checkpoint/checkpoint.ts';
import { writeSeededCheckpoint } from '../../../../worker/svd/checkpoint/seeded.ts';
import { EXPANSIONS } from '../../../../worker/svd/graph/expansions.ts';
import { readModel } from '../../../../worker/svd/graph/model.ts';
import type { Graph } from '../../../../worker/svd/graph/ops.ts';
import { NoiseSource } from '../../../../worker/svd/noise.ts';
import { openGolden, type Golden } from '../../../../worker/svd/parity/golden.ts';
import { relativeError } from '../../../../worker/svd/parity/rows.ts';
import { CHECKS } from '../../../../worker/svd/parity/table.ts';
import { BACKENDS, type Backend } from '../../../../worker/svd/runtime/backends.ts';
import { Networks, type Network } from '../../../../worker/svd/runtime/networks.ts';
import { Session } from '../../../../worker/svd/runtime/session.ts';
import { cudaGraphs, cudaOnCpu } from '../../../support/cuda.ts';
import { editJson, seededCheckpoint, svdFixture } from '../../../support/svd.ts';

const NETWORKS = ['image encoder', 'autoencoder', 'unet'] as const;

describe.each([
  // Feed-forward layers in several slices.
  { checkpoint: 'tiny-a', precision: 'fp32', layout: 'nhwc', sliceBytes: 2 ** 16, checks: [...NETWORKS, 'pipeline'] },
  { checkpoint: 'tiny-b', precision: 'fp32', layout: 'nhwc', sliceBytes: Infinity, checks: [...NETWORKS, 'pipeline'] },
  { checkpoint: 'tiny-c', precision: 'fp32', layout: 'nhwc', sliceBytes: Infinity, checks: [...NETWORKS, 'pipeline'] },
  { checkpoint: 'tiny-c', precision: 'fp32', layout: 'plain', sliceBytes: 2 ** 14, checks: NETWORKS },
  { checkpoint: 'tiny-a', precision: 'fp16', layout: 'nhwc', sliceBytes: Infinity, checks: NETWORKS },
  { checkpoint: 'tiny-b', precision: 'fp16', layout: 'nhwc', sliceBytes: Infinity, checks: ['image encoder', 'unet'] },
  { checkpoint: 'tiny-c', precision: 'fp16', layout: 'nhwc', sliceBytes: Infinity, checks: [...NETWORKS, 'pipeline'] },
] as const)(
  "CUDA's $layout graphs of $checkpoint in $precision, with CUDA's own operators expanded",
  ({ checkpoint, precision, layout, sliceBytes, checks }) => {
    let golden: Golden;
    let networks: Networks;
    beforeAll(async () => {
      golden = await openGolden(svdFixture(checkpoint));
      const runtime = { backend: cudaOnCpu({ layout, sliceBytes }), precision, threads: 1 } as const;
      networks = new Networks(await openCheckpoint(await seededCheckpoint(checkpoint)), runtime);
    });
    afterAll(() => networks.dispose());

    it.each(checks)('match the official packages: %s', async (check) => {
      const rows = [];
      for await (const row of CHECKS[check](golden, networks)) rows.push(row);
      expect(rows.filter(({ passed }) => !passed)).toEqual([]);
      expect(rows.length).toBeGreaterThan(0);
    });
  },
);

describe("CUDA's graph of a UNet as wide as the published one", () => {
  let folder: string;
  let checkpoint: Checkpoint;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'wide-'));
    const configs = path.join(folder, 'configs');
    await cp(svdFixture('tiny-a', 'checkpoint'), configs, { recursive: true });
    await editJson(path.join(configs, 'unet/config.json'), {
      block_out_channels: [320, 640],
      num_attention_heads: [5, 10],
      layers_per_block: 1,
      down_block_types: ['CrossAttnDownBlockSpatioTemporal', 'DownBlockSpatioTemporal'],
      up_block_types: ['UpBlockSpatioTemporal', 'CrossAttnUpBlockSpatioTemporal'],
    });
    await writeSeededCheckpoint(configs, path.join(folder, 'wide'), 5);
    checkpoint = await openCheckpoint(path.join(folder, 'wide'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([1, 2])('uses every operator that only CUDA has, and gives the result of the CPU graph: batch %d', async (batch) => {
    const network: Network = { name: 'unet', size: { width: 32, height: 16 }, frames: 3, batch };
    const graphOf = (backend: Backend) => new Networks(checkpoint, { backend, precision: 'fp32' }).graph(network);
    const used = new Set(readModel(graphOf(cudaGraphs({ layout: 'nhwc' })).model).nodes.map(({ domain, type }) => `${domain} ${type}`));
    expect(Object.keys(EXPANSIONS).filter((operator) => !used.has(operator))).toEqual([]);
    const [expected, actual] = [await run(graphOf(BACKENDS.cpu)), await run(graphOf(cudaOnCpu({ layout: 'nhwc' })))];
    expect(relativeError(actual, expected)).toBeLessThan(1e-4);
  });
});

/** A graph's first output on the CPU, for random inputs. */
async function run(graph: Graph): Promise<Float32Array> {
  const inputs = graph.inputs.map(({ name, shape }, seed) => {
    const size = shape.reduce((product, side) => product * side, 1);
    return [name, new NoiseSource(seed).normal('latents', size)] as const;
  });
  const session = await Session.open(graph, { backend: BACKENDS.cpu, precision: 'fp32', threads: 1 });
  try {
    return Object.values(await session.run(Object.fromEntries(inputs)))[0]!;
  } finally {
    await session.release();
  }
}
