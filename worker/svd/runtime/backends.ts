/**
 * Compute backends: one record per kind of device that the networks run on. No other file depends on which kind a device is; a new backend
 * is one record here and one dialect in `graph/`.
 */
import type { InferenceSession } from 'onnxruntime-node';
import { CpuOps } from '../graph/cpu.ts';
import type { Precision } from '../graph/onnx.ts';
import type { DialectFactory } from '../graph/ops.ts';
import { WebgpuOps } from '../graph/webgpu.ts';
import type { DeviceProbe } from './probe.ts';
import { probeWebgpu } from './webgpu.ts';

export interface Backend {
  /** Name in WORKER_DEVICES and in `--device`. A device is this name alone, or with an index, such as `cuda:1`. */
  readonly name: string;
  /** Whether it computes on a GPU: weights are copied there when a network is loaded, and a render takes minutes rather than hours. */
  readonly isGpu: boolean;
  /** onnxruntime's execution provider for the device with this index. */
  executionProvider(index: number): InferenceSession.ExecutionProviderConfig;
  /** Session configuration entries in addition to those that all backends share. */
  readonly sessionConfig: Readonly<Record<string, unknown>>;
  /** Whether onnxruntime may compute casts of weights while loading. This keeps a second copy of them in memory. */
  foldsConstants(precision: Precision): boolean;
  /** The dialect that graphs are written in. */
  dialect(precision: Precision): DialectFactory;
  /** Precision to compute in, given SVD_PRECISION and what the probe found. */
  precision(setting: 'auto' | Precision, probe: DeviceProbe): Precision;
  /** Frames that the VAE decodes at once unless SVD_DECODE_CHUNK_SIZE is set. Larger chunks take more memory. */
  readonly decodeChunkSize: number;
  /** Tests the device with this index. Cached; never rejects. */
  probe(index: number): Promise<DeviceProbe>;
  /** Devices that WORKER_DEVICES=auto adds to the CPU: those that are present and faster than the CPU. Never rejects. */
  detect(): Promise<readonly string[]>;
}

const cpu: Backend = {
  name: 'cpu',
  isGpu: false,
  executionProvider: () => 'cpu',
  sessionConfig: {
    // Prepacking would keep a second copy of a float32 file's weights in memory.
    disable_prepacking: '1',
    // Threads sleep while they wait for work: as fast on an idle machine, and faster on a busy one.
    intra_op: { allow_spinning: '0' },
  },
  foldsConstants: () => false,
  // Slices that fit the cache are twice as fast as those that do not; the limit on their number keeps the graph small.
  dialect: (precision) => (name, weights) => new CpuOps(name, weights, { precision, feedForward: { bytes: 4e6, maxSlices: 64 } }),
  precision: () => 'fp32',
  decodeChunkSize: 4,
  probe: () => Promise.resolve({ available: true, reason: 'The CPU is always available.', hardware: false, fp16: false }),
  detect: () => Promise.resolve([]),
};

const webgpu: Backend = {
  name: 'webgpu',
  isGpu: true,
  executionProvider: () => 'webgpu',
  sessionConfig: { disable_cpu_ep_fallback: '1' },
  // A GPU without float16 arithmetic cannot cast float16 weights either: folding casts them once, on the CPU.
  foldsConstants: (precision) => precision === 'fp32',
  // 128 MB is the smallest limit on a storage buffer binding that WebGPU allows.
  dialect: (precision) => (name, weights) =>
    new WebgpuOps(name, weights, { precision, feedForward: { bytes: 128e6, maxSlices: Infinity } }),
  precision: (setting, { fp16 }) => (setting === 'auto' ? (fp16 ? 'fp16' : 'fp32') : setting),
  decodeChunkSize: 2,
  probe: () => probeWebgpu(),
  detect: async () => ((await probeWebgpu()).hardware ? ['webgpu'] : []),
};

/** All backends by name, GPUs in order of preference. */
export const BACKENDS = { cpu, webgpu } as const satisfies Record<string, Backend>;

/** Backend and index of a device such as `webgpu` or `cuda:1`; null if no backend computes on it. */
export function findBackend(device: string): { readonly backend: Backend; readonly index: number } | null {
  const [name, index = '0'] = device.split(':') as [string, string?];
  return Object.hasOwn(BACKENDS, name) ? { backend: BACKENDS[name as keyof typeof BACKENDS], index: Number(index) } : null;
}
