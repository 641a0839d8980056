import { Redis, type RedisOptions } from 'ioredis';

/** Reconnects indefinitely, after 0.1 s, 0.2 s, … and at most once a second. */
const retryStrategy = (times: number): number => Math.min(times * 100, 1000);

/**
 * Options for a connection whose commands fail fast while Redis is unreachable instead of waiting for it to return: a reply or an
 * error within 2 s, and a dead socket is detected when a command goes unanswered for 4 s.
 */
const failFast = {
  retryStrategy,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 2000,
  connectTimeout: 2000,
  socketTimeout: 4000,
} satisfies RedisOptions;

/** Options for a worker's connections, whose commands wait until Redis is reachable again. */
export const retryingRedis = {
  retryStrategy,
  maxRetriesPerRequest: null,
  connectTimeout: 5000,
  // Longer than BullMQ's longest blocking command (10 s).
  socketTimeout: 20_000,
} satisfies RedisOptions;

/** Connects in the background and reconnects indefinitely. Errors are passed to `report` only. */
export function connectRedis(url: string, report: (error: unknown) => void, options: RedisOptions = {}): Redis {
  const client = new Redis(url, { ...failFast, ...options });
  client.on('error', report);
  return client;
}
