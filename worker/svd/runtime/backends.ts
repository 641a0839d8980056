/**
 * Compute backends: one record per kind of device that the networks run on. No other file depends on which kind a device is; a new backend
 * is one record here and one dialect in `graph/`.
 */
import type { InferenceSession } from 'onnxruntime-node';
import { CpuOps } from '../graph/cpu.ts';
import { CudaOps, type CudaLayout } from '../graph/cuda.ts';
import type { Precision } from '../graph/onnx.ts';
import type { DialectFactory } from '../graph/ops.ts';
import { WebgpuOps } from '../graph/webgpu.ts';
import { chooseCudaMemory, probeCards, probeCuda } from './cuda.ts';
import { memoryProfiles, type MemoryProfile, type MemoryProfiles, type ProfileName } from './memory.ts';
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
  /** The dialect that graphs are written in. @param layout of convolutions on CUDA; default nhwc */
  dialect(precision: Precision, memory: MemoryProfile, layout?: CudaLayout): DialectFactory;
  /** Precision to compute in, given SVD_PRECISION and what the probe found. */
  precision(setting: 'auto' | Precision, probe: DeviceProbe): Precision;
  readonly memory: MemoryProfiles;
  /** The profile for the memory that is free on the device with this index. Never rejects. */
  chooseMemory(index: number): Promise<ProfileName>;
  /** Tests the device with this index. Cached; never rejects. */
  probe(index: number): Promise<DeviceProbe>;
  /** Devices that WORKER_DEVICES=auto adds to the CPU if their probe finds hardware. Never rejects. */
  detect(): Promise<readonly DetectedDevice[]>;
}

interface DetectedDevice {
  readonly device: string;
  readonly probe: DeviceProbe;
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
  // The limit on the number of slices keeps the graph small.
  dialect:
    (precision, { sliceBytes }) =>
    (name, weights) =>
      new CpuOps(name, weights, { precision, feedForward: { bytes: sliceBytes, maxSlices: 64 } }),
  precision: () => 'fp32',
  // Slices that fit the cache are twice as fast as those that do not.
  memory: memoryProfiles({
    low: { residency: 'swap', guidanceBatch: 1, sliceBytes: 4e6, decodeChunkSize: 2 },
    medium: { residency: 'keep', guidanceBatch: 1, sliceBytes: 4e6, decodeChunkSize: 4 },
    high: { residency: 'keep', guidanceBatch: 1, sliceBytes: 4e6, decodeChunkSize: 8 },
  }),
  chooseMemory: () => Promise.resolve('medium'),
  probe: () => Promise.resolve({ available: true, reason: 'The CPU is always available.', hardware: false, fp16: false }),
  detect: () => Promise.resolve([]),
};

const cuda: Backend = {
  name: 'cuda',
  isGpu: true,
  executionProvider: (deviceId) => ({ name: 'cuda', deviceId }),
  sessionConfig: {
    disable_cpu_ep_fallback: '1',
    // Weights get exactly the memory they need, instead of a power of two from the arena.
    use_device_allocator_for_initializers: '1',
  },
  // Without it, weights of another type would be cast again in every run.
  foldsConstants: () => true,
  dialect:
    (precision, { sliceBytes }, layout = 'nhwc') =>
    (name, weights) =>
      new CudaOps(name, weights, { precision, layout, feedForward: { bytes: sliceBytes, maxSlices: Infinity }, staticShapes: false }),
  precision: (setting) => (setting === 'auto' ? 'fp16' : setting),
  // For cards of 8, 12 and 24 GB; `npm run check:cuda` measures them. Smaller slices save nothing: other tensors are as large. Kernels of the VAE
  // compute with 32-bit integers: at most 8 frames at once.
  memory: memoryProfiles({
    low: { residency: 'swap', guidanceBatch: 1, sliceBytes: 512e6, decodeChunkSize: 2 },
    medium: { residency: 'unet', guidanceBatch: 1, sliceBytes: 512e6, decodeChunkSize: 3 },
    high: { residency: 'keep', guidanceBatch: 1, sliceBytes: 512e6, decodeChunkSize: 5 },
  }),
  chooseMemory: chooseCudaMemory,
  probe: probeCuda,
  detect: async () => (await probeCards()).map((probe, index) => ({ device: `cuda:${index}`, probe })),
};

const webgpu: Backend = {
  name: 'webgpu',
  isGpu: true,
  executionProvider: () => 'webgpu',
  sessionConfig: { disable_cpu_ep_fallback: '1' },
  // A GPU without float16 arithmetic cannot cast float16 weights either: folding casts them once, on the CPU.
  foldsConstants: (precision) => precision === 'fp32',
  dialect:
    (precision, { sliceBytes }) =>
    (name, weights) =>
      new WebgpuOps(name, weights, { precision, feedForward: { bytes: sliceBytes, maxSlices: Infinity } }),
  precision: (setting, { fp16 }) => (setting === 'auto' ? (fp16 ? 'fp16' : 'fp32') : setting),
  // 128 MB is the smallest limit on a storage buffer binding that WebGPU allows. The library does not report a GPU's memory.
  memory: memoryProfiles({
    low: { residency: 'swap', guidanceBatch: 1, sliceBytes: 64e6, decodeChunkSize: 1 },
    medium: { residency: 'keep', guidanceBatch: 1, sliceBytes: 128e6, decodeChunkSize: 2 },
    high: { residency: 'keep', guidanceBatch: 1, sliceBytes: 128e6, decodeChunkSize: 4 },
  }),
  chooseMemory: () => Promise.resolve('medium'),
  probe: () => probeWebgpu(),
  detect: async () => [{ device: 'webgpu', probe: await probeWebgpu() }],
};

/** All backends by name, GPUs in order of preference. */
export const BACKENDS = { cpu, cuda, webgpu } as const satisfies Record<string, Backend>;

/** Backend and index of a device such as `webgpu` or `cuda:1`; null if no backend computes on it. */
export function findBackend(device: string): { readonly backend: Backend; readonly index: number } | null {
  const [name, index = '0'] = device.split(':') as [string, string?];
  return Object.hasOwn(BACKENDS, name) ? { backend: BACKENDS[name as keyof typeof BACKENDS], index: Number(index) } : null;
}
