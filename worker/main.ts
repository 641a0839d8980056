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
import { detectGpus, expandDevices } from './svd/runtime/backends.ts';

/** Longest that leaving may take beside the grace for the job being rendered, in milliseconds: with that, less than the 10 s containers get. */
const LEAVING_MS = 5_000;
/** How often to look for usable GPUs, because a model may still be installed. */
const DETECT_EVERY_MS = 30_000;

/** GPUs that `auto` includes: those worth using that an engine with its model present can run on. */
async function usableGpus(config: Config): Promise<readonly string[]> {
  const engines = enginesWithWeights();
  const states = await Promise.all(engines.map(({ weights }) => modelState(config, weights)));
  const ready = engines.filter((_, i) => states[i]!.kind === 'present');
  if (ready.length === 0) return []; // GPUs are not probed needlessly
  return (await detectGpus()).filter((gpu) => ready.some(({ engine }) => engineEntry(engine).unavailableOn(gpu) === null));
}

async function startWorker(config: Config, log: Logger): Promise<Part> {
  const services = await openServices(config, log);
  const installation = await sharedSecret(services.db.client, 'installation');
  const weights = await startAutoPull(config, log);
  const deviceWorker = (device: string) => new DeviceWorker(services, device, () => isStorageOf(services.blobs, installation), weights);
  const devices = expandDevices(config.WORKER_DEVICES).map(deviceWorker);
  log.info(
    { devices: devices.map(({ device }) => device), cores: availableParallelism(), queueAndProgress: services.carrier },
    'worker starts',
  );
  const started = Promise.all(devices.map((device) => device.start()));
  const leaving = new AbortController();
  // Other devices need not wait for the probe. It is repeated, because the model may be installed later.
  const addGpus = async (): Promise<void> => {
    await weights?.done;
    let gpus: readonly string[] = [];
    while (!leaving.signal.aborted && (gpus = await usableGpus(config)).length === 0)
      await sleep(DETECT_EVERY_MS, null, { signal: leaving.signal });
    if (leaving.signal.aborted) return;
    const added = gpus.filter((gpu) => !devices.some(({ device }) => device === gpu)).map(deviceWorker);
    devices.push(...added);
    await Promise.all(added.map((worker) => worker.start()));
  };
  if (config.WORKER_DEVICES.includes('auto')) {
    addGpus().catch((error: unknown) => {
      if (!leaving.signal.aborted) log.error({ err: error }, 'GPUs are not used');
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
