import { setTimeout as sleep } from 'node:timers/promises';
import type { Update } from 'grammy/types';
import type { Logger } from '../../src/process/log.ts';
import type { JsonFolder } from '../state/folder.ts';
import { chatOf } from './update.ts';

/** How long an update is waited for before it is kept on disk, so that no chat holds up the others. */
const KEEP_AFTER_MS = 200;
/** So many are kept of one chat; while there are more, what comes of it is let go. */
const MOST_OF_CHAT = 50;
/** So many are kept of all; while there are more, Telegram waits. */
const MOST_KEPT = 1_000;

export interface InboxOptions {
  /** Called at once for every update that comes in, also while earlier ones of its chat are being handled. */
  onArrival(update: Update): void;
  /** Called for the first of the updates of a chat that are let go. */
  onFlood(update: Update): void;
  /** Resolves once the update is handled or safely kept; rejects if it is to come again. */
  handle(update: Update, chatId: number): Promise<void>;
  /** Updates that were acknowledged before they were handled. */
  readonly kept: JsonFolder<Update>;
  readonly log: Logger;
}

/**
 * Hands updates on: those of one chat one after the other, in the order in which they came, different chats side by side. One that
 * takes long is kept on disk until it is handled, and taken up again by the next start; of a chat that sends without end, only some are.
 */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #last = new Map<number, Promise<void>>();
  #keptCount = 0;
  readonly #keptOf = new Map<number, number>();
  readonly #flooding = new Set<number>();

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Goes on with what was kept when the bot last ended; before any other update is taken. */
  async resume(): Promise<void> {
    const { kept } = this.#options;
    const updates = (await Promise.all((await kept.ids()).map((id) => kept.read(id)))).filter((update) => update !== null);
    for (const update of updates.toSorted((a, b) => a.update_id - b.update_id)) this.#letGo(update, this.#queue(update));
  }

  /** Resolves once the update may be acknowledged. */
  async take(update: Update): Promise<void> {
    this.#options.onArrival(update);
    const chatId = chatOf(update);
    if ((this.#keptOf.get(chatId) ?? 0) >= MOST_OF_CHAT && !update.my_chat_member) {
      if (!this.#flooding.has(chatId)) this.#options.onFlood(update);
      this.#flooding.add(chatId);
      return;
    }
    const handled = this.#queue(update);
    const enough = new AbortController();
    const isSlow = sleep(KEEP_AFTER_MS, true, { signal: enough.signal }).catch(() => false);
    const mustKeep = await Promise.race([handled.then(() => false), isSlow]).finally(() => enough.abort());
    if (mustKeep && this.#keptCount < MOST_KEPT) {
      await this.#options.kept.write(String(update.update_id), update);
      this.#letGo(update, handled);
    } else await handled;
  }

  /** Until nothing is being handled. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }

  #queue(update: Update): Promise<void> {
    const chatId = chatOf(update);
    const before = this.#last.get(chatId) ?? Promise.resolve();
    const done = before
      .catch(() => {})
      .then(() => this.#options.handle(update, chatId))
      .finally(() => {
        if (this.#last.get(chatId) !== done) return;
        this.#last.delete(chatId);
        this.#flooding.delete(chatId);
      });
    this.#last.set(chatId, done);
    return done;
  }

  /** Nobody waits for a kept update; what cannot be handled now is by the next start. */
  #letGo(update: Update, handled: Promise<void>): void {
    const { update_id: id } = update;
    this.#count(chatOf(update), 1);
    handled
      .finally(() => this.#count(chatOf(update), -1))
      .then(() => this.#options.kept.remove(String(id)))
      .catch((error: unknown) => {
        this.#options.log.warn({ err: error, updateId: id }, 'an update stays kept until the next start');
      });
  }

  #count(chatId: number, more: 1 | -1): void {
    this.#keptCount += more;
    const count = (this.#keptOf.get(chatId) ?? 0) + more;
    if (count === 0) this.#keptOf.delete(chatId);
    else this.#keptOf.set(chatId, count);
  }
}
