import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceProbe } from '../../../../worker/svd/runtime/probe.ts';
import { startCompiled, type CompiledProcess } from '../../../support/compiled.ts';
import { seededCheckpoint, svdFixture } from '../../../support/svd.ts';
import { softwareVulkan } from '../../../support/tools.ts';

const VULKAN = softwareVulkan();
/** Time limit for one network on two busy cores. */
const SLOW_MS = 240_000;

describe.skipIf(!VULKAN)('WebGPU over software Vulkan, without fallback to the CPU', () => {
  let child: CompiledProcess;
  beforeAll(async () => {
    const checkpoint = await seededCheckpoint('tiny-c');
    child = await startCompiled('test/support/webgpu-networks.ts', { golden: svdFixture('tiny-c'), checkpoint }, VULKAN);
  });
  afterAll(() => child.kill());

  it.each(['image encoder', 'decoder', 'unet'])('gives the official numbers: %s', { timeout: SLOW_MS }, async (name) => {
    const { error } = (await child.message((message) => (message as { network: string }).network === name)) as { error: number };
    expect(error).toBeLessThan(1e-4);
  });
});

describe('the WebGPU probe', () => {
  it.skipIf(!VULKAN)('does not mistake a software implementation for a GPU', { timeout: SLOW_MS }, async () => {
    expect(await probeWith(VULKAN!)).toMatchObject({ available: true, hardware: false, reason: expect.stringContaining('software') });
  });

  it.skipIf(process.platform !== 'linux')('explains what to install if there is no driver', async () => {
    expect(await probeWith({ VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' })).toEqual({
      available: false,
      reason: expect.stringMatching(/install your GPU's driver/),
    });
  });
});

/** Result of the compiled probe in a process with these environment variables, which must be set when it starts. */
async function probeWith(variables: Record<string, string>): Promise<DeviceProbe> {
  const file = pathToFileURL(path.resolve('dist/worker/svd/runtime/webgpu.js')).href;
  const script = `process.stdout.write(JSON.stringify(await (await import(${JSON.stringify(file)})).probeWebgpu()))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, ...variables },
  });
  return JSON.parse(stdout) as DeviceProbe;
}
