import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';

/** Optional programs and what they are needed for. Tests that need a missing one are skipped, which the run reports. */
export const TOOLS = {
  'redis-server': 'queue and progress over Redis',
  ffmpeg: "encoding with the system's ffmpeg, ffprobe's view of results",
  chromium: 'the playground in a browser',
  curl: "README's snippet for the shell",
} as const;

/** Path of `tool` according to PATH; undefined if it is missing. */
export function findTool(tool: keyof typeof TOOLS): string | undefined {
  return findProgram(tool);
}

function findProgram(tool: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter(Boolean);
  const names = process.platform === 'win32' ? [`${tool}.exe`] : [tool];
  return folders.flatMap((folder) => names.map((name) => path.join(folder, name))).find(isProgram);
}

/** The missing programs and what they are needed for. */
export function missingTools(): (readonly [what: string, use: string])[] {
  const missing: (readonly [string, string])[] = Object.entries(TOOLS).filter(([tool]) => !findTool(tool as keyof typeof TOOLS));
  if (!softwareVulkan()) missing.push(["Vulkan in software (Debian's chromium and libvulkan1)", 'networks on WebGPU']);
  if (!cudaProvider())
    missing.push(["onnxruntime's CUDA provider in ORT_CUDA_PROVIDER_DIR, cc and readelf", "CUDA's placement and memory"]);
  return missing;
}

/** Paths of the software Vulkan in Chromium packages. */
const SWIFTSHADER = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'].map(
  (folder) => `${folder}/vk_swiftshader_icd.json`,
);
const VULKAN_LOADERS = ['x86_64-linux-gnu', 'aarch64-linux-gnu', ''].map((folder) => path.join('/usr/lib', folder, 'libvulkan.so.1'));

/** Environment that gives a process software Vulkan only; undefined if it is not installed. */
export function softwareVulkan(): Record<string, string> | undefined {
  const driver = SWIFTSHADER.find((file) => existsSync(file));
  if (!driver || !VULKAN_LOADERS.some((file) => existsSync(file))) return undefined;
  return { VK_ICD_FILENAMES: driver, XDG_RUNTIME_DIR: '/tmp' };
}

/** Path of onnxruntime's CUDA provider if it and the tools that build stub CUDA libraries for it are there; undefined otherwise. */
export function cudaProvider(): string | undefined {
  const folder = process.env['ORT_CUDA_PROVIDER_DIR'];
  const library = folder === undefined ? undefined : path.join(folder, 'libonnxruntime_providers_cuda.so');
  return library !== undefined && existsSync(library) && findProgram('cc') && findProgram('readelf') ? library : undefined;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
