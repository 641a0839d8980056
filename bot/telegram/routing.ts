import { setTimeout as sleep } from 'node:timers/promises';
import { GrammyError } from 'grammy';
import type { Logger } from '../../src/process/log.ts';
import type { Telegram } from './client.ts';
import { retryAfter } from './errors.ts';
import { UPDATE_KINDS } from './polling.ts';

export interface Webhook {
  readonly url: string;
  /** Telegram sends it with every call. */
  readonly secret: string;
}

/** The delay between tries doubles up to the maximum. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

/**
 * Sets or deletes the webhook at Telegram; retried until it succeeds.
 * @param webhook null for polling
 * @param onProblem called with the reason of each failure, and with null on success
 */
export async function routeUpdates(
  { once }: Telegram,
  webhook: Webhook | null,
  log: Logger,
  signal: AbortSignal,
  onProblem: (problem: string | null) => void,
): Promise<void> {
  for (let retryMs = RETRY_MS; ; retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)) {
    try {
      if (webhook) await once.setWebhook(webhook.url, { secret_token: webhook.secret, allowed_updates: UPDATE_KINDS });
      else await once.deleteWebhook();
      onProblem(null);
      return;
    } catch (error) {
      signal.throwIfAborted();
      const failure = webhook ? 'could not set the webhook' : 'could not delete an earlier webhook';
      onProblem(`${failure}: ${error instanceof GrammyError ? error.description : 'Telegram does not respond'}`);
      log.error({ err: error }, `${failure}; retrying`);
      await sleep(Math.max(retryMs, (retryAfter(error) ?? 0) * 1000), undefined, { signal });
    }
  }
}
