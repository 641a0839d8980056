import type { ProgressBus } from '../../jobs/ports/bus.ts';
import type { Log } from '../../jobs/ports/log.ts';
import { PostgresBus } from './postgres.ts';
import { RedisBus } from './redis.ts';
import { silent } from '../connection.ts';

export interface BusSettings {
  /** If set, messages go through Redis, otherwise through PostgreSQL. */
  readonly redisUrl?: string | undefined;
  readonly databaseUrl: string;
  /** Separates installations that share a server; [a-z0-9_], at most 31 characters. */
  readonly prefix: string;
  readonly log?: Log;
}

/**
 * Opens a bus. It connects in the background and survives restarts of Redis and PostgreSQL. While they are unreachable, publishing rejects
 * within 2 s; subscribing never rejects and takes effect when the connection is restored.
 */
export function openBus({ redisUrl, databaseUrl, prefix, log = silent }: BusSettings): ProgressBus {
  return redisUrl ? new RedisBus(redisUrl, prefix, log) : new PostgresBus(databaseUrl, prefix, log);
}
