import type { ProgressBus } from '../../jobs/ports/bus.ts';
import type { Log } from '../../jobs/ports/log.ts';
import { PostgresBus } from './postgres.ts';
import { RedisBus } from './redis.ts';
import { silent } from '../connection.ts';

export interface BusSettings {
  /** With it messages go through Redis, otherwise through PostgreSQL. */
  readonly redisUrl?: string | undefined;
  readonly databaseUrl: string;
  /** Keeps several installations apart; [a-z0-9_], at most 31 characters. */
  readonly prefix: string;
  readonly log?: Log;
}

/**
 * Connects in the background and survives restarts of Redis and PostgreSQL. Publishing rejects within 2 s while they are away;
 * subscribing never does: it then takes effect with the connection's return.
 */
export function openBus({ redisUrl, databaseUrl, prefix, log = silent }: BusSettings): ProgressBus {
  return redisUrl ? new RedisBus(redisUrl, prefix, log) : new PostgresBus(databaseUrl, prefix, log);
}
