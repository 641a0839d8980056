/** What `npm run check:cuda` runs, and how results are judged. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Size } from '../../src/catalog/catalog.ts';
import { ROOT } from '../../src/process/version.ts';
import { writeHollowCheckpoint } from '../../worker/svd/checkpoint/hollow.ts';
import type { CudaLayout } from '../../worker/svd/graph/cuda.ts';
import type { Precision } from '../../worker/svd/graph/onnx.ts';
import { BACKENDS } from '../../worker/svd/runtime/backends.ts';
import { PROFILE_NAMES } from '../../worker/svd/runtime/memory.ts';
import type { Network } from '../../worker/svd/runtime/networks.ts';
import type { NetworkAnswer } from './device-process.ts';
import { runOnDevice } from './device.ts';
import { NETWORK_LIMITS, RENDER_LIMITS } from './limits.ts';

/** Models by name of their folder in test/fixtures/svd. */
export type Model = 'published' | 'tiny-a' | 'tiny-b' | 'tiny-c';

export interface Result {
  /** Such as `unet`, or `render, low`. */
  readonly name: string;
  /** Null for a render. */
  readonly network: NetworkAnswer | null;
  readonly peakBytes: number;
  /** One sentence for each figure beyond its limit and for nodes that are not on CUDA. */
  readonly failures: readonly string[];
}

const FULL_SIZE: Size = { width: 1024, height: 576 };
const TINY_SIZE: Size = { width: 128, height: 64 };
const FRAMES = { full: 25, tiny: 3 } as const;
const LAYOUTS: readonly CudaLayout[] = ['nhwc', 'plain'];
const PRECISIONS: readonly Precision[] = ['fp16', 'fp32'];

/** Nodes, casts and memory of each published network at full size, each in its own process. */
export async function* publishedNetworks(folder: string): AsyncGenerator<Result, void, undefined> {
  const checkpoint = await hollow('published', folder);
  const memory = 'medium';
  for (const network of networksOf(FULL_SIZE, FRAMES.full, BACKENDS.cuda.memory[memory].decodeChunkSize)) {
    const run = [{ network, precision: 'fp16', layout: 'nhwc' }] as const;
    const { networks, peakBytes } = await runOnDevice(folder, { checkpoint, memory, run });
    const [answer] = networks as [NetworkAnswer];
    const limits = NETWORK_LIMITS[network.name];
    yield {
      name: network.name,
      network: answer,
      peakBytes,
      failures: [
        ...strays(answer),
        ...above('Transpose nodes', answer.operators['Transpose'] ?? 0, limits.transposes),
        ...above('Cast nodes', answer.operators['Cast'] ?? 0, limits.casts),
        ...above('bytes in the largest tensor', answer.largestBytes, limits.largestBytes),
        ...above('bytes of device memory', peakBytes, limits.peakBytes),
        ...above('bytes moved per call', answer.movedBytes, limits.movedBytes),
      ],
    };
  }
}

/** Memory of a whole render of the published model at full size, by memory profile. */
export async function* publishedRenders(folder: string): AsyncGenerator<Result, void, undefined> {
  const checkpoint = await hollow('published', folder);
  for (const memory of PROFILE_NAMES) {
    const { peakBytes } = await runOnDevice(folder, { checkpoint, memory, run: { render: FULL_SIZE } });
    yield {
      name: memory,
      network: null,
      peakBytes,
      failures: above('bytes of device memory', peakBytes, RENDER_LIMITS[memory]),
    };
  }
}

/** Placement of all nodes of a model's networks: of a tiny one in all layouts and precisions, of the published one in its other layout. */
export async function* placement(folder: string, model: Model): AsyncGenerator<Result, void, undefined> {
  const isTiny = model !== 'published';
  const [size, frames] = isTiny ? [TINY_SIZE, FRAMES.tiny] : [FULL_SIZE, FRAMES.full];
  const memory = 'low';
  const run = (isTiny ? LAYOUTS : (['plain'] as const)).flatMap((layout) =>
    (isTiny ? PRECISIONS : (['fp16'] as const)).flatMap((precision) =>
      networksOf(size, frames, BACKENDS.cuda.memory[memory].decodeChunkSize).map((network) => ({ network, precision, layout })),
    ),
  );
  const { networks, peakBytes } = await runOnDevice(folder, { checkpoint: await hollow(model, folder), memory, run });
  for (const [i, network] of networks.entries()) {
    const {
      network: { name },
      layout,
      precision,
    } = run[i]!;
    yield { name: `${name} of ${model}, ${layout}, ${precision}`, network, peakBytes, failures: strays(network) };
  }
}

function networksOf(size: Size, frames: number, chunk: number): Network[] {
  return [
    { name: 'image encoder' },
    { name: 'encoder', size },
    { name: 'unet', size, frames, batch: 1 },
    { name: 'decoder', size, frames: Math.min(chunk, frames) },
  ];
}

function strays({ strays: names }: NetworkAnswer): string[] {
  return names.length === 0 ? [] : [`${names.length} nodes are not on CUDA: ${names.slice(0, 5).join(', ')}`];
}

function above(what: string, value: number, limit: number): string[] {
  return value <= limit ? [] : [`${value} ${what}, where ${limit} are allowed`];
}

/** A checkpoint of `model` with zero weights below `folder`. */
async function hollow(model: Model, folder: string): Promise<string> {
  const checkpoint = path.join(folder, 'checkpoints', model);
  await mkdir(checkpoint, { recursive: true });
  await writeHollowCheckpoint(path.join(ROOT, 'test/fixtures/svd', model, 'checkpoint'), checkpoint);
  return checkpoint;
}
