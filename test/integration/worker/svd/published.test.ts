import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, type Checkpoint } from '../../../../worker/svd/checkpoint/checkpoint.ts';
import { conditioningGraph } from '../../../../worker/svd/graph/conditioning.ts';
import { readModel, type ModelInitializer } from '../../../../worker/svd/graph/model.ts';
import { ELEMENT_BYTES } from '../../../../worker/svd/graph/onnx.ts';
import type { Graph } from '../../../../worker/svd/graph/ops.ts';
import { BACKENDS } from '../../../../worker/svd/runtime/backends.ts';
import { Networks, type Network } from '../../../../worker/svd/runtime/networks.ts';
import type { Safetensors } from '../../../../worker/svd/checkpoint/safetensors.ts';
import type { Runtime } from '../../../../worker/svd/runtime/session.ts';
import { SafetensorsWeights } from '../../../../worker/svd/runtime/weights.ts';
import { writeHollowCheckpoint } from '../../../../worker/svd/checkpoint/hollow.ts';
import { cudaGraphs } from '../../../support/cuda.ts';
import { svdFixture } from '../../../support/svd.ts';

const SIZE = { width: 1024, height: 576 };
const UNET: Network = { name: 'unet', size: SIZE, frames: 25, batch: 1 };
const ENCODER: Network = { name: 'encoder', size: SIZE };
const IMAGE_ENCODER: Network = { name: 'image encoder' };
const decoder = (frames: number): Network => ({ name: 'decoder', size: SIZE, frames });
const RUNTIMES: Runtime[] = [
  { backend: BACKENDS.cpu, precision: 'fp32' },
  { backend: BACKENDS.webgpu, precision: 'fp32' },
  { backend: BACKENDS.webgpu, precision: 'fp16' },
  { backend: cudaGraphs({ layout: 'nhwc' }), precision: 'fp16' },
  { backend: cudaGraphs({ layout: 'plain', sliceBytes: 256e6 }), precision: 'fp16' },
];

let folder: string;
let checkpoint: Checkpoint;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'published-'));
  await writeHollowCheckpoint(svdFixture('published', 'checkpoint'), folder);
  checkpoint = await openCheckpoint(folder);
});
afterAll(() => rm(folder, { recursive: true }));

const buildGraph = (network: Network, runtime: Runtime): Graph => new Networks(checkpoint, runtime).graph(network);

const built = new Map<string, Graph>();
/** Builds each graph once for all tests. */
function graph(network: Network, runtime: Runtime = RUNTIMES[0]!): Graph {
  const key = `${runtime.backend.name} ${runtime.precision} ${JSON.stringify(network)}`;
  const known = built.get(key) ?? buildGraph(network, runtime);
  built.set(key, known);
  return known;
}

function conditioning({ backend, precision }: Runtime): Graph {
  const { config, weights } = checkpoint.unet;
  return conditioningGraph(backend.dialect(precision, backend.memory.medium), new SafetensorsWeights(weights), config, {
    steps: 25,
    frames: 25,
    batch: 2,
  });
}

