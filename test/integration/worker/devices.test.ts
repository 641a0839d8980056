import { rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../../src/config.ts';
import { openServices, type Services } from '../../../src/infra/services.ts';
import { createLog } from '../../../src/process/log.ts';
import { DeviceWorker } from '../../../worker/supervisor/device-worker.ts';
import { Stack } from '../../support/stack.ts';
import { until } from '../../support/waiting.ts';

const RENDERER = pathToFileURL(path.resolve('dist/worker/renderer/main.js'));
const FAILING = pathToFileURL(path.resolve('test/support/failing-device.mjs'));
const FAILURE = 'CUDA failure 700: an illegal memory access was encountered';

let stack: Stack;
let services: Services;
let failedFile: string;
const workers: DeviceWorker[] = [];

beforeAll(async () => {
  stack = await Stack.start({ worker: false, environment: { MAX_ATTEMPTS: '1' } });
  services = await openServices(readConfig(stack.environment), createLog('worker', 'silent'));
  failedFile = path.join(stack.storage, 'failed-device');
  vi.stubEnv('FAILED_DEVICE', failedFile);
  vi.stubEnv('LOG_LEVEL', 'fatal');
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop(0)));
  await rm(failedFile, { force: true });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await services.close();
  await stack.stop();
});

/** A device of this process, with a renderer of its own. */
async function startDevice(rendererEntry: URL, probeFailedMs = 300): Promise<DeviceWorker> {
  const worker = new DeviceWorker({
    context: services,
    device: 'cpu',
    isOwnStorage: () => Promise.resolve(true),
    rendererEntry,
    probeFailedMs,
  });
  workers.push(worker);
  await worker.start();
  return worker;
}

async function healthOf({ id }: DeviceWorker): Promise<{ state: string; detail: string | null }> {
  const { data } = await stack.graphql<{ health: { workers: { id: string; state: string; detail: string | null }[] } }>(
    '{ health { workers { id state detail } } }',
  );
  const { state, detail } = data.health.workers.find((worker) => worker.id === id)!;
  return { state, detail };
}

describe('a worker with several devices', () => {
  it('renders one job on each of them at the same time', async () => {
    const devices = await Promise.all([RENDERER, RENDERER, RENDERER].map((entry) => startDevice(entry)));
    const jobs = await Promise.all(devices.map(() => stack.create({ durationSeconds: 12 })));
    await until(async () => {
      const rows = await stack.sql<{ workerId: string }>(`SELECT "workerId" FROM job WHERE status = 'PROCESSING'`);
      return new Set(rows.map(({ workerId }) => workerId)).size === 3;
    });
    for (const { id } of jobs) await stack.cancel(id);
    for (const { id } of jobs) expect(await stack.finish(id)).toMatchObject({ status: 'CANCELLED', attempt: 1 });
  });
});

describe('a device that fails', () => {
  it('is UNHEALTHY with the reason, and its job is rendered by another device without a counted attempt', async () => {
    const failing = await startDevice(FAILING, 3_600_000);
    const job = await stack.create();
    await until(async () => (await healthOf(failing)).state === 'UNHEALTHY');
    expect(await healthOf(failing)).toEqual({ state: 'UNHEALTHY', detail: FAILURE });
    expect(await stack.job(job.id)).toMatchObject({ status: 'QUEUED', error: null });
    await startDevice(RENDERER);
    expect(await stack.finish(job.id)).toMatchObject({ status: 'COMPLETED', attempt: 2, maxAttempts: 2 });
  });

  it('is probed again in a new renderer until it works', async () => {
    const failing = await startDevice(FAILING);
    const job = await stack.create();
    await until(async () => (await healthOf(failing)).detail === 'The card has fallen off the bus.');
    expect((await healthOf(failing)).state).toBe('UNHEALTHY');
    await stack.cancel(job.id);
    await rm(failedFile);
    await until(async () => (await healthOf(failing)).state === 'READY');
    expect((await healthOf(failing)).detail).toBeNull();
  });

  it('counts the attempt of a job that has made several devices fail', async () => {
    const repairing = setInterval(() => void rm(failedFile, { force: true }), 20);
    try {
      await startDevice(FAILING);
      const job = await stack.create();
      expect(await stack.finish(job.id)).toMatchObject({
        status: 'FAILED',
        attempt: 4,
        error: { code: 'WORKER_LOST', message: `The device failed while rendering: ${FAILURE}` },
      });
    } finally {
      clearInterval(repairing);
    }
  });
});
