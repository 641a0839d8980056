import { once, setMaxListeners } from 'node:events';

/** So many videos are sent at once, for all chats together. */
const AT_ONCE = 8;

/** Videos that are being sent: a few at a time, and no more once the bot is about to end. */
export class Deliveries {
  readonly #underWay = new Set<Promise<unknown>>();
  /** Dispatches `end` whenever one ends. */
  readonly #ends = new EventTarget();
  #isClosed = false;

  constructor() {
    setMaxListeners(0, this.#ends);
  }

  /** Does `work` as soon as there is a place for it. @throws what `work` throws; the reason of `signal` if it never began */
  async run(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (this.#isClosed || this.#underWay.size >= AT_ONCE) await once(this.#ends, 'end', { signal });
    const done = work();
    this.#underWay.add(done);
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
    await Promise.allSettled(this.#underWay);
  }
}
