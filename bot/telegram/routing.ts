import { setTimeout as sleep } from 'node:timers/promises';
import { GrammyError } from 'grammy';
import type { Logger } from '../../src/process/log.ts';
import type { Telegram } from './client.ts';
import { retryAfter } from './errors.ts';
import { UPDATE_KINDS } from './polling.ts';

export interface Webhook {
  readonly url: string;
  /** What Telegram shows with every call. */
  readonly secret: string;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/**
 * Tells Telegram where updates go, until it takes that.
 * @param webhook null where they are asked for
 * @param onTrouble called with why it does not work, and with null once it does
 */
export async function routeUpdates(
  { once }: Telegram,
  webhook: Webhook | null,
  log: Logger,
  signal: AbortSignal,
  onTrouble: (why: string | null) => void,
): Promise<void> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
    try {
      if (webhook) await once.setWebhook(webhook.url, { secret_token: webhook.secret, allowed_updates: UPDATE_KINDS });
      else await once.deleteWebhook();
      onTrouble(null);
      return;
    } catch (error) {
      signal.throwIfAborted();
      const what = webhook ? 'Telegram does not take the webhook' : 'Telegram does not let go of an earlier webhook';
      onTrouble(`${what}: ${error instanceof GrammyError ? error.description : 'it does not answer'}`);
      log.error({ err: error }, `${what}; trying again`);
      await sleep(Math.max(wait, (retryAfter(error) ?? 0) * 1000), undefined, { signal });
    }
  }
}
