/** A graph loaded into onnxruntime. Opening and running block the process, so sessions belong in the renderer, never in the worker. */
import { realpathSync } from 'node:fs';
import type { InferenceSession } from 'onnxruntime-node';
import type { CudaLayout } from '../graph/cuda.ts';
import type { Precision } from '../graph/onnx.ts';
import type { Graph } from '../graph/ops.ts';
import type { Backend } from './backends.ts';
import { asRenderFailure } from './failures.ts';

export interface Runtime {
  readonly backend: Backend;
  /** Index of the device among the backend's. Default 0. */
  readonly deviceIndex?: number;
  readonly precision: Precision;
  /** Layout of convolutions on CUDA. Default nhwc. */
  readonly layout?: CudaLayout;
  /** CPU threads. Default: all cores. */
  readonly threads?: number;
  /** Prefix of the file in which onnxruntime writes how long each node took. */
  readonly profile?: string;
}

/** Inputs or outputs by name, float32, row-major. */
export type Tensors = Readonly<Record<string, Float32Array>>;

/**
 * Loads the library with telemetry disabled; otherwise it reports usage to its vendor and stores a machine identifier on disk. CUDA numbers
 * cards as nvidia-smi does; otherwise it would put the fastest first.
 */
async function onnxruntime(): Promise<typeof import('onnxruntime-node')> {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  process.env['CUDA_DEVICE_ORDER'] ??= 'PCI_BUS_ID';
  return await import('onnxruntime-node');
}

export class Session {
  readonly graph: Graph;
  readonly #session: InferenceSession;

  private constructor(graph: Graph, session: InferenceSession) {
    this.graph = graph;
    this.#session = session;
  }

  /** @throws AppError OUT_OF_MEMORY, MODEL_INVALID @throws DeviceFailure */
  static async open(graph: Graph, runtime: Runtime): Promise<Session> {
    const { InferenceSession: sessions } = await onnxruntime();
    try {
      return new Session(graph, await sessions.create(graph.model, sessionOptions(graph, runtime)));
    } catch (error) {
      throw asRenderFailure(error, graph);
    }
  }

  /**
   * @param inputs exactly the graph's inputs, each of exactly its size
   * @returns the graph's outputs, owned by the caller
   * @throws AppError OUT_OF_MEMORY
   * @throws DeviceFailure
   */
  async run(inputs: Tensors): Promise<Tensors> {
    const { Tensor } = await onnxruntime();
    const feeds = Object.fromEntries(
      this.graph.inputs.map(({ name, shape }) => {
        const data = inputs[name];
        const size = shape.reduce((product, side) => product * side, 1);
        if (data?.length !== size)
          throw new RangeError(`${this.graph.name} expects ${name} of ${shape.join('×')} values, but got ${data?.length ?? 'none'}`);
        return [name, new Tensor('float32', data, shape)];
      }),
    );
    try {
      const results = await this.#session.run(feeds);
      return Object.fromEntries(this.graph.outputs.map(({ name, id }) => [name, results[id]!.data as Float32Array]));
    } catch (error) {
      throw asRenderFailure(error, this.graph);
    }
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

function sessionOptions(graph: Graph, { backend, deviceIndex = 0, precision, threads, profile }: Runtime): InferenceSession.SessionOptions {
  return {
    executionProviders: [backend.executionProvider(deviceIndex)],
    ...(threads ? { intraOpNumThreads: threads } : {}),
    graphOptimizationLevel: 'basic',
    enableMemPattern: false,
    // An arena keeps working memory from run to run, for networks that run repeatedly. The autoencoder, which has few tensors but the
    // largest, needs a third less memory without an arena, and frees all of it, for a few percent more time.
    enableCpuMemArena: !graph.name.startsWith('vae'),
    logSeverityLevel: 3,
    ...(profile ? { enableProfiling: true, profileFilePrefix: profile } : {}),
    extra: {
      ...(backend.foldsConstants(precision) ? {} : { optimization: { disable_specified_optimizers: 'ConstantFolding' } }),
      session: {
        model_external_initializers_file_folder_path: realpathSync(graph.folder),
        ...backend.sessionConfig,
      },
    },
  };
}
