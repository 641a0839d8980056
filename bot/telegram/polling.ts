import { setTimeout as sleep } from 'node:timers/promises';
import { GrammyError, type Api } from 'grammy';
import type { Update } from 'grammy/types';
import type { Logger } from '../../src/process/log.ts';
import { retryAfter } from './errors.ts';
import type { Inbox } from './inbox.ts';
import type { TelegramSignal } from './parameters.ts';

/** Kinds of updates that the bot requests. */
export const UPDATE_KINDS = ['message', 'callback_query', 'my_chat_member'] as const satisfies readonly (keyof Update)[];

const POLL_SECONDS = 30;
/** Timeout of a poll, to which Telegram responds after POLL_SECONDS at the latest. */
const POLL_TIMEOUT_MS = (POLL_SECONDS + 15) * 1000;
/** The delay after a failed poll doubles up to the maximum. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

/**
 * Polls Telegram for updates until `signal` is aborted. Requesting later updates acknowledges the earlier ones, so that happens only once
 * they are handled or stored: none is lost if the bot is killed. The handler must recognize updates that are delivered twice.
 * @param onContact called after each successful poll
 */
export async function poll(api: Api, inbox: Inbox, log: Logger, signal: AbortSignal, onContact: () => void): Promise<void> {
  let offset = 0;
  for (let retryMs = RETRY_MS; !signal.aborted;) {
    try {
      const quit = AbortSignal.any([signal, AbortSignal.timeout(POLL_TIMEOUT_MS)]);
      const updates = await api.getUpdates({ offset, timeout: POLL_SECONDS, allowed_updates: UPDATE_KINDS }, quit as TelegramSignal);
      onContact();
      await Promise.all(updates.map((update) => inbox.take(update)));
      offset = (updates.at(-1)?.update_id ?? offset - 1) + 1;
      retryMs = RETRY_MS;
    } catch (error) {
      if (signal.aborted) break;
      if (error instanceof GrammyError && error.error_code === 409)
        log.warn('another process polls for updates of this bot; only one can do so at a time');
      else log.warn({ err: error }, 'could not get or store updates; retrying');
      await sleep((retryAfter(error) ?? 0) * 1000 + retryMs, undefined, { signal }).catch(() => {});
      retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
    }
  }
  await inbox.idle();
  // Acknowledges the last updates, so that the next start does not get them again.
  const quit = AbortSignal.timeout(1_000) as TelegramSignal;
  if (offset > 0) await api.getUpdates({ offset, limit: 1, timeout: 0 }, quit).catch(() => {});
}
