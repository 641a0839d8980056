import { autoRetry } from '@grammyjs/auto-retry';
import { Api, type ApiClientOptions, type Transformer } from 'grammy';

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

/** grammY's name for an AbortSignal, whose type is that of another package. */
export type TelegramSignal = NonNullable<Parameters<Api['getMe']>[0]>;

/** Longest wait that Telegram may ask for; beyond, the call fails. The chat's later updates wait for it too. */
const MAX_WAIT_SECONDS = 30;

const SENDS_FILES: ReadonlySet<string> = new Set(['sendVideo', 'sendAnimation', 'editMessageMedia']);

/** @param signal ends calls under way, and waits between tries */
export function openTelegram(token: string, apiRoot: string, signal: AbortSignal): Telegram {
  const options: ApiClientOptions = { apiRoot };
  const stoppable: Transformer = (prev, method, payload, own) => prev(method, payload, own ?? (signal as TelegramSignal));
  const limits = { maxDelaySeconds: MAX_WAIT_SECONDS, maxRetryAttempts: 10 };
  const [stubborn, careful] = [autoRetry(limits), autoRetry({ ...limits, rethrowHttpErrors: true })];
  // What breaks off while a file is sent may be the file's fault; whoever sends it knows better whether to try again.
  const retrying: Transformer = (prev, method, payload, own) => (SENDS_FILES.has(method) ? careful : stubborn)(prev, method, payload, own);
  // The last one is the outermost: all tries of a call see the signal.
  const transformers = [retrying, stoppable];
  const api = new Api(token, options);
  api.config.use(...transformers);
  const once = new Api(token, options);
  once.config.use(stoppable);
  return { api, once, options, transformers };
}