describe('the graphs of SVD-XT at 1024×576', () => {
  it.each([
    // Full cross-attention would add 5.8 to the 153.9; for a single token it is a constant vector.
    ['a UNet call for 25 frames', UNET, 76.949],
    ['a UNet call for both halves of guidance', { ...UNET, batch: 2 }, 153.899],
    ['decoding 25 frames', decoder(25), 173.574],
    ['decoding 8 frames', decoder(8), 55.544],
    ['decoding one frame', decoder(1), 6.943],
    ['encoding the photo', ENCODER, 2.609],
    ['embedding the photo', IMAGE_ENCODER, 0.335],
  ] as const)('count the operations of %s', (_, network, teraflops) => {
    expect(graph(network).flops / 1e12).toBeCloseTo(teraflops, 3);
  });

  describe.each(RUNTIMES)('for $backend.name in $precision', (runtime) => {
    const all = (build: typeof buildGraph = graph): Graph[] => [
      ...[UNET, decoder(8), ENCODER, IMAGE_ENCODER].map((network) => build(network, runtime)),
      conditioning(runtime),
    ];

    /** Shapes of inputs: CUDA's graphs leave the first dimension open. */
    const written = (shape: readonly number[]) => (runtime.backend.name.startsWith('cuda') ? [null, ...shape.slice(1)] : shape);

    it('are reproducible byte by byte', () => {
      const [first, second] = [all(), all(buildGraph)];
      expect(first.filter(({ model }, i) => Buffer.compare(model, second[i]!.model) !== 0).map(({ name }) => name)).toEqual([]);
    });

    it('define every value once, before its first use, and use every value', () => {
      for (const { model, inputs, outputs } of all()) {
        const { nodes, initializers, ...read } = readModel(model);
        expect(read.inputs).toEqual(inputs.map(({ name, shape }) => ({ name, shape: written(shape) })));
        expect(read.outputs).toEqual(outputs.map(({ id, shape }) => ({ name: id, shape })));
        const defined = [...initializers, ...read.inputs].map(({ name }) => name);
        const known = new Set(defined);
        const early: string[] = [];
        for (const { inputs: taken, outputs: made } of nodes) {
          early.push(...taken.filter((value) => value !== '' && !known.has(value)));
          for (const value of made.filter(Boolean)) known.add(value);
          defined.push(...made.filter(Boolean));
        }
        expect(early).toEqual([]);
        expect(known.size).toBe(defined.length);
        expect(new Set(nodes.map(({ name }) => name)).size).toBe(nodes.length);
        const used = new Set([...nodes.flatMap((node) => node.inputs), ...read.outputs.map(({ name }) => name)]);
        expect(defined.filter((value) => !used.has(value))).toEqual([]);
      }
    });

    it('refer to every weight in the checkpoint that affects the result', () => {
      const unet = unused(checkpoint.unet.weights, [graph(UNET, runtime), conditioning(runtime)]);
      expect(unet.filter((name) => !/mix_factor$|attn2\.to_[qk]\.weight$|\.norm2\.(weight|bias)$/.test(name))).toEqual([]);
      // Mix factors are read while the graph is written; queries, keys and norms of the 32 cross-attentions to one token have no effect.
      expect(unet).toHaveLength(22 + 16 + 32 * 4);
      const vae = unused(checkpoint.vae.weights, [graph(ENCODER, runtime), graph(decoder(8), runtime)]);
      expect(vae.filter((name) => !name.endsWith('mix_factor'))).toEqual([]);
      const imageEncoder = unused(checkpoint.imageEncoder.weights, [graph(IMAGE_ENCODER, runtime)]);
      expect(imageEncoder).toEqual([]);
    });
  });

  it('are small compared with the weights', () => {
    for (const network of [UNET, decoder(8), ENCODER, IMAGE_ENCODER]) expect(graph(network).model.length).toBeLessThan(2e6);
  });
});

/** Tensors of which the graphs do not use every byte. Throws if a graph refers to bytes outside a tensor or to a wrong number of bytes. */
function unused({ file, tensors }: Safetensors, graphs: readonly Graph[]): string[] {
  const taken = new Map([...tensors.keys()].map((name) => [name, 0]));
  const seen = new Set<string>();
  for (const { name, shape, type, external } of graphs.flatMap(({ model }) => readModel(model).initializers).filter(isExternal)) {
    const [offset, length] = [Number(external['offset']), Number(external['length'])];
    const tensor = [...tensors.values()].find((info) => offset >= info.offset && offset + length <= info.offset + info.sizeBytes);
    if (!tensor || external['location'] !== path.basename(file)) throw new Error(`${name} is not in ${file}`);
    expect(type).toBe('fp16');
    expect(length).toBe(shape.reduce((product, side) => product * side, ELEMENT_BYTES.fp16));
    const range = `${offset} ${length}`;
    if (!seen.has(range)) taken.set(tensor.name, taken.get(tensor.name)! + length);
    seen.add(range);
  }
  return [...tensors.values()].filter(({ name, sizeBytes }) => taken.get(name) !== sizeBytes).map(({ name }) => name);
}

const isExternal = ({ external }: ModelInitializer): boolean => Object.keys(external).length > 0;
