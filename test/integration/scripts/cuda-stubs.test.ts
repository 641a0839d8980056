import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildStubs, linkProvider, readAccount, stubVariables } from '../../../scripts/check-cuda/stubs.ts';
import { startCompiled } from '../../support/compiled.ts';
import { cudaProvider } from '../../support/tools.ts';

const PROVIDER = cudaProvider();

describe.skipIf(!PROVIDER)('stub CUDA libraries', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'cuda-stubs-'));
    await buildStubs(PROVIDER!, folder);
    await linkProvider(PROVIDER!, folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('let the real provider run a graph and count its device memory', async () => {
    const account = path.join(folder, 'account');
    const bytes = 100e6;
    expect(await errorOf(bytes, { account })).toBeNull();
    const { peak, largest, allocations } = await readAccount(account);
    expect(peak).toBeGreaterThan(2 * bytes);
    expect(largest).toBeGreaterThanOrEqual(bytes);
    expect(allocations).toBeGreaterThan(0);
  });

  it('refuse memory that the device does not have', async () => {
    expect(await errorOf(100e6, { memoryBytes: 150e6 })).toMatch(/Failed to allocate memory|out of memory/);
  });

  async function errorOf(bytes: number, device: Parameters<typeof stubVariables>[1]): Promise<string | null> {
    const child = await startCompiled('test/support/cuda-session.ts', { bytes }, stubVariables(folder, device));
    try {
      return ((await child.message(() => true)) as { error: string | null }).error;
    } finally {
      await child.kill();
    }
  }
});
