/** Entry of the worker process: takes jobs from the queue and supervises one renderer child per device. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineEntry, enginesWithWeights } from '../src/catalog/engines.ts';
import type { Config } from '../src/config.ts';
import { isStorageOf } from '../src/infra/storage/installation.ts';
import type { Logger } from '../src/process/log.ts';
import { startAutoPull } from '../src/provisioning/weights/auto-pull.ts';
import { modelState } from '../src/provisioning/weights/state.ts';
import { runPart, type Part } from '../src/process/run.ts';
import { openServices } from '../src/infra/services.ts';
import { sharedSecret } from '../src/infra/postgres/settings.ts';
import { DeviceWorker } from './supervisor/device-worker.ts';
import { probeWebgpu } from './svd/runtime/webgpu.ts';

/** Longest that leaving may take beside the grace for the job being rendered, in milliseconds: with that, less than the 10 s containers get. */
const LEAVING_MS = 5_000;
/** How often a graphics card is looked for where a model that would use it may still come. */
const LOOK_EVERY_MS = 30_000;

/** The devices to render on: those named, or what every machine has. */
function devicesOf({ WORKER_DEVICES }: Config): string[] {
  const named = WORKER_DEVICES.flatMap((device) => (device === 'auto' ? ['cpu'] : device === 'cuda' ? ['cuda:0'] : [device]));
  return [...new Set(named)];
}

/** Whether `auto` includes this machine's GPU: it is a real one, and an engine that runs on it has its model. */
async function hasCard(config: Config): Promise<boolean> {
  const engines = enginesWithWeights().filter(({ engine }) => engineEntry(engine).unavailableOn('webgpu') === null);
  const states = await Promise.all(engines.map(({ weights }) => modelState(config, weights)));
  return states.some(({ kind }) => kind === 'present') && (await probeWebgpu()).hardware === true;
}

async function startWorker(config: Config, log: Logger): Promise<Part> {
  const services = await openServices(config, log);
  const installation = await sharedSecret(services.db.client, 'installation');
  const weights = await startAutoPull(config, log);
  const deviceWorker = (device: string) => new DeviceWorker(services, device, () => isStorageOf(services.blobs, installation), weights);
  const devices = devicesOf(config).map(deviceWorker);
  log.info(
    { devices: devices.map(({ device }) => device), cores: availableParallelism(), queueAndProgress: services.carrier },
    'worker starts',
  );
  const started = Promise.all(devices.map((device) => device.start()));
  const leaving = new AbortController();
  // Later than the others, which need not wait until it has been tried; and again, since the model may come later still.
  const addCard = async (): Promise<void> => {
    await weights?.done;
    while (!leaving.signal.aborted && !(await hasCard(config))) await sleep(LOOK_EVERY_MS, null, { signal: leaving.signal });
    if (leaving.signal.aborted) return;
    const card = deviceWorker('webgpu');
    devices.push(card);
    await card.start();
  };
  if (config.WORKER_DEVICES.includes('auto') && !config.WORKER_DEVICES.includes('webgpu')) {
    addCard().catch((error: unknown) => {
      if (!leaving.signal.aborted) log.error({ err: error }, 'the graphics card is not used');
    });
  }
  const graceMs = config.SHUTDOWN_GRACE_SECONDS * 1000;
  return {
    ready: started.then(() => ({ devices: devices.map(({ device }) => device).join(',') })),
    stopWithinMs: graceMs + LEAVING_MS,
    async stop() {
      leaving.abort();
      await Promise.all([weights?.stop(), ...devices.map((device) => device.stop(graceMs))]);
      await services.close();
    },
  };
}

runPart('worker', startWorker);
