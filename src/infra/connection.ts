/**
 * Shared by every connection to Redis and PostgreSQL. A connection can be lost at any time, so waits are bounded and errors are
 * reported without flooding the log.
 */

import type { Log } from '../jobs/ports/log.ts';

export const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** No answer arrived before the deadline. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * Settles as `work` does, or rejects after `ms` with a DeadlineError whose message starts with `message`. `work` keeps running; its
 * result is ignored.
 */
export function withDeadline<T>(work: Promise<T>, ms: number, message: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DeadlineError(`${message} within ${ms / 1000} s`)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Returns an error reporter for one connection. It logs at most once every 10 s, not on every reconnect attempt. */
export function reporter(log: Log, what: string): (error: unknown) => void {
  let quietUntil = 0;
  return (error) => {
    const now = performance.now();
    if (now < quietUntil) return;
    quietUntil = now + 10_000;
    log.warn({ err: error }, `${what}: connection error`);
  };
}
