/** Entry point of the short-lived child process in which webgpu.ts tries WebGPU. */
import { readFile } from 'node:fs/promises';
import { BACKENDS } from './backends.ts';
import { sendAnswer } from './probe-process.ts';
import type { DeviceProbe } from './probe.ts';
import { measureRate } from './rate.ts';

/** Vulkan drivers by library name. All installed drivers are loaded, even those that find no GPU. */
const DRIVERS: readonly { readonly library: RegExp; readonly name: string; readonly software: boolean }[] = [
  { library: /lib(GLX|EGL)_nvidia/, name: 'NVIDIA', software: false },
  { library: /libvulkan_nouveau/, name: 'NVIDIA (Mesa)', software: false },
  { library: /libvulkan_radeon|amdvlk/, name: 'AMD', software: false },
  { library: /libvulkan_intel/, name: 'Intel', software: false },
  { library: /libvulkan_lvp/, name: 'llvmpipe', software: true },
  { library: /libvk_swiftshader/, name: 'SwiftShader', software: true },
];

async function tryWebgpu(): Promise<DeviceProbe> {
  const rate = await measureRate({ backend: BACKENDS.webgpu, precision: 'fp32' });
  const faster = rate > (await measureRate({ backend: BACKENDS.cpu, precision: 'fp32' }));
  const fp16 = await measureRate({ backend: BACKENDS.webgpu, precision: 'fp16' }).then(
    () => true,
    () => false,
  );
  const libraries = await readFile('/proc/self/maps', 'utf8').catch(() => ''); // Linux only
  const drivers = DRIVERS.filter(({ library }) => library.test(libraries));
  const hardware = faster && (drivers.length === 0 || drivers.some(({ software }) => !software));
  const adapter = drivers
    .filter(({ software }) => software !== hardware)
    .map(({ name }) => name)
    .join(' or ');
  const gflops = Number((rate / 1e9).toPrecision(3));
  const found = `${adapter || 'unknown adapter'}, ${gflops} GFLOP/s, ${fp16 ? 'with' : 'without'} float16`;
  const verdict = hardware ? 'WebGPU works' : 'WebGPU is no faster than the CPU here: a software implementation, or a GPU not worth using';
  return { available: true, reason: `${verdict} (${found}).`, ...(adapter ? { adapter } : {}), hardware, gflops, fp16 };
}

process.once('disconnect', () => process.exit()); // the parent process is gone
const answer = await tryWebgpu().catch((error: Error): DeviceProbe => ({
  available: false,
  reason: (error.cause as Error | undefined)?.message ?? error.message,
}));
sendAnswer(answer);
