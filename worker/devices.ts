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
  /** GPUs that WORKER_DEVICES=auto adds: all of the first backend that finds any. `detail` says what each is and why it is used. */
  readonly gpus: readonly { readonly device: string; readonly detail: string }[];
  /** Why GPUs of this and of preferred backends are not used; empty if none are left out. */
  readonly others: string;
}

/** Never rejects. */
export async function detectGpus(): Promise<DetectedGpus> {
  const others: string[] = [];
  for (const backend of Object.values(BACKENDS)) {
    const found = await backend.detect();
    others.push(...found.filter(({ probe }) => !probe.hardware).map(({ probe }) => probe.reason));
    const usable = found.filter(({ probe }) => probe.hardware);
    if (usable.length > 0) {
      return {
        gpus: usable.map(({ device, probe }) => ({ device, detail: [probe.reason, ...others].join(' ') })),
        others: others.join(' '),
      };
    }
  }
  return { gpus: [], others: others.join(' ') };
}

/** Probes the first device of every GPU backend, usable or not. Takes some seconds. Never rejects. */
export async function probeGpus(): Promise<readonly { readonly device: string; readonly probe: DeviceProbe }[]> {
  const gpus = Object.values(BACKENDS).filter(({ isGpu }) => isGpu);
  return Promise.all(gpus.map(async ({ name, probe }) => ({ device: name, probe: await probe(0) })));
}
