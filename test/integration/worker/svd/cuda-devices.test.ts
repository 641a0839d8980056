import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildStubs, linkProvider, stubVariables } from '../../../../scripts/check-cuda/stubs.ts';
import { startCompiled } from '../../../support/compiled.ts';
import { Stack } from '../../../support/stack.ts';
import { seededCheckpoint } from '../../../support/svd.ts';
import { cudaProvider } from '../../../support/tools.ts';
import { until } from '../../../support/waiting.ts';

const PROVIDER = cudaProvider();

interface Device {
  readonly device: string;
  readonly state: string;
  readonly engines: readonly string[];
  readonly detail: string | null;
}

describe.skipIf(!PROVIDER)('SVD_XT on CUDA, over stub libraries', () => {
  let folder: string;
  let model: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'cuda-devices-'));
    await buildStubs(PROVIDER!, folder);
    await linkProvider(PROVIDER!, folder);
    model = await seededCheckpoint('tiny-a');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('WORKER_DEVICES=auto adds every card, and health says why', async () => {
    await useCards(['580.65.06, NVIDIA H100 PCIe, 81559, 80995, GPU-1', '580.65.06, NVIDIA L4, 23034, 22500, GPU-2']);
    expect(await devicesWith({ ...stubVariables(folder, { devices: 2 }) }, 3)).toEqual([
      expect.objectContaining({ device: 'cpu', engines: ['PREVIEW'], detail: null }),
      expect.objectContaining({
        device: 'cuda:0',
        engines: ['SVD_XT'],
        detail: expect.stringMatching(/^CUDA works on NVIDIA H100 PCIe, 80 GB/),
      }),
      expect.objectContaining({ device: 'cuda:1', engines: ['SVD_XT'], detail: expect.stringMatching(/^CUDA works on NVIDIA L4, 22 GB/) }),
    ]);
  });

  it('WORKER_DEVICES=auto adds no card with an old driver, and health says so', async () => {
    await useCards(['550.54.14, NVIDIA H100 PCIe, 81559, 80995, GPU-1']);
    const [cpu, ...others] = await devicesWith(stubVariables(folder), 1);
    expect(others).toEqual([]);
    expect(cpu!.detail).toMatch(/^No GPU is used\. cuda:0 cannot be used: NVIDIA's driver 550\.54\.14 is too old.* WebGPU /);
  });

  it('uses a lower memory profile after each render that runs out of memory, and fails the card after two in the lowest', async () => {
    const variables = stubVariables(folder, { memoryBytes: 400e6 });
    const child = await startCompiled('test/support/cuda-renders.ts', { model, times: 4, size: '1024x576' }, variables);
    const failures: unknown[] = [];
    child.process.on('message', ({ failure }: { failure: unknown }) => failures.push(failure));
    await until(async () => failures.length === 4);
    await child.kill();
    const outOfMemory = (message: string) => ({
      name: 'AppError',
      code: 'OUT_OF_MEMORY',
      message: expect.stringContaining(message) as string,
    });
    expect(failures).toEqual([
      outOfMemory('memory profile high. From now on it uses medium.'),
      outOfMemory('memory profile medium. From now on it uses low.'),
      outOfMemory('out of memory'),
      { name: 'DeviceFailure', message: 'Out of memory twice in a row with the memory profile low.' },
    ]);
  });

  /** An nvidia-smi that prints these lines, first on PATH. */
  async function useCards(lines: readonly string[]): Promise<void> {
    const file = path.join(folder, 'nvidia-smi');
    await writeFile(file, `#!/bin/sh\ncat <<'END'\n${lines.join('\n')}\nEND\n`);
    await chmod(file, 0o755);
  }

  /** The devices of a worker with these variables, by name, once there are `count` whose engines or detail are known. */
  async function devicesWith(variables: Readonly<Record<string, string>>, count: number): Promise<Device[]> {
    const stack = await Stack.start({ worker: false });
    try {
      await stack.startWorker({
        ...variables,
        PATH: `${folder}:${process.env['PATH']}`,
        ORT_CUDA_PROVIDER_DIR: path.dirname(PROVIDER!),
        WORKER_DEVICES: 'auto',
        SVD_MODEL: model,
        SVD_RENDER_SIZE: '128x64',
        VK_DRIVER_FILES: '/nowhere.json',
        VK_ICD_FILENAMES: '/nowhere.json',
        HEARTBEAT_SECONDS: '0.5',
      });
      return await until(async () => {
        const { data } = await stack.graphql<{ health: { workers: Device[] } }>('{ health { workers { device state engines detail } } }');
        const devices = data.health.workers.toSorted((a, b) => a.device.localeCompare(b.device));
        const isKnown = devices.every(({ state, device, detail }) => state === 'READY' && (device === 'cpu' ? count > 1 || detail : true));
        return devices.length === count && isKnown ? devices : null;
      });
    } finally {
      await stack.stop();
    }
  }
});
