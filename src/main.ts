/** Entry of the API process: reads configuration, wires, listens. */
import { randomUUID } from 'node:crypto';
import type { ApiContext } from './api/context.ts';
import { LinkSigner } from './api/http/links.ts';
import { startServer } from './api/server.ts';
import { JobWatcher } from './api/progress/watch.ts';
import type { Config } from './config.ts';
import type { Logger } from './process/log.ts';
import { inspectPhoto, photoLimits } from './infra/media/photo.ts';
import { runPart, type Part } from './process/run.ts';
import { markStorage } from './infra/storage/installation.ts';
import { openServices } from './infra/services.ts';
import { sharedSecret } from './infra/postgres/settings.ts';
import { VERSION } from './process/version.ts';
import { runHousekeeping } from './jobs/housekeeping.ts';
import { QueueLines } from './jobs/queue-lines.ts';

async function startApi(config: Config, log: Logger): Promise<Part> {
  const services = await openServices(config, log);
  const lines = new QueueLines(services);
  let url = '';
  const api: ApiContext = {
    ...services,
    version: VERSION,
    startedAt: new Date(),
    instance: randomUUID(),
    links: new LinkSigner(config.SIGNING_SECRET ?? (await sharedSecret(services.db.client, 'signing')), () => config.PUBLIC_URL ?? url),
    lines,
    watcher: new JobWatcher(services.jobs, services.bus, lines, log),
    intake: { blobs: services.blobs, workspace: services.workspace, limits: photoLimits(config), inspect: inspectPhoto },
  };
  await markStorage(services.blobs, await sharedSecret(services.db.client, 'installation'));
  const server = await startServer(api);
  url = server.url;
  log.info({ url, queueAndProgress: services.transport }, `API at ${config.PUBLIC_URL ?? url}`);

  let pass: Promise<void> | null = null;
  const startPass = () => {
    pass ??= runHousekeeping(services).finally(() => (pass = null));
  };
  startPass();
  const timer = setInterval(startPass, config.HOUSEKEEPING_SECONDS * 1000);
  return {
    ready: Promise.resolve({ url, instance: api.instance }),
    async stop() {
      clearInterval(timer);
      await server.close();
      await pass;
      await services.close();
    },
  };
}

runPart('api', startApi);
