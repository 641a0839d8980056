/** Whether SVD_XT can run on a device, and what it needs there. */
import { RENDER_SIZES, svdXt } from '../../src/catalog/engines/svd-xt.ts';
import type { Config } from '../../src/config.ts';
import { modelState } from '../../src/provisioning/weights/state.ts';
import { AppError } from '../../src/jobs/errors.ts';
import type { Capability } from '../engine.ts';
import { openCheckpoint } from './checkpoint/checkpoint.ts';
import { Costs } from './costs.ts';
import { findBackend, type Backend } from './runtime/backends.ts';
import { lowerProfile, type MemoryProfile, type ProfileName } from './runtime/memory.ts';
import { Networks } from './runtime/networks.ts';
import { measureRate } from './runtime/rate.ts';
import type { Runtime } from './runtime/session.ts';

/** A checkpoint on a device. */
export interface Model {
  readonly networks: Networks;
  readonly costs: Costs;
}

/** The memory profile `name` of `backend`, with SVD_DECODE_CHUNK_SIZE if it is set. */
export function memoryProfile(backend: Backend, name: ProfileName, { SVD_DECODE_CHUNK_SIZE }: Config): MemoryProfile {
  const profile = backend.memory[name];
  return { ...profile, decodeChunkSize: SVD_DECODE_CHUNK_SIZE ?? profile.decodeChunkSize };
}

/**
 * Opens SVD_MODEL for `device`; no weights are read yet.
 * @param shortages how often the device has run out of memory; each lowers the memory profile by one
 * @throws AppError MODEL_INVALID
 */
export async function openModel(device: string, config: Config, shortages = 0): Promise<Model> {
  const runtime = await runtimeOf(device, config);
  const { backend, deviceIndex = 0 } = runtime;
  const { folder } = await modelState(config, svdXt.weights);
  const chosen = config.SVD_MEMORY === 'auto' ? await backend.chooseMemory(deviceIndex) : config.SVD_MEMORY;
  const memory = memoryProfile(backend, lowerProfile(chosen, shortages), config);
  const networks = new Networks(await openCheckpoint(folder), runtime, memory);
  return { networks, costs: new Costs(networks, await rateOf(runtime)) };
}

const rates = new Map<string, Promise<number>>();

/** Floating-point operations per second of `runtime` in convolutions. Measured once per process. */
async function rateOf(runtime: Runtime): Promise<number> {
  const key = `${runtime.backend.name}:${runtime.deviceIndex ?? 0} ${runtime.precision}`;
  const rate = rates.get(key) ?? measureRate(runtime);
  rates.set(key, rate);
  rate.catch(() => rates.delete(key));
  return await rate;
}

/** Opens the model, if it is installed, and measures the device. */
export async function svdCapability(device: string, config: Config): Promise<Capability> {
  const no = (unavailable: string): Capability => ({ unavailable, byDefault: false, costModel: null });
  const { backend, index } = backendOf(device);
  const [probe, { kind, message }] = await Promise.all([backend.probe(index), modelState(config, svdXt.weights)]);
  // Without the model's hint, a shell command: clients of the API read this. The worker's log and `doctor` have it.
  const missing = [...(probe.available ? [] : [probe.reason]), ...(kind === 'present' ? [] : [`${message}.`])];
  if (missing.length > 0) return no(missing.join(' '));
  if (!backend.isGpu && !config.WORKER_DEVICES.includes(device))
    return no(`SVD_XT takes hours on a CPU. Set ${device} in WORKER_DEVICES to use it there anyway.`);
  if (!probe.fp16 && backend.precision(config.SVD_PRECISION, probe) === 'fp16')
    return no('The GPU cannot compute in float16: set SVD_PRECISION to fp32.');
  try {
    const { costs, networks } = await openModel(device, config);
    const costModel = costs.costModel((resolution) => config.SVD_RENDER_SIZE ?? RENDER_SIZES[resolution]);
    return { unavailable: null, byDefault: probe.hardware ?? false, costModel, settings: describe(networks) };
  } catch (error) {
    if (error instanceof AppError && error.code !== 'INTERNAL') return no(error.message);
    throw error instanceof AppError ? error.cause : error;
  }
}

/** For the log. */
function describe({ runtime: { precision, layout }, memory }: Networks): string {
  return [precision, `memory profile ${memory.name}`, ...(layout ? [`${layout} convolutions`] : [])].join(', ');
}

async function runtimeOf(device: string, { SVD_PRECISION, SVD_CUDA_LAYOUT }: Config): Promise<Runtime> {
  const { backend, index } = backendOf(device);
  const probe = await backend.probe(index);
  const layout = probe.layout && (SVD_CUDA_LAYOUT === 'auto' ? probe.layout : SVD_CUDA_LAYOUT);
  return { backend, deviceIndex: index, precision: backend.precision(SVD_PRECISION, probe), layout };
}

function backendOf(device: string): NonNullable<ReturnType<typeof findBackend>> {
  const found = findBackend(device);
  if (!found) throw new RangeError(`SVD_XT has no compute backend for ${device}`);
  return found;
}
