import type { Update } from 'grammy/types';

/** Number of the chat that an update belongs to; of the user where there is none. */
function chatOf(update: Update): number {
  const { message, callback_query: tap, my_chat_member: membership } = update;
  return message?.chat.id ?? tap?.message?.chat.id ?? tap?.from.id ?? membership?.chat.id ?? 0;
}

/**
 * Hands updates on: those of one chat one after the other, in the order in which they came, different chats side by side.
 */
export class Inbox {
  readonly #handle: (update: Update, chatId: number) => Promise<void>;
  readonly #last = new Map<number, Promise<void>>();

  /** @param handle resolves once the update is handled or safely kept */
  constructor(handle: (update: Update, chatId: number) => Promise<void>) {
    this.#handle = handle;
  }

  /** Resolves once the update may be acknowledged. */
  async take(update: Update): Promise<void> {
    const chatId = chatOf(update);
    const before = this.#last.get(chatId) ?? Promise.resolve();
    const done = before.catch(() => {}).then(() => this.#handle(update, chatId));
    this.#last.set(chatId, done);
    try {
      await done;
    } finally {
      if (this.#last.get(chatId) === done) this.#last.delete(chatId);
    }
  }

  /** Until nothing is being handled. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
