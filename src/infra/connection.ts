/**
 * What every connection to Redis and PostgreSQL shares: it may be lost at any time, so waiting is bounded and trouble is reported
 * without drowning the log.
 */

/** The part of a logger that connections use; a pino logger fits. */
export interface ConnectionLog {
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export const silent: ConnectionLog = { warn: () => {}, error: () => {} };

/** There was no answer in time. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Settles as `work` does, but rejects with a DeadlineError that begins with `message` after `ms`. `work` itself goes on; what becomes of it is no longer heard. */
export function withDeadline<T>(work: Promise<T>, ms: number, message: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DeadlineError(`${message} within ${ms / 1000} s`)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Waits; ends early and quietly when `signal` is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** A reporter for errors of one connection: a connection that stays away is told once in 10 s, not at every try. */
export function reporter(log: ConnectionLog, what: string): (error: unknown) => void {
  let quietUntil = 0;
  return (error) => {
    const now = performance.now();
    if (now < quietUntil) return;
    quietUntil = now + 10_000;
    log.warn({ err: error }, `${what}: connection trouble`);
  };
}
