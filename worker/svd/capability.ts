/** Whether SVD_XT can run on a device, and what it needs there. */
import { RENDER_SIZES, svdXt } from '../../src/catalog/engines/svd-xt.ts';
import type { Config } from '../../src/config.ts';
import { modelState } from '../../src/provisioning/weights/state.ts';
import { AppError } from '../../src/jobs/errors.ts';
import type { Capability } from '../engine.ts';
import { openCheckpoint } from './checkpoint/checkpoint.ts';
import { Costs } from './costs.ts';
import { Networks } from './runtime/networks.ts';
import { measureRate } from './runtime/rate.ts';
import type { Runtime } from './runtime/session.ts';
import { probeWebgpu } from './runtime/webgpu.ts';
import { BACKENDS } from './runtime/backends.ts';

/** A checkpoint on a device. */
export interface Model {
  readonly networks: Networks;
  readonly costs: Costs;
}

/** Frames decoded at once: as many as memory commonly allows, and on a graphics card what one buffer holds. */
export function decodeChunkSize(device: string, { SVD_DECODE_CHUNK_SIZE }: Config): number {
  return SVD_DECODE_CHUNK_SIZE ?? (device === 'cpu' ? 4 : 2);
}

/** Opens SVD_MODEL for `device`; no weights are read yet. @throws AppError MODEL_INVALID */
export async function openModel(device: string, config: Config): Promise<Model> {
  const runtime = await runtimeOf(device, config);
  const { folder } = await modelState(config, svdXt.weights);
  const networks = new Networks(await openCheckpoint(folder), runtime, config.SVD_MEMORY);
  return { networks, costs: new Costs(networks, await rateOf(runtime), decodeChunkSize(device, config)) };
}

const rates = new Map<string, Promise<number>>();

/** Measured once per process. */
async function rateOf(runtime: Runtime): Promise<number> {
  const key = `${runtime.backend.name} ${runtime.precision}`;
  const rate = rates.get(key) ?? measureRate(runtime);
  rates.set(key, rate);
  rate.catch(() => rates.delete(key));
  return await rate;
}

/** Opens the model, if it is there, and measures the device. */
export async function svdCapability(device: string, config: Config): Promise<Capability> {
  const no = (unavailable: string): Capability => ({ unavailable, byDefault: false, costModel: null });
  const { kind, message, hint } = await modelState(config, svdXt.weights);
  if (kind !== 'present') return no(`${message}${hint ? `: ${hint}` : ''}.`);
  const never = svdXt.unavailableOn(device);
  if (never !== null) return no(never);
  if (device === 'cpu' && !config.WORKER_DEVICES.includes('cpu')) {
    return no('SVD_XT takes hours on a CPU. Set cpu in WORKER_DEVICES to use it there anyway.');
  }
  const card = device === 'webgpu' ? await probeWebgpu() : null;
  if (card?.available === false) return no(card.reason);
  if (card?.fp16 === false && config.SVD_PRECISION === 'fp16')
    return no('The graphics card cannot compute in float16: set SVD_PRECISION to fp32.');
  try {
    const { costs } = await openModel(device, config);
    const costModel = costs.costModel((resolution) => config.SVD_RENDER_SIZE ?? RENDER_SIZES[resolution]);
    return { unavailable: null, byDefault: card?.hardware ?? false, costModel };
  } catch (error) {
    if (error instanceof AppError && error.code !== 'INTERNAL') return no(error.message);
    throw error instanceof AppError ? error.cause : error;
  }
}

async function runtimeOf(device: string, { SVD_PRECISION }: Config): Promise<Runtime> {
  if (device === 'cpu') return { backend: BACKENDS.cpu, precision: 'fp32' };
  const precision = SVD_PRECISION === 'auto' ? ((await probeWebgpu()).fp16 ? 'fp16' : 'fp32') : SVD_PRECISION;
  return { backend: BACKENDS.webgpu, precision };
}
