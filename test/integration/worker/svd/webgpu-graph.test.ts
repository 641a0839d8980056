import { beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, type Checkpoint } from '../../../../worker/svd/checkpoint/checkpoint.ts';
import type { Precision } from '../../../../worker/svd/graph/onnx.ts';
import { NoiseSource } from '../../../../worker/svd/noise.ts';
import { relativeError } from '../../../../worker/svd/parity/rows.ts';
import { BACKENDS, type Backend } from '../../../../worker/svd/runtime/backends.ts';
import { Networks, type Network } from '../../../../worker/svd/runtime/networks.ts';
import { Session, type Tensors } from '../../../../worker/svd/runtime/session.ts';
import { seededCheckpoint } from '../../../support/svd.ts';

const size = { width: 128, height: 64 };
const NETWORKS: readonly Network[] = [
  { name: 'image encoder' },
  { name: 'encoder', size },
  { name: 'decoder', size, frames: 2 },
  { name: 'unet', size, frames: 3, batch: 1 },
];

// WebGPU's graphs use standard operators only, so the CPU provider can run them too.
describe.each(NETWORKS.map((network) => [network.name, network] as const))(
  'the WebGPU graph of the %s, run on the CPU',
  (_name, network) => {
    let checkpoint: Checkpoint;
    let expected: Float32Array;
    beforeAll(async () => {
      checkpoint = await openCheckpoint(await seededCheckpoint('tiny-a'));
      expected = await resultOf(BACKENDS.cpu, 'fp32');
    });

    it.each([
      ['fp32', 1e-4],
      ['fp16', 3e-2],
    ] as const)('gives the result of the CPU graph in %s', async (precision, limit) => {
      expect(relativeError(await resultOf(BACKENDS.webgpu, precision), expected)).toBeLessThan(limit);
    });

    async function resultOf(backend: Backend, precision: Precision): Promise<Float32Array> {
      const graph = new Networks(checkpoint, { backend, precision }).graph(network, precision);
      const inputs: Tensors = Object.fromEntries(
        graph.inputs.map(({ name, shape }, seed) => [
          name,
          new NoiseSource(seed).normal(
            'latents',
            shape.reduce((product, side) => product * side, 1),
          ),
        ]),
      );
      const session = await Session.open(graph, { backend: BACKENDS.cpu, precision, threads: 2 });
      try {
        return Object.values(await session.run(inputs))[0]!;
      } finally {
        await session.release();
      }
    }
  },
);
