/** How calls of Telegram last through its troubles. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpError, type Transformer } from 'grammy';
import type { TelegramSignal } from './signal.ts';

/** Longest a try may take, in milliseconds. */
const TRY_MS = 20_000;
/** As above, of a file that is sent. */
const FILE_MS = 600_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** About three minutes of waiting. */
const MOST_TRIES = 10;

const SENDS_FILES: ReadonlySet<string> = new Set(['sendVideo', 'sendAnimation', 'editMessageMedia']);

/** Ends a try that takes too long. Whoever waits for updates knows himself how long that may take. */
export const timed: Transformer = (prev, method, payload, signal) => {
  if (method === 'getUpdates') return prev(method, payload, signal);
  const timeout = AbortSignal.timeout(SENDS_FILES.has(method) ? FILE_MS : TRY_MS);
  return prev(method, payload, (signal ? AbortSignal.any([signal as AbortSignal, timeout]) : timeout) as TelegramSignal);
};

/**
 * Tries again where Telegram is out of reach or fails: a second later, then after twice the wait each, half a minute at most. What
 * breaks off while a file is sent may be the file's fault; whoever sends it knows better whether to try again.
 */
export const patient: Transformer = async (prev, method, payload, signal) => {
  for (let tries = 1, wait = FIRST_WAIT_MS; ; tries++, wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
    try {
      const answer = await prev(method, payload, signal);
      if (answer.ok || answer.error_code < 500 || tries === MOST_TRIES) return answer;
    } catch (error) {
      if (!(error instanceof HttpError) || SENDS_FILES.has(method) || tries === MOST_TRIES || signal?.aborted) throw error;
    }
    await sleep(wait, undefined, { signal: signal as AbortSignal | undefined });
  }
};
