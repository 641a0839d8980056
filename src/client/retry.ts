/** Retries. Each caller passes a policy that says how long to keep trying. */
import { ApiError } from './error.ts';

/** One or more tries that failed in a row. */
export interface Setback {
  /** Of the last try. */
  readonly error: ApiError;
  readonly tries: number;
  /** Since the first failed try, in milliseconds. */
  readonly sinceMs: number;
}

/** How long to wait before the next try, in milliseconds; null to give up. */
export type RetryPolicy = (setback: Setback) => number | null;

export const failFast: RetryPolicy = () => null;

/** Counts the failed tries in a row. */
export class Setbacks {
  readonly #policy: RetryPolicy;
  #tries = 0;
  #since = 0;

  constructor(policy: RetryPolicy) {
    this.#policy = policy;
  }

  succeed(): void {
    this.#tries = 0;
  }

  /**
   * How long to wait before the next try, in milliseconds.
   * @throws `error` if the policy gives up, or if it is not an ApiError
   */
  fail(error: unknown): number {
    if (!(error instanceof ApiError)) throw error;
    if (this.#tries === 0) this.#since = Date.now();
    this.#tries += 1;
    const waitMs = this.#policy({ error, tries: this.#tries, sinceMs: Date.now() - this.#since });
    if (waitMs === null) throw error;
    return waitMs;
  }
}

/** Repeats `work` as `policy` says. @throws its last error, or the reason of `signal` */
export async function retrying<T>(work: () => Promise<T>, policy: RetryPolicy, signal?: AbortSignal): Promise<T> {
  for (const setbacks = new Setbacks(policy); ;) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      await pause(setbacks.fail(error), signal);
    }
  }
}

/** @throws the reason of `signal` */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
