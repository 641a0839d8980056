import path from 'node:path';
import type { Config } from '../config.ts';
import type { JobContext } from '../jobs/context.ts';
import type { JobPolicy } from '../jobs/policy.ts';
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

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
/** A worker that misses this many heartbeats counts as dead. */
const MISSED_HEARTBEATS = 4;

export interface Services extends JobContext {
  readonly config: Config;
  readonly db: Database;
  readonly log: Logger;
  /** What queue and bus run on. */
  readonly transport: 'redis' | 'postgresql';
  close(): Promise<void>;
}

/** The storage folder as an absolute path. A relative one is below the checkout, not the working directory. */
export function storageFolder(config: Pick<Config, 'STORAGE_DIR'>): string {
  return path.resolve(ROOT, config.STORAGE_DIR);
}

/** The part of the configuration that the domain uses, with units converted. */
function jobPolicy(config: Config): JobPolicy {
  return {
    queueLimit: config.QUEUE_LIMIT,
    backlogLimit: config.BACKLOG_LIMIT,
    ownerLimit: config.OWNER_LIMIT,
    maxAttempts: config.MAX_ATTEMPTS,
    retryDelayMs: config.RETRY_DELAY_SECONDS * SECOND_MS,
    filesKeptMs: config.FILES_KEPT_HOURS * HOUR_MS,
    jobsKeptMs: config.JOBS_KEPT_DAYS * 24 * HOUR_MS,
    uploadsPerOwner: config.UPLOADS_PER_OWNER,
    uploadsKeptMs: config.UPLOADS_KEPT_HOURS * HOUR_MS,
    workerTimeoutMs: config.HEARTBEAT_SECONDS * MISSED_HEARTBEATS * SECOND_MS,
    engineGraceMs: config.ENGINE_GRACE_SECONDS * SECOND_MS,
  };
}

/**
 * Opens the services that API and worker share.
 * @throws StartupError if DATABASE_URL is not set
 */
export async function openServices(config: Config, log: Logger): Promise<Services> {
  const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, QUEUE_PREFIX: prefix } = config;
  if (!databaseUrl) throw new StartupError('DATABASE_URL is not set.', 'Set it, or run "npm start", which brings a database of its own.');
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
    policy: jobPolicy(config),
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
      // The events of the last changes are delivered before the bus closes.
      await Promise.allSettled([queue.close(), outbox.close()]);
      await bus.close().catch(() => {});
      await db.close();
    },
  };
}
