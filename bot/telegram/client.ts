import { autoRetry } from '@grammyjs/auto-retry';
import { Api, type ApiClientOptions, type Transformer } from 'grammy';
import type { TelegramSignal } from './parameters.ts';
import { retrying, withTimeout } from './retry.ts';

/** The two ways the bot calls Telegram. */
export interface Telegram {
  /** Retries when Telegram asks to wait, fails or is unreachable. */
  readonly api: Api;
  /** One try, for callers that retry themselves or whose message would be outdated by then. */
  readonly once: Api;
  readonly options: ApiClientOptions;
  /** What makes `api` retry, and stop when the bot does. */
  readonly transformers: readonly Transformer[];
}

/** Longest wait that Telegram may ask for; if it asks for more, the call fails. The chat's later updates wait as well. */
const MAX_WAIT_SECONDS = 30;

/** grammY's own timeout. Longer than every timeout of retry.ts, so that those take effect. */
const CALL_SECONDS = 900;

/** @param signal aborts calls in progress and delays between tries */
export function openTelegram(token: string, apiRoot: string, signal: AbortSignal): Telegram {
  const options: ApiClientOptions = { apiRoot, timeoutSeconds: CALL_SECONDS };
  const stoppable: Transformer = (prev, method, payload, own) => prev(method, payload, own ?? (signal as TelegramSignal));
  // The plugin obeys retry_after only. Other errors are retried by `retrying`, since the plugin's delays grow to an hour.
  const obeyRetryAfter = autoRetry({
    maxDelaySeconds: MAX_WAIT_SECONDS,
    maxRetryAttempts: 10,
    rethrowHttpErrors: true,
    rethrowInternalServerErrors: true,
  });
  // The last one is the outermost: every try has its own timeout, and the signal stops all of them.
  const transformers = [withTimeout, obeyRetryAfter, retrying, stoppable];
  const api = new Api(token, options);
  api.config.use(...transformers);
  const once = new Api(token, options);
  once.config.use(withTimeout, stoppable);
  return { api, once, options, transformers };
}
