/** Retries by kind of error. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpError } from 'grammy';
import { ApiError } from '../../src/client/error.ts';
import { isTelegramAway, retryAfter } from '../telegram/errors.ts';
import { FileError } from '../telegram/files.ts';

/**
 * What an error means for a retry:
 *   full       no free place at the API, until one is free
 *   asked      Telegram asks to wait
 *   away       the API is out of reach, which passes or does not
 *   telegram   the same of Telegram
 *   failed     the API failed on its side, and may have done the work all the same
 *   final      it stays so
 */
type Trouble = 'full' | 'asked' | 'away' | 'telegram' | 'failed' | 'final';

export interface Persistence {
  /** Wait before another try, in milliseconds. */
  readonly retryMs: number;
  /** How long an API that is away is tried, in milliseconds. */
  readonly patienceMs: number;
  /** The same of Telegram; `patienceMs` if not said. */
  readonly telegramPatienceMs?: number;
  /** Ends it. */
  readonly quit: AbortSignal;
  /** Waits for free places too: resolves when one may be free, rejects with the signal. Without, a full API is an error. */
  readonly freed?: (signal: AbortSignal) => Promise<void>;
  /** Told why there is a wait. */
  readonly onWait?: (error: unknown) => void;
}

/** Attempts while the API fails with errors of its own. */
const MOST_FAILURES = 5;
/** Longest wait for Telegram, which grows: each try may be a whole video. */
const LONGEST_WAIT_MS = 60_000;
/** Longest wait before we look again whether the API takes another photo. */
const ROOM_LOOK_MS = 30_000;

/**
 * Retries `work` until it succeeds or its error is final.
 * @throws the reason of `quit`, or the last error of `work`
 */
export async function persist<T>(
  work: () => Promise<T>,
  { retryMs, patienceMs, telegramPatienceMs = patienceMs, quit, freed, onWait }: Persistence,
): Promise<T> {
  quit.throwIfAborted();
  let last: Trouble | null = null;
  for (let since = 0, tries = 0; ;) {
    try {
      return await work();
    } catch (thrown) {
      quit.throwIfAborted();
      const error = unwrap(thrown);
      const trouble = troubleOf(error);
      if (trouble !== last) [last, since, tries] = [trouble, Date.now(), 0];
      tries += 1;
      const lastsMs = Date.now() - since;
      const isHopeless: Record<Trouble, boolean> = {
        full: !freed,
        asked: false,
        away: lastsMs >= patienceMs,
        telegram: lastsMs >= telegramPatienceMs,
        failed: tries === MOST_FAILURES,
        final: true,
      };
      if (isHopeless[trouble]) throw error;
      onWait?.(error);
      const waitMs = trouble === 'telegram' ? Math.min(LONGEST_WAIT_MS, retryMs * 2 ** (tries - 1)) : Math.max(retryMs, askedWaitMs(error));
      const enough = new AbortController();
      const signal = AbortSignal.any([quit, enough.signal]);
      const place = trouble === 'full' && freed && !isUploadLimit(error) ? [freed(signal)] : [];
      await Promise.race([sleep(waitMs, undefined, { signal }), ...place]).finally(() => enough.abort());
    }
  }
}

function troubleOf(error: unknown): Trouble {
  if (error instanceof ApiError) return error.isFull ? 'full' : error.isAway ? 'away' : error.isTransient ? 'failed' : 'final';
  if (error instanceof FileError) return error.code === 'AWAY' ? 'telegram' : 'final';
  if (retryAfter(error) !== null) return 'asked';
  return isTelegramAway(error) ? 'telegram' : 'final';
}

/** What a stream broke with that was being sent to Telegram. */
const unwrap = (error: unknown): unknown => (error instanceof HttpError && error.error instanceof ApiError ? error.error : error);

const isUploadLimit = (error: unknown): boolean => error instanceof ApiError && error.code === 'UPLOAD_LIMIT';

function askedWaitMs(error: unknown): number {
  if (error instanceof ApiError) return error.code === 'UPLOAD_LIMIT' ? Math.min(error.retryAfterMs, ROOM_LOOK_MS) : 0;
  return (retryAfter(error) ?? 0) * 1000;
}
