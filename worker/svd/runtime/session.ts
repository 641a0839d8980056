/** A graph brought into onnxruntime. `create` and `run` block the process: they belong into the renderer, never into the worker. */
import { realpathSync } from 'node:fs';
import type { InferenceSession } from 'onnxruntime-node';
import { AppError } from '../../../src/jobs/errors.ts';
import type { Precision } from '../graph/onnx.ts';
import type { Graph } from '../graph/ops.ts';

export type Provider = 'cpu' | 'webgpu';

export interface Runtime {
  readonly provider: Provider;
  /** Of the arithmetic. */
  readonly precision: Precision;
  /** CPU threads; default: all cores. */
  readonly threads?: number;
  /** A file in which onnxruntime writes how long each node took. */
  readonly profile?: string;
}

/** Inputs or outputs by name, float32, row-major. */
export type Tensors = Readonly<Record<string, Float32Array>>;

/** Loads the library. Unless it is told otherwise before, it reports to its makers and leaves an identifier of the machine on disk. */
async function onnxruntime(): Promise<typeof import('onnxruntime-node')> {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  return await import('onnxruntime-node');
}

export class Session {
  readonly graph: Graph;
  readonly #session: InferenceSession;

  private constructor(graph: Graph, session: InferenceSession) {
    this.graph = graph;
    this.#session = session;
  }

  /** @throws AppError OUT_OF_MEMORY, MODEL_INVALID */
  static async open(graph: Graph, runtime: Runtime): Promise<Session> {
    const { InferenceSession: sessions } = await onnxruntime();
    try {
      return new Session(graph, await sessions.create(graph.model, sessionOptions(graph, runtime)));
    } catch (error) {
      throw asAppError(error, graph);
    }
  }

  /**
   * @param inputs exactly the graph's, each of exactly its size
   * @returns the graph's outputs, owned by the caller
   * @throws AppError OUT_OF_MEMORY
   */
  async run(inputs: Tensors): Promise<Tensors> {
    const { Tensor } = await onnxruntime();
    const feeds = Object.fromEntries(
      this.graph.inputs.map(({ name, shape }) => {
        const data = inputs[name];
        const size = shape.reduce((product, side) => product * side, 1);
        if (data?.length !== size)
          throw new RangeError(`${this.graph.name} wants ${name} of ${shape.join('×')} values and got ${data?.length ?? 'none'}`);
        return [name, new Tensor('float32', data, shape)];
      }),
    );
    try {
      const results = await this.#session.run(feeds);
      return Object.fromEntries(this.graph.outputs.map(({ name, id }) => [name, results[id]!.data as Float32Array]));
    } catch (error) {
      throw asAppError(error, this.graph);
    }
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

function sessionOptions(graph: Graph, { provider, precision, threads, profile }: Runtime): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    ...(threads ? { intraOpNumThreads: threads } : {}),
    graphOptimizationLevel: 'basic',
    enableMemPattern: false,
    // Networks that run again and again keep their working memory from run to run. The autoencoder, whose few tensors are the largest,
    // takes a third less without, and leaves none behind, for a few percent of its time.
    enableCpuMemArena: !graph.name.startsWith('vae'),
    logSeverityLevel: 3,
    ...(profile ? { enableProfiling: true, profileFilePrefix: profile } : {}),
    extra: {
      // Folding constants would keep every weight in memory a second time, as float32. But cards that cannot compute in float16 cannot
      // cast it either: there folding does it, once and on the CPU.
      ...(provider === 'webgpu' && precision === 'fp32' ? {} : { optimization: { disable_specified_optimizers: 'ConstantFolding' } }),
      session: {
        model_external_initializers_file_folder_path: realpathSync(graph.folder),
        // Packing weights ahead would keep those of a float32 file in memory a second time. Threads that wait for work sleep: as fast
        // on a free machine, and faster on one that has other work.
        ...(provider === 'cpu' ? { disable_prepacking: '1', intra_op: { allow_spinning: '0' } } : { disable_cpu_ep_fallback: '1' }),
      },
    },
  };
}

/** How onnxruntime's WebGPU fails where a tensor is larger than one of the card's buffers may be. */
const BUFFER_TOO_SMALL = /Too many storage buffers|Allocation size too large|Name:'Conv_.*raw_hash_map<>::at/s;

function asAppError(error: unknown, graph: Graph): AppError {
  const message = error instanceof Error ? error.message : String(error);
  if (/bad_alloc|out of memory|failed to allocate|OUT_OF_MEMORY/i.test(message) || BUFFER_TOO_SMALL.test(message))
    return new AppError('OUT_OF_MEMORY', undefined, {}, error);
  if (/external data|safetensors|ENOENT/i.test(message))
    return new AppError('MODEL_INVALID', `The weights in ${graph.folder} cannot be read: ${message}`, {}, error);
  return new AppError('INTERNAL', undefined, {}, error);
}
