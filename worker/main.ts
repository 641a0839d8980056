/** Entry of the worker process: takes jobs from the queue and supervises one renderer child per device. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineEntry, enginesWithWeights } from '../src/catalog/engines.ts';
import type { Config } from '../src/config.ts';
import { isStorageOf } from '../src/infra/storage/installation.ts';
import type { Logger } from '../src/process/log.ts';
import { startAutoPull } from '../src/provisioning/weights/auto-pull.ts';
import { allowsAutoPull, modelState } from '../src/provisioning/weights/state.ts';
import { runPart, type Part } from '../src/process/run.ts';
import { openServices } from '../src/infra/services.ts';
import { sharedSecret } from '../src/infra/postgres/settings.ts';
import { DeviceWorker } from './supervisor/device-worker.ts';
import { detectGpus, expandDevices, type DetectedGpus } from './devices.ts';

/**
 * Time that a shutdown may take after the grace period of the current attempt. With the default grace period of 3 s, the total stays below
 * the 10 s after which containers are killed.
 */
const SHUTDOWN_MS = 5_000;
/** Interval at which `auto` checks for usable GPUs until it finds any, since a model may be installed later. */
const GPU_CHECK_MS = 30_000;

/** GPUs that `auto` adds: the detected ones on which an engine with an installed model can run. Null if there is no such engine. */
async function usableGpus(config: Config): Promise<DetectedGpus | null> {
  const engines = enginesWithWeights();
  const states = await Promise.all(engines.map(({ weights }) => modelState(config, weights)));
  const ready = engines.filter((_, i) => states[i]!.kind === 'present');
  if (ready.length === 0) return null; // no engine could use a GPU, so none is probed
  const { gpus, others } = await detectGpus();
  return { gpus: gpus.filter(({ device }) => ready.some(({ engine }) => engineEntry(engine).unavailableOn(device) === null)), others };
}

/** Logs which engines lack their model, and the command that installs it. Automatic downloads log their own progress. */
async function logMissingModels(config: Config, log: Logger): Promise<void> {
  for (const { engine, weights } of enginesWithWeights()) {
    if (allowsAutoPull(config, weights)) continue;
    const { kind, message, hint } = await modelState(config, weights);
    if (kind !== 'present') log.info({ engine }, `${engine} cannot render: ${message}. ${hint}`);
  }
}

async function startWorker(config: Config, log: Logger): Promise<Part> {
  const services = await openServices(config, log);
  const installation = await sharedSecret(services.db.client, 'installation');
  const downloads = await startAutoPull(config, log);
  const isOwnStorage = () => isStorageOf(services.blobs, installation);
  const deviceWorker = (device: string, detail: string | null = null) =>
    new DeviceWorker({ context: services, device, isOwnStorage, downloads, detail });
  const devices = expandDevices(config.WORKER_DEVICES).map((device) => deviceWorker(device));
  log.info(
    { devices: devices.map(({ device }) => device), cores: availableParallelism(), queueAndProgress: services.transport },
    'starting the worker',
  );
  logMissingModels(config, log).catch((error: unknown) => log.error({ err: error }, 'could not check for missing models'));
  const started = Promise.all(devices.map((device) => device.start()));
  const stopping = new AbortController();
  // In the background, since probing takes time and a model may be installed later.
  const addGpus = async (): Promise<void> => {
    await downloads?.done;
    let found: DetectedGpus | null = null;
    let reported = '';
    while (!stopping.signal.aborted) {
      found = await usableGpus(config);
      if (found && found.gpus.length > 0) break;
      if (found && found.others !== reported) {
        reported = found.others;
        log.info({ why: reported }, 'no GPU is used');
        for (const worker of devices) worker.explain(`No GPU is used. ${reported}`);
      }
      await sleep(GPU_CHECK_MS, null, { signal: stopping.signal });
    }
    if (stopping.signal.aborted || !found) return;
    log.info(found, 'adding GPUs');
    for (const worker of devices) worker.explain(null);
    const added = found.gpus
      .filter((gpu) => !devices.some(({ device }) => device === gpu.device))
      .map(({ device, detail }) => deviceWorker(device, detail));
    devices.push(...added);
    await Promise.all(added.map((worker) => worker.start()));
  };
  if (config.WORKER_DEVICES.includes('auto')) {
    addGpus().catch((error: unknown) => {
      if (!stopping.signal.aborted) log.error({ err: error }, 'cannot use GPUs');
    });
  }
  const graceMs = config.SHUTDOWN_GRACE_SECONDS * 1000;
  return {
    ready: started.then(() => ({ devices: devices.map(({ device }) => device).join(',') })),
    stopWithinMs: graceMs + SHUTDOWN_MS,
    async stop() {
      stopping.abort();
      await Promise.all([downloads?.stop(), ...devices.map((device) => device.stop(graceMs))]);
      await services.close();
    },
  };
}

runPart('worker', startWorker);
