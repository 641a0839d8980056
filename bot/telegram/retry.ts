/** Timeouts and retries of calls to Telegram, as grammY transformers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpError, type Transformer } from 'grammy';
import type { TelegramSignal } from './parameters.ts';

/** Timeout of one try, in milliseconds. */
const TRY_MS = 20_000;
/** Timeout of one try that sends a file, in milliseconds. */
const FILE_TRY_MS = 600_000;
/** The delay between tries doubles up to the maximum. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
/** About three minutes in total. */
const MAX_TRIES = 10;

const SENDS_FILES: ReadonlySet<string> = new Set(['sendVideo', 'sendAnimation', 'editMessageMedia']);

/** Aborts a try that takes too long. Long polling has a timeout of its own. */
export const withTimeout: Transformer = (prev, method, payload, signal) => {
  if (method === 'getUpdates') return prev(method, payload, signal);
  const timeout = AbortSignal.timeout(SENDS_FILES.has(method) ? FILE_TRY_MS : TRY_MS);
  return prev(method, payload, (signal ? AbortSignal.any([signal as AbortSignal, timeout]) : timeout) as TelegramSignal);
};

/**
 * Retries while Telegram is unreachable or fails internally. A connection that breaks while a file is sent is not retried: the file may
 * be the reason, and the caller decides.
 */
export const retrying: Transformer = async (prev, method, payload, signal) => {
  for (let tries = 1, delayMs = RETRY_MS; ; tries++, delayMs = Math.min(MAX_RETRY_MS, delayMs * 2)) {
    try {
      const response = await prev(method, payload, signal);
      if (response.ok || response.error_code < 500 || tries === MAX_TRIES) return response;
    } catch (error) {
      if (!(error instanceof HttpError) || SENDS_FILES.has(method) || tries === MAX_TRIES || signal?.aborted) throw error;
    }
    await sleep(delayMs, undefined, { signal: signal as AbortSignal | undefined });
  }
};
