import { Redis, type RedisOptions } from 'ioredis';

/** Tries again for ever, after 0.1 s, 0.2 s … at most every second. */
const retryStrategy = (times: number): number => Math.min(times * 100, 1000);

/**
 * Options for a connection whose commands fail soon while Redis is away, instead of waiting for its return: an answer or an error
 * within 2 s, and a dead socket is noticed once a command goes unanswered for 4 s.
 */
const impatient = {
  retryStrategy,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 2000,
  connectTimeout: 2000,
  socketTimeout: 4000,
} satisfies RedisOptions;

/** Options for a worker's connections, whose commands wait until Redis is back. */
export const patientRedis = {
  retryStrategy,
  maxRetriesPerRequest: null,
  connectTimeout: 5000,
  // Longer than BullMQ ever blocks (10 s).
  socketTimeout: 20_000,
} satisfies RedisOptions;

/** Connects in the background and reconnects for ever. Errors go to `report` and nowhere else. */
export function connectRedis(url: string, report: (error: unknown) => void, options: RedisOptions = {}): Redis {
  const client = new Redis(url, { ...impatient, ...options });
  client.on('error', report);
  return client;
}
