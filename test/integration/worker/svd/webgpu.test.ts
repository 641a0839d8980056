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
/** Of one network on two cores that others use too. */
const SLOW_MS = 240_000;

describe.skipIf(!VULKAN)('on WebGPU over Vulkan in software, with nothing left to the CPU', () => {
  let child: CompiledProcess;
  beforeAll(async () => {
    const checkpoint = await seededCheckpoint('tiny-a');
    child = await startCompiled('test/support/webgpu-networks.ts', { golden: svdFixture('tiny-a'), checkpoint }, VULKAN);
  });
  afterAll(() => child.kill());

  it.each(['image encoder', 'decoder', 'unet'])('the %s gives the official numbers', { timeout: SLOW_MS }, async (name) => {
    const { error } = (await child.message((message) => (message as { network: string }).network === name)) as { error: number };
    expect(error).toBeLessThan(1e-4);
  });
});

describe('the probe of WebGPU', () => {
  it.skipIf(!VULKAN)('does not take software for a graphics card', { timeout: SLOW_MS }, async () => {
    expect(await probeWith(VULKAN!)).toMatchObject({ available: true, hardware: false, reason: expect.stringContaining('software') });
  });

  it.skipIf(process.platform !== 'linux')('says what to do where no driver is found', async () => {
    expect(await probeWith({ VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' })).toEqual({
      available: false,
      reason: expect.stringMatching(/install your GPU's driver/),
    });
  });
});

/** What the program as it is built finds in an environment with `variables`; they count from the start of a process. */
async function probeWith(variables: Record<string, string>): Promise<DeviceProbe> {
  const file = pathToFileURL(path.resolve('dist/worker/svd/runtime/webgpu.js')).href;
  const script = `process.stdout.write(JSON.stringify(await (await import(${JSON.stringify(file)})).probeWebgpu()))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, ...variables },
  });
  return JSON.parse(stdout) as DeviceProbe;
}
