import path from 'node:path';
import type { Config } from '../config.ts';
import type { JobContext } from '../jobs/context.ts';
import { jobTopic } from '../jobs/ports/bus.ts';
import { openBus } from './bus/bus.ts';
import { openDatabase, type Database } from './postgres/db.ts';
import { PostgresJobStore } from './postgres/job-store.ts';
import { Outbox } from './postgres/outbox.ts';
import type { Logger } from '../process/log.ts';
import { openQueue } from './queue/queue.ts';
import { openStorage } from './storage/open-storage.ts';
import { StartupError } from '../process/startup-error.ts';
import { PostgresUploadStore } from './postgres/upload-store.ts';
import { ROOT } from '../process/version.ts';
import { PostgresWorkerStore } from './postgres/worker-store.ts';

export interface Services extends JobContext {
  readonly config: Config;
  readonly db: Database;
  readonly log: Logger;
  /** What carries queue and progress. */
  readonly transport: 'redis' | 'postgresql';
  close(): Promise<void>;
}

/** The storage folder as an absolute path; relative ones start at the checkout, wherever the command was typed. */
export function storageFolder(config: Pick<Config, 'STORAGE_DIR'>): string {
  return path.resolve(ROOT, config.STORAGE_DIR);
}

/**
 * Everything outside that API and worker work with, opened.
 * @throws StartupError if DATABASE_URL is not set
 */
export async function openServices(config: Config, log: Logger): Promise<Services> {
  const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, QUEUE_PREFIX: prefix } = config;
  if (!databaseUrl)
    throw new StartupError(
      'DATABASE_URL is not set.',
      '"npm start" runs everything with a database of its own; API and worker started alone need one.',
    );
  const db = openDatabase(databaseUrl, { onConnectionError: (error) => log.warn({ err: error }, 'a database connection broke') });
  const queue = openQueue({ redisUrl, databaseUrl, prefix, stalledSeconds: config.STALLED_SECONDS, log });
  const bus = openBus({ redisUrl, databaseUrl, prefix, log });
  const outbox = new Outbox({
    databaseUrl,
    deliver: ({ jobId, revision, kind }) => bus.publish(jobTopic(jobId), { revision, kind }),
    log,
  });
  return {
    config,
    log,
    db,
    queue,
    bus,
    jobs: new PostgresJobStore(db.client, () => outbox.wake()),
    uploads: new PostgresUploadStore(db.client),
    workers: new PostgresWorkerStore(db.client),
    ...openStorage(storageFolder(config)),
    transport: redisUrl ? 'redis' : 'postgresql',
    async close() {
      // What the last changes recorded is delivered before the bus closes.
      await Promise.allSettled([queue.close(), outbox.close()]);
      await bus.close().catch(() => {});
      await db.close();
    },
  };
}
