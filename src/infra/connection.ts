/**
 * Shared by every connection to Redis and PostgreSQL. A connection can be lost at any time, so waits are bounded and errors are
 * reported without flooding the log.
 */

import type { Log } from '../jobs/ports/log.ts';

export const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

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
