/** Retries the steps of a request; how long depends on the kind of error. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpError } from 'grammy';
import { ApiError } from '../../src/client/error.ts';
import { isTelegramAway, retryAfter } from '../telegram/errors.ts';
import { FileError } from '../telegram/files.ts';

/**
 * What an error means for a retry:
 *   throttled  Telegram asks to wait: retried after that time, however often
 *   api        the API or a part of it is unreachable: retried for `patienceMs`
 *   telegram   Telegram is unreachable: retried for `telegramPatienceMs`
 *   failed     the API failed internally, and the request may have taken effect: retried a few times
 *   final      a refusal, a full queue included: never retried
 */
type ErrorKind = 'throttled' | 'api' | 'telegram' | 'failed' | 'final';

export interface RetryOptions {
  /** Delay before a retry, in milliseconds. */
  readonly retryMs: number;
  /** How long to retry while the API is unreachable, in milliseconds. */
  readonly patienceMs: number;
  /** How long to retry while Telegram is unreachable, in milliseconds; `patienceMs` unless given. */
  readonly telegramPatienceMs?: number;
  /** Ends the retries. */
  readonly quit: AbortSignal;
  /** Called with the error before each retry. */
  readonly onRetry?: (error: unknown) => void;
}

/** Tries while the API fails internally. */
const MAX_FAILURES = 5;
/** The delay before a retry at Telegram doubles up to this, since each may transfer a whole video. */
const MAX_TELEGRAM_DELAY_MS = 60_000;

/**
 * Retries `work` until it succeeds or its error is final.
 * @throws the last error of `work`, or the reason of `quit`
 */
export async function withRetries<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { retryMs, patienceMs, telegramPatienceMs = patienceMs, quit, onRetry } = options;
  quit.throwIfAborted();
  let last: ErrorKind | null = null;
  for (let since = 0, tries = 0; ;) {
    try {
      return await work();
    } catch (thrown) {
      quit.throwIfAborted();
      const error = unwrap(thrown);
      const kind = kindOf(error);
      if (kind !== last) [last, since, tries] = [kind, Date.now(), 0];
      tries += 1;
      const elapsedMs = Date.now() - since;
      const givesUp: Record<ErrorKind, boolean> = {
        throttled: false,
        api: elapsedMs >= patienceMs,
        telegram: elapsedMs >= telegramPatienceMs,
        failed: tries === MAX_FAILURES,
        final: true,
      };
      if (givesUp[kind]) throw error;
      onRetry?.(error);
      const delayMs =
        kind === 'telegram'
          ? Math.min(MAX_TELEGRAM_DELAY_MS, retryMs * 2 ** (tries - 1))
          : Math.max(retryMs, (retryAfter(error) ?? 0) * 1000);
      await sleep(delayMs, undefined, { signal: quit });
    }
  }
}

function kindOf(error: unknown): ErrorKind {
  if (error instanceof ApiError) {
    if (error.isOutage) return 'api';
    return error.isTransient ? 'failed' : 'final';
  }
  if (error instanceof FileError) return error.code === 'AWAY' ? 'telegram' : 'final';
  if (retryAfter(error) !== null) return 'throttled';
  return isTelegramAway(error) ? 'telegram' : 'final';
}

/** grammY wraps an error of the API that broke the stream of a file being sent. */
const unwrap = (error: unknown): unknown => (error instanceof HttpError && error.error instanceof ApiError ? error.error : error);
