/** Entry of the worker process: takes jobs from the queue and supervises one renderer child per device. */
import { availableParallelism } from 'node:os';
import type { Config } from '../src/config.ts';
import type { Logger } from '../src/infra/log.ts';
import { runPart, type Part } from '../src/infra/process.ts';
import { openServices } from '../src/infra/services.ts';
import { DeviceWorker } from './device.ts';

/** The devices to render on: those named, or what this machine has. */
function devicesOf({ WORKER_DEVICES }: Config): string[] {
  const named = WORKER_DEVICES.flatMap((device) => (device === 'auto' ? ['cpu'] : device === 'cuda' ? ['cuda:0'] : [device]));
  return [...new Set(named)];
}

async function startWorker(config: Config, log: Logger): Promise<Part> {
  const services = await openServices(config, log);
  const devices = devicesOf(config).map((device) => new DeviceWorker(services, device));
  log.info({ devices: devices.map(({ device }) => device), cores: availableParallelism(), queueAndProgress: services.carrier }, 'worker starts');
  await Promise.all(devices.map((device) => device.start()));
  return {
    ready: { devices: devices.map(({ device }) => device).join(',') },
    async stop() {
      await Promise.all(devices.map((device) => device.stop(config.SHUTDOWN_GRACE_SECONDS * 1000)));
      await services.close();
    },
  };
}

runPart('worker', startWorker);
