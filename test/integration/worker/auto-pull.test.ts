import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestHub } from '../../support/hub.ts';
import { Stack } from '../../support/stack.ts';
import { until } from '../../support/waiting.ts';

const UNET = 'unet/diffusion_pytorch_model.fp16.safetensors';

interface WorkerView {
  id: string;
  state: string;
  engines: string[];
  unavailable: { engine: string; reason: string }[];
}

describe('a worker with SVD_AUTO_PULL=1', () => {
  let stack: Stack;
  let hub: TestHub;
  let models: string;

  beforeAll(async () => {
    stack = await Stack.start({ worker: false });
  });
  afterAll(() => stack?.stop());
  beforeEach(async () => {
    hub = await TestHub.start({ 'model_index.json': Buffer.from('{}'), [UNET]: randomBytes(300_000) });
    models = mkdtempSync(path.join(tmpdir(), 'fm-auto-'));
    await writeFile(path.join(models, 'manifest.json'), TestHub.manifest(hub.model()));
  });
  afterEach(async () => {
    await hub.stop();
    await rm(models, { recursive: true, force: true });
  });

  const startWorker = () =>
    stack.startWorker({ SVD_AUTO_PULL: '1', SVD_MODEL: 'tiny', MODELS_DIR: models, HF_ENDPOINT: hub.endpoint, HF_TOKEN: '' });
  const workers = async () =>
    (
      await stack.graphql<{ health: { workers: WorkerView[] } }>(
        '{ health { workers { id state engines unavailable { engine reason } } } }',
      )
    ).data.health.workers;
  /** The first worker that matches, once there is one. */
  const seen = (wanted: (worker: WorkerView) => boolean) => until(async () => (await workers()).find(wanted));
  const why = ({ unavailable }: WorkerView) => unavailable.find(({ engine }) => engine === 'SVD_XT')?.reason ?? '';

  it('downloads its model at the first start, reports the progress, and then takes jobs', async () => {
    hub.fault(UNET, { holdAfter: 150_000 });
    const worker = await startWorker();
    const downloading = await seen((candidate) => why(candidate).includes('50 %'));
    expect(downloading).toMatchObject({ state: 'STARTING', engines: [] });
    expect(why(downloading)).toMatch(/^downloading tiny: 50 % of 300 kB/);
    const { data } = await stack.graphql<{ options: { engines: { name: string; unavailableReason: string | null }[] } }>(
      '{ options { engines { name unavailableReason } } }',
    );
    expect(data.options.engines.find(({ name }) => name === 'SVD_XT')?.unavailableReason).toMatch(/^downloading tiny/);

    hub.release();
    const ready = await seen(({ state }) => state === 'READY');
    expect(ready.engines).toContain('PREVIEW');
    expect(why(ready)).not.toContain('downloading');
    expect(await readFile(path.join(models, 'tiny', UNET))).toEqual(hub.files[UNET]);
    expect(await worker.stop()).toBe(0);
  });

  it('runs without its model if the download fails, and says why', async () => {
    hub.token = 'hf_needed';
    const worker = await startWorker();
    const ready = await seen(({ state }) => state === 'READY');
    expect(ready.engines).toEqual(['PREVIEW']);
    expect(why(ready)).toMatch(/HTTP 401.*HF_TOKEN/);
    expect(await worker.stop()).toBe(0);
  });

  it('stops a download at once when it is stopped, and resumes it at the next start', async () => {
    hub.fault(UNET, { holdAfter: 100_000 });
    const first = await startWorker();
    await seen((candidate) => why(candidate).includes('33 %'));
    expect(await first.stop()).toBe(0);
    expect(existsSync(path.join(models, 'tiny'))).toBe(false);
    const second = await startWorker();
    await seen(({ state }) => state === 'READY');
    expect(hub.ranges(UNET)).toEqual([undefined, 'bytes=100000-']);
    expect(await second.stop()).toBe(0);
  });

  it('waits while another process downloads the same model, and takes over if that process dies', async () => {
    hub.fault(UNET, { holdAfter: 100_000 }, { holdAfter: 50_000 });
    const first = await startWorker();
    await seen((candidate) => why(candidate).startsWith('downloading tiny: 33 %'));
    const second = await startWorker();
    await seen((candidate) => /^tiny .*100 kB of 300 kB.*another process is downloading it/.test(why(candidate)));
    await first.kill();
    await seen((candidate) => why(candidate).startsWith('downloading tiny: 50 %'));
    hub.release();
    await seen(({ state }) => state === 'READY');
    expect(hub.ranges(UNET)).toEqual([undefined, 'bytes=100000-']);
    expect(await second.stop()).toBe(0);
  });
});
