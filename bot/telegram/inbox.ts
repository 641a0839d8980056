import { setTimeout as sleep } from 'node:timers/promises';
import type { Update } from 'grammy/types';
import type { Logger } from '../../src/process/log.ts';
import type { JsonFolder } from '../state/folder.ts';
import { chatOf } from './update.ts';

/** How long to wait for an update's handler before the update is stored on disk, so that no chat delays the others. */
const STORE_AFTER_MS = 200;
/** Stored updates of one chat; while there are that many, its further updates are dropped. */
const MAX_STORED_PER_CHAT = 50;
/** Stored updates of all chats; while there are that many, updates are left at Telegram. */
const MAX_STORED = 1_000;

export interface InboxOptions {
  /** Called at once for every update, even while earlier ones of its chat are being handled. */
  onArrival(update: Update): void;
  /** Called for the first dropped update of a chat. */
  onFlood(update: Update): void;
  /** Resolves once the update is handled or its effects are on disk; rejects if it must be handled again. */
  handle(update: Update, chatId: number): Promise<void>;
  /** Updates that were acknowledged before they were handled. */
  readonly stored: JsonFolder<Update>;
  readonly log: Logger;
}

/**
 * Dispatches updates: those of one chat in order and one at a time, those of different chats concurrently. An update whose handler is
 * slow is stored on disk until it is handled, and handled again after a restart. A chat that floods the bot has only some stored.
 */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #last = new Map<number, Promise<void>>();
  #storedCount = 0;
  readonly #storedByChat = new Map<number, number>();
  readonly #flooding = new Set<number>();

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Handles the updates stored before the last stop. Call before the first `take`. */
  async resume(): Promise<void> {
    const { stored } = this.#options;
    const updates = (await Promise.all((await stored.ids()).map((id) => stored.read(id)))).filter((update) => update !== null);
    for (const update of updates.toSorted((a, b) => a.update_id - b.update_id)) this.#removeWhenHandled(update, this.#queue(update));
  }

  /** Resolves once the update may be acknowledged. */
  async take(update: Update): Promise<void> {
    this.#options.onArrival(update);
    const chatId = chatOf(update);
    if ((this.#storedByChat.get(chatId) ?? 0) >= MAX_STORED_PER_CHAT && !update.my_chat_member) {
      if (!this.#flooding.has(chatId)) this.#options.onFlood(update);
      this.#flooding.add(chatId);
      return;
    }
    const handled = this.#queue(update);
    const waited = new AbortController();
    const isSlow = sleep(STORE_AFTER_MS, true, { signal: waited.signal }).catch(() => false);
    const mustStore = await Promise.race([handled.then(() => false), isSlow]).finally(() => waited.abort());
    if (mustStore && this.#storedCount < MAX_STORED) {
      await this.#options.stored.write(String(update.update_id), update);
      this.#removeWhenHandled(update, handled);
    } else await handled;
  }

  /** Resolves once no update is being handled. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }

  #queue(update: Update): Promise<void> {
    const chatId = chatOf(update);
    const previous = this.#last.get(chatId) ?? Promise.resolve();
    const done = previous
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

  /** An update that cannot be handled stays stored for the next start. */
  #removeWhenHandled(update: Update, handled: Promise<void>): void {
    const { update_id: id } = update;
    this.#count(chatOf(update), 1);
    handled
      .finally(() => this.#count(chatOf(update), -1))
      .then(() => this.#options.stored.remove(String(id)))
      .catch((error: unknown) => {
        this.#options.log.warn({ err: error, updateId: id }, 'an update stays stored until the next start');
      });
  }

  #count(chatId: number, change: 1 | -1): void {
    this.#storedCount += change;
    const count = (this.#storedByChat.get(chatId) ?? 0) + change;
    if (count === 0) this.#storedByChat.delete(chatId);
    else this.#storedByChat.set(chatId, count);
  }
}
