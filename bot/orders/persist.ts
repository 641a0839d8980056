/** Going on in spite of trouble. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpError } from 'grammy';
import { ApiError } from '../api/error.ts';
import { isTelegramAway, retryAfter } from '../telegram/errors.ts';
import { FileError } from '../telegram/files.ts';

/**
 * What an error means for whoever wants to try again:
 *   full    no free place at the API, until one is free
 *   asked   Telegram asks to wait
 *   away    API or Telegram are out of reach, which passes or does not
 *   failed  the API failed on its side, and may have done the work all the same
 *   final   it stays so
 */
type Trouble = 'full' | 'asked' | 'away' | 'failed' | 'final';

export interface Persistence {
  /** Wait before another try, in milliseconds. */
  readonly retryMs: number;
  /** How long somebody who is away is tried, in milliseconds. */
  readonly patienceMs: number;
  /** Ends it. */
  readonly quit: AbortSignal;
  /** Waits for free places too: resolves when one may be free, rejects with the signal. Without, a full API is an error. */
  readonly freed?: (signal: AbortSignal) => Promise<void>;
  /** Told why there is a wait. */
  readonly onWait?: (error: unknown) => void;
}

/** An API that fails on its side is tried so often. */
const MOST_FAILURES = 5;
/** Longest wait before we look again whether the API takes another photo. */
const ROOM_LOOK_MS = 30_000;

/**
 * Does `work` until it succeeds or nothing more can be hoped for.
 * @throws the reason of `quit`, or the last error of `work`
 */
export async function persist<T>(work: () => Promise<T>, { retryMs, patienceMs, quit, freed, onWait }: Persistence): Promise<T> {
  quit.throwIfAborted();
  for (let awaySince: number | null = null, failures = 0; ; ) {
    try {
      return await work();
    } catch (thrown) {
      quit.throwIfAborted();
      const error = unwrap(thrown);
      const trouble = troubleOf(error);
      awaySince = trouble === 'away' ? (awaySince ?? Date.now()) : null;
      failures = trouble === 'failed' ? failures + 1 : 0;
      const isHopeless = trouble === 'final' || (trouble === 'full' && !freed) || failures === MOST_FAILURES || (awaySince !== null && Date.now() - awaySince >= patienceMs);
      if (isHopeless) throw error;
      onWait?.(error);
      const enough = new AbortController();
      const signal = AbortSignal.any([quit, enough.signal]);
      const place = trouble === 'full' && freed && !isUploadLimit(error) ? [freed(signal)] : [];
      await Promise.race([sleep(Math.max(retryMs, askedWaitMs(error)), undefined, { signal }), ...place]).finally(() => enough.abort());
    }
  }
}

function troubleOf(error: unknown): Trouble {
  if (error instanceof ApiError) return error.isFull ? 'full' : error.isAway ? 'away' : error.code === 'INTERNAL' ? 'failed' : 'final';
  if (error instanceof FileError) return error.code === 'AWAY' ? 'away' : 'final';
  if (retryAfter(error) !== null) return 'asked';
  return isTelegramAway(error) ? 'away' : 'final';
}

/** What a stream broke with that was being sent to Telegram. */
const unwrap = (error: unknown): unknown => (error instanceof HttpError && error.error instanceof ApiError ? error.error : error);

const isUploadLimit = (error: unknown): boolean => error instanceof ApiError && error.code === 'UPLOAD_LIMIT';

function askedWaitMs(error: unknown): number {
  if (error instanceof ApiError) return error.code === 'UPLOAD_LIMIT' ? Math.min(error.retryAfterMs, ROOM_LOOK_MS) : 0;
  return (retryAfter(error) ?? 0) * 1000;
}
