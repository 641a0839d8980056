/** Entry of the short-lived process that tries WebGPU; webgpu.ts starts it. */
import { readFile } from 'node:fs/promises';
import { measureRate } from './rate.ts';
import type { WebgpuProbe } from './webgpu.ts';

/** Vulkan drivers by the names of their libraries. All that are installed get loaded, also those that find no card. */
const DRIVERS: readonly { readonly library: RegExp; readonly name: string; readonly software: boolean }[] = [
  { library: /lib(GLX|EGL)_nvidia/, name: 'NVIDIA', software: false },
  { library: /libvulkan_nouveau/, name: 'NVIDIA (Mesa)', software: false },
  { library: /libvulkan_radeon|amdvlk/, name: 'AMD', software: false },
  { library: /libvulkan_intel/, name: 'Intel', software: false },
  { library: /libvulkan_lvp/, name: 'llvmpipe', software: true },
  { library: /libvk_swiftshader/, name: 'SwiftShader', software: true },
];

async function tryWebgpu(): Promise<WebgpuProbe> {
  const rate = await measureRate({ provider: 'webgpu', precision: 'fp32' });
  const faster = rate > (await measureRate({ provider: 'cpu', precision: 'fp32' }));
  const fp16 = await measureRate({ provider: 'webgpu', precision: 'fp16' }).then(
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
  const found = `${adapter || 'an adapter'} at ${gflops} GFLOP/s, float16 ${fp16 ? 'included' : 'excluded'}`;
  const verdict = hardware ? 'WebGPU works' : 'WebGPU is no faster than the processor here: software, or a card not worth using';
  return { available: true, reason: `${verdict} (${found}).`, ...(adapter ? { adapter } : {}), hardware, gflops, fp16 };
}

process.once('disconnect', () => process.exit()); // whoever asked is gone
const answer = await tryWebgpu().catch((error: Error): WebgpuProbe => ({
  available: false,
  reason: (error.cause as Error | undefined)?.message ?? error.message,
}));
// Without the drivers' own cleaning up, which is where they tend to crash.
process.send!(answer, () => process.kill(process.pid, 'SIGKILL'));
