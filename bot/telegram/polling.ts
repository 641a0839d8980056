import { setTimeout as sleep } from 'node:timers/promises';
import { GrammyError, type Api } from 'grammy';
import type { Update } from 'grammy/types';
import type { Logger } from '../../src/process/log.ts';
import type { TelegramSignal } from './signal.ts';
import { retryAfter } from './errors.ts';
import type { Inbox } from './inbox.ts';

/** Kinds of updates that the bot asks for. */
export const UPDATE_KINDS = ['message', 'callback_query', 'my_chat_member'] as const satisfies readonly (keyof Update)[];

const POLL_SECONDS = 30;
/** A poll that has not ended by then hangs. */
const HANGING_MS = (POLL_SECONDS + 15) * 1000;
const TROUBLE_MS = 1_000;
const TROUBLE_MAX_MS = 30_000;

/**
 * Asks Telegram for updates until `signal`. To ask for later ones acknowledges the earlier: that happens only once these are handled or
 * safely kept, so that none is lost whenever the bot is killed. What is delivered twice then is for the handler to recognise.
 */
export async function poll(api: Api, inbox: Inbox, log: Logger, signal: AbortSignal, onContact: () => void): Promise<void> {
  let offset = 0;
  for (let trouble = TROUBLE_MS; !signal.aborted;) {
    try {
      const hanging = AbortSignal.any([signal, AbortSignal.timeout(HANGING_MS)]);
      const updates = await api.getUpdates({ offset, timeout: POLL_SECONDS, allowed_updates: UPDATE_KINDS }, hanging as TelegramSignal);
      onContact();
      await Promise.all(updates.map((update) => inbox.take(update)));
      offset = (updates.at(-1)?.update_id ?? offset - 1) + 1;
      trouble = TROUBLE_MS;
    } catch (error) {
      if (signal.aborted) break;
      if (error instanceof GrammyError && error.error_code === 409)
        log.warn('another process asks for updates of this bot; there can be only one');
      else log.warn({ err: error }, 'could not get or keep updates; trying again');
      await sleep((retryAfter(error) ?? 0) * 1000 + trouble, undefined, { signal }).catch(() => {});
      trouble = Math.min(TROUBLE_MAX_MS, trouble * 2);
    }
  }
  await inbox.idle();
  // Spares the next start what is handled already.
  const goodbye = AbortSignal.timeout(1_000) as TelegramSignal;
  if (offset > 0) await api.getUpdates({ offset, limit: 1, timeout: 0 }, goodbye).catch(() => {});
}
