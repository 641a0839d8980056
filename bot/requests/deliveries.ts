import { once, setMaxListeners } from 'node:events';

/** Videos sent at once, of all chats together. */
const MAX_DELIVERIES = 8;
/** Videos sent at once to one chat. */
const MAX_PER_CHAT = 2;

/** Limits how many videos are sent at once, so that no chat delays the others. Starts none after `close`. */
export class Deliveries {
  readonly #running = new Map<Promise<unknown>, number>();
  /** Dispatches `end` whenever a delivery ends. */
  readonly #ends = new EventTarget();
  #isClosed = false;

  constructor() {
    setMaxListeners(0, this.#ends);
  }

  /** Runs `work` as soon as a slot is free. @throws what `work` throws; AbortError if `signal` is aborted before it starts */
  async run(chatId: number, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!this.#hasSlot(chatId)) await once(this.#ends, 'end', { signal });
    const done = work();
    this.#running.set(done, chatId);
    try {
      await done;
    } finally {
      this.#running.delete(done);
      this.#ends.dispatchEvent(new Event('end'));
    }
  }

  /** Starts no more deliveries; resolves once the running ones have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running.keys());
  }

  #hasSlot(chatId: number): boolean {
    const chats = [...this.#running.values()];
    return !this.#isClosed && chats.length < MAX_DELIVERIES && chats.filter((each) => each === chatId).length < MAX_PER_CHAT;
  }
}
