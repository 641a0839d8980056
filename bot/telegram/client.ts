import { autoRetry } from '@grammyjs/auto-retry';
import { Api, type ApiClientOptions, type Transformer } from 'grammy';
import { patient, timed } from './patience.ts';
import type { TelegramSignal } from './signal.ts';

/** The two ways the bot calls Telegram. */
export interface Telegram {
  /** Tries again where Telegram asks to wait, fails, or is out of reach. */
  readonly api: Api;
  /** One try; for what is outdated by the time of a second. */
  readonly once: Api;
  readonly options: ApiClientOptions;
  /** What makes an Api try again, and end when the bot does. */
  readonly transformers: readonly Transformer[];
}

/** Longest wait that Telegram may ask for; beyond, the call fails. The chat's later updates wait for it too. */
const MAX_WAIT_SECONDS = 30;

/** Each call has a shorter time of its own (patience.ts); this only has to be longer. */
const LONGEST_CALL_SECONDS = 900;

/** @param signal ends calls under way, and waits between tries */
export function openTelegram(token: string, apiRoot: string, signal: AbortSignal): Telegram {
  const options: ApiClientOptions = { apiRoot, timeoutSeconds: LONGEST_CALL_SECONDS };
  const stoppable: Transformer = (prev, method, payload, own) => prev(method, payload, own ?? (signal as TelegramSignal));
  // Here for waits that Telegram asks for; its other troubles are for our own patience, as the plugin's grows to an hour.
  const obedient = autoRetry({
    maxDelaySeconds: MAX_WAIT_SECONDS,
    maxRetryAttempts: 10,
    rethrowHttpErrors: true,
    rethrowInternalServerErrors: true,
  });
  // The last one is the outermost: all tries of a call see the signal, and each has its own time.
  const transformers = [timed, obedient, patient, stoppable];
  const api = new Api(token, options);
  api.config.use(...transformers);
  const once = new Api(token, options);
  once.config.use(timed, stoppable);
  return { api, once, options, transformers };
}
