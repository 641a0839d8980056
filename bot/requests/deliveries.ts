import { once, setMaxListeners } from 'node:events';

/** So many videos are sent at once, for all chats together. */
const AT_ONCE = 8;
/** So many of these for one chat. */
const OF_CHAT = 2;

/** Videos that are being sent: a few at a time, so that no chat keeps others waiting, and no more once the bot is about to end. */
export class Deliveries {
  readonly #underWay = new Map<Promise<unknown>, number>();
  /** Dispatches `end` whenever one ends. */
  readonly #ends = new EventTarget();
  #isClosed = false;

  constructor() {
    setMaxListeners(0, this.#ends);
  }

  /** Does `work` as soon as there is a place for it. @throws what `work` throws; AbortError if it never began */
  async run(chatId: number, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!this.#hasPlace(chatId)) await once(this.#ends, 'end', { signal });
    const done = work();
    this.#underWay.set(done, chatId);
    try {
      await done;
    } finally {
      this.#underWay.delete(done);
      this.#ends.dispatchEvent(new Event('end'));
    }
  }

  /** Begins no more; resolves once those under way have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay.keys());
  }

  #hasPlace(chatId: number): boolean {
    const chats = [...this.#underWay.values()];
    return !this.#isClosed && chats.length < AT_ONCE && chats.filter((each) => each === chatId).length < OF_CHAT;
  }
}
