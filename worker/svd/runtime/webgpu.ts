/**
 * Whether WebGPU is worth using on this machine. onnxruntime asks the system for an adapter and does not report which one it got, so the
 * adapter is judged by its speed: one that is no faster than the CPU is a software implementation, or a GPU not worth using.
 */
import { runProbe } from './probe-process.ts';
import type { DeviceProbe } from './probe.ts';

/** Time limit for the driver to respond. */
const TIMEOUT_MS = 30_000;

let known: Promise<DeviceProbe> | null = null;

/** Tries the adapter in a child process, because drivers may crash or hang. Takes a second or two, once per process. Never rejects. */
export function probeWebgpu(): Promise<DeviceProbe> {
  known ??= probe().catch((error: unknown) => no(`WebGPU cannot be tested: ${error instanceof Error ? error.message : String(error)}.`));
  return known;
}

async function probe(): Promise<DeviceProbe> {
  const { answer, stderr, failure } = await runProbe('webgpu-probe', [], TIMEOUT_MS);
  return judge(answer as DeviceProbe | null, stderr, failure);
}

/**
 * @param stderr output of libraries in the child process
 * @param failure what happened to the child process if there is no answer
 */
function judge(answer: DeviceProbe | null, stderr: string, failure: string): DeviceProbe {
  if (!answer) return no(`WebGPU ${failure}: update the graphics driver.`);
  if (answer.available) return answer;
  if (/Couldn't load Vulkan/.test(stderr)) return no("Vulkan is not installed: install your GPU's driver and libvulkan1.");
  if (/WebGPU adapter/.test(answer.reason))
    return no("WebGPU finds no GPU: install your GPU's driver, on Linux including its Vulkan part.");
  return no(`WebGPU does not work here: ${answer.reason.split('\n', 1)[0]!}`);
}

const no = (reason: string): DeviceProbe => ({ available: false, reason });
