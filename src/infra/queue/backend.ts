/** BullMQ on Redis or on PostgreSQL, behind one interface. */
import { createPostgresBackend, Queue, Worker, withBackend, type IQueueBackend } from 'bullmq';
import { Client, type ClientConfig } from 'pg';
import type { EngineName } from '../../catalog/engines.ts';
import { connectRedis, retryingRedis } from '../redis.ts';

export type EntryQueue = Pick<Queue, 'add' | 'remove' | 'getJobState' | 'getJobCounts' | 'waitUntilReady' | 'close'>;

export type EntryWorker = Pick<Worker, 'getNextJob' | 'startStalledCheckTimer' | 'waitUntilReady' | 'close'> & {
  readonly backend: Pick<IQueueBackend, 'disconnectBlocking' | 'retryJob'>;
};

export interface QueueBackend {
  queue(engine: EngineName, report: (error: unknown) => void): EntryQueue;
  /** A worker without a processor: it takes entries only on request, and checks for stalled ones in the background. */
  worker(engine: EngineName, stalledMs: number, report: (error: unknown) => void): EntryWorker;
  close(): Promise<void>;
}

/** BullMQ writes a stream of events, which is not used here. */
const streams = { events: { maxLen: 100 } };

const workerOptions = (stalledMs: number) => ({
  autorun: false,
  lockDuration: stalledMs,
  // One check marks the entries in progress; a later one returns marked entries without a lock to the queue. Workers share the checks.
  stalledInterval: Math.ceil(stalledMs / 3),
  // Attempts are counted in the row of the job, so BullMQ must never give up.
  maxStalledCount: 1_000_000_000,
  // Longest wait for an entry, in seconds. Waiting workers are notified of new entries; this limits the delay if a notification is lost.
  drainDelay: 3,
});

export function redisBackend(url: string, prefix: string, report: (error: unknown) => void): QueueBackend {
  const client = connectRedis(url, report, { connectionName: `${prefix}_queue` });
  return {
    queue(engine, onError) {
      return new Queue(engine, { connection: client, prefix, streams }).on('error', onError);
    },
    worker(engine, stalledMs, onError) {
      return new Worker(engine, null, { connection: { url, ...retryingRedis }, prefix, ...workerOptions(stalledMs) }).on('error', onError);
    },
    async close() {
      client.disconnect();
    },
  };
}

const postgres = withBackend(createPostgresBackend);

/** BullMQ does not listen for errors of its pooled connections, so losing one would end the process. The query in progress rejects anyway. */
class PooledClient extends Client {
  constructor(config?: ClientConfig) {
    super(config);
    this.on('error', () => {});
  }
}

export function postgresBackend(connectionString: string, prefix: string): QueueBackend {
  const connection = {
    connectionString,
    Client: PooledClient,
    schema: `${prefix}_bullmq`,
    migrate: true,
    max: 2,
    keepAlive: true,
    connectionTimeoutMillis: 2000,
    query_timeout: 10_000,
    application_name: `${prefix}_queue`,
  };
  // BullMQ notifies workers by queue name on a channel that is shared by the whole database.
  const name = (engine: EngineName): string => `${prefix}-${engine}`;
  return {
    queue(engine, onError) {
      return new postgres.Queue(name(engine), { connection, streams }).on('error', onError);
    },
    worker(engine, stalledMs, onError) {
      return new postgres.Worker(name(engine), null, { connection, ...workerOptions(stalledMs) }).on('error', onError);
    },
    async close() {},
  };
}
