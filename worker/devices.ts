/** The devices of this machine: what the worker renders on, and what `doctor` reports. */
import { BACKENDS } from './svd/runtime/backends.ts';
import type { DeviceProbe } from './svd/runtime/probe.ts';

export { examineCuda } from './svd/runtime/cuda.ts';

/**
 * Devices to render on from the start, given WORKER_DEVICES. `auto` is the CPU here, since `detectGpus` adds GPUs later; `cuda` is the
 * first CUDA device.
 */
export function expandDevices(names: readonly string[]): string[] {
  const aliases: Readonly<Record<string, string>> = { auto: BACKENDS.cpu.name, cuda: 'cuda:0' };
  return [...new Set(names.map((device) => aliases[device] ?? device))];
}

export interface DetectedGpus {
  /** GPUs that WORKER_DEVICES=auto adds: all of the first backend that finds any. */
  readonly devices: readonly string[];
  /** Sentences that say why these and no others: what each backend found, in order of preference. */
  readonly why: string;
}

/** Never rejects. */
export async function detectGpus(): Promise<DetectedGpus> {
  const why: string[] = [];
  for (const backend of Object.values(BACKENDS).filter(({ isGpu }) => isGpu)) {
    const devices = await backend.detect();
    why.push((await backend.probe(0)).reason);
    if (devices.length > 0) return { devices, why: why.toReversed().join(' ') };
  }
  return { devices: [], why: why.join(' ') };
}

/** Probes the first device of every GPU backend, usable or not. Takes some seconds. Never rejects. */
export async function probeGpus(): Promise<readonly { readonly device: string; readonly probe: DeviceProbe }[]> {
  const gpus = Object.values(BACKENDS).filter(({ isGpu }) => isGpu);
  return Promise.all(gpus.map(async ({ name, probe }) => ({ device: name, probe: await probe(0) })));
}
