/** Entry of the worker process: takes jobs from the queue and supervises one renderer child per device. */
import { availableParallelism } from 'node:os';
import type { Config } from '../src/config.ts';
import { isStorageOf } from '../src/infra/installation.ts';
import type { Logger } from '../src/infra/log.ts';
import { startAutoPull } from '../src/infra/models/auto-pull.ts';
import { runPart, type Part } from '../src/infra/process.ts';
import { openServices } from '../src/infra/services.ts';
import { sharedSecret } from '../src/infra/settings.ts';
import { DeviceWorker } from './device.ts';

/** What leaving takes beside the grace for the job being rendered, in milliseconds. */
const LEAVING_MS = 2_000;

/** The devices to render on: those named, or what this machine has. */
function devicesOf({ WORKER_DEVICES }: Config): string[] {
  const named = WORKER_DEVICES.flatMap((device) => (device === 'auto' ? ['cpu'] : device === 'cuda' ? ['cuda:0'] : [device]));
  return [...new Set(named)];
}

async function startWorker(config: Config, log: Logger): Promise<Part> {
  const services = await openServices(config, log);
  const installation = await sharedSecret(services.db.client, 'installation');
  const weights = await startAutoPull(config, log);
  const devices = devicesOf(config).map((device) => new DeviceWorker(services, device, () => isStorageOf(services.files, installation), weights));
  log.info({ devices: devices.map(({ device }) => device), cores: availableParallelism(), queueAndProgress: services.carrier }, 'worker starts');
  const started = Promise.all(devices.map((device) => device.start()));
  const graceMs = config.SHUTDOWN_GRACE_SECONDS * 1000;
  return {
    ready: started.then(() => ({ devices: devices.map(({ device }) => device).join(',') })),
    stopWithinMs: graceMs + LEAVING_MS,
    async stop() {
      await Promise.all([weights?.stop(), ...devices.map((device) => device.stop(graceMs))]);
      await services.close();
    },
  };
}

runPart('worker', startWorker);
