import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, type Checkpoint } from '../../../../worker/svd/checkpoint/checkpoint.ts';
import { readModel, type Model, type ModelNode } from '../../../../worker/svd/graph/model.ts';
import { traffic } from '../../../../worker/svd/graph/traffic.ts';
import { Networks, type Network } from '../../../../worker/svd/runtime/networks.ts';
import { writeHollowCheckpoint } from '../../../../worker/svd/checkpoint/hollow.ts';
import { cudaGraphs } from '../../../support/cuda.ts';
import { svdFixture } from '../../../support/svd.ts';

const SIZE = { width: 1024, height: 576 };
const unet = (batch: number): Network => ({ name: 'unet', size: SIZE, frames: 25, batch });
const NETWORKS: readonly Network[] = [
  unet(1),
  unet(2),
  { name: 'decoder', size: SIZE, frames: 8 },
  { name: 'encoder', size: SIZE },
  { name: 'image encoder' },
];

let folder: string;
let checkpoint: Checkpoint;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hygiene-'));
  await writeHollowCheckpoint(svdFixture('published', 'checkpoint'), folder);
  checkpoint = await openCheckpoint(folder);
});
afterAll(() => rm(folder, { recursive: true }));

const graph = (network: Network, sliceBytes?: number) =>
  new Networks(checkpoint, { backend: cudaGraphs({ layout: 'nhwc', sliceBytes }), precision: 'fp16' }).graph(network);

describe.each(NETWORKS.map((network) => ['batch' in network ? `${network.name}, batch ${network.batch}` : network.name, network] as const))(
  "CUDA's graph of SVD-XT's %s at 1024×576",
  (_name, network) => {
    let model: Model;
    beforeAll(() => {
      model = readModel(graph(network).model);
    });

    it('has no Transpose, Cast or Reshape of the result of another', () => {
      const sources = new Map(model.nodes.flatMap((node) => node.outputs.map((output) => [output, node.type])));
      const pairs = model.nodes.filter(({ type, inputs }) => /^(Transpose|Cast|Reshape)$/.test(type) && sources.get(inputs[0]!) === type);
      expect(pairs.map(({ name }) => name)).toEqual([]);
    });

    it('loads no weight twice, and no two that overlap', () => {
      const ranges = model.initializers
        .filter(({ external }) => 'offset' in external)
        .map(({ name, external }) => ({
          name,
          start: Number(external['offset']),
          end: Number(external['offset']) + Number(external['length']),
        }))
        .toSorted((a, b) => a.start - b.start);
      expect(ranges.length).toBeGreaterThan(100);
      expect(ranges.filter(({ start }, i) => i > 0 && start < ranges[i - 1]!.end)).toEqual([]);
    });

    it('casts only its inputs and outputs, and parameters of norms and scaled weights while it is loaded', () => {
      const { run } = split(model);
      const casts = run.filter(({ type }) => type === 'Cast');
      expect(casts.length).toBeLessThanOrEqual(model.inputs.length + model.outputs.length);
    });

    it('gives convolutions weights that are known when it is loaded, because only those can be brought into their layout once', () => {
      const { fixed, run } = split(model);
      const convolutions = run.filter(({ type }) => type === 'Conv');
      expect(convolutions.length).toBeGreaterThan(0);
      expect(convolutions.filter(({ inputs }) => !fixed.has(inputs[1]!))).toEqual([]);
    });
  },
);

describe("CUDA's graph of SVD-XT's UNet", () => {
  it('transposes its input and output, and twice per transformer, because attention takes at most 1024 heads', () => {
    const transposes = readModel(graph(unet(1)).model).nodes.filter(({ type }) => type === 'Transpose');
    expect(transposes).toHaveLength(2 + 2 * 16);
  });

  it.each([
    [1, 238],
    [2, 483],
  ])('moves at most so many bytes in a call of batch %d: %d GB', (batch, gigabytes) => {
    // The hollow checkpoint's mix factors are ½. Others cost a multiplication in each transformer: 1 % more.
    const { bytes, byOperator } = traffic(graph(unet(batch)));
    expect(bytes / 1e9).toBeLessThan(gigabytes);
    expect(bytes).toBe([...byOperator.values()].reduce((sum, each) => sum + each));
    // Most of it is the feed-forward layers' products and activations.
    expect([...byOperator.keys()].slice(0, 2)).toEqual(['Gemm', 'BiasSplitGelu']);
  });

  it('fuses every norm with the sum before it', () => {
    const { nodes } = readModel(graph(unet(1)).model);
    const count = (type: string) => nodes.filter((node) => node.type === type).length;
    expect(count('LayerNormalization')).toBe(0);
    expect(count('SkipLayerNormalization')).toBe(16 * 5);
    // Not fused: the first of the 12 ResNets after a concatenation.
    expect(count('GroupNorm')).toBe(12);
    expect(count('SkipGroupNorm') + count('GroupNorm')).toBe(22 * 4 + 16 + 1);
    // Sums that no norm follows: both streams of a transformer at its end, and what is concatenated or resampled next.
    expect(count('BiasAdd')).toBe(2 * 16 + 15);
    // The mix in each transformer. Sums with a context vector, which are tiny additions of vectors, precede SkipLayerNormalization.
    expect(count('Add')).toBe(16 + 2 * 16 + 14);
  });

  it('slices feed-forward layers by bytes', () => {
    const { nodes } = readModel(graph(unet(1), 256e6).model);
    expect(nodes.filter(({ type }) => type === 'BiasSplitGelu').length).toBeGreaterThan(16 * 3 + 5 * 3 * 4);
  });
});

/** Nodes that run in every call, and the values that are known when the model is loaded. */
function split({ nodes, initializers }: Model): { fixed: ReadonlySet<string>; run: ModelNode[] } {
  const fixed = new Set(initializers.map(({ name }) => name));
  const run: ModelNode[] = [];
  for (const node of nodes) {
    if (node.inputs.every((input) => fixed.has(input))) for (const output of node.outputs) fixed.add(output);
    else run.push(node);
  }
  return { fixed, run };
}
