import type { BusMessage } from '../../jobs/ports/bus.ts';
import type { Log } from '../../jobs/ports/log.ts';

export type Listener = (message: BusMessage) => void;

/** Largest message, in bytes of JSON: PostgreSQL refuses notifications of 8000 bytes and more, topic included. */
const MESSAGE_BYTES = 7000;

/** @throws RangeError if the message is too large */
export function encodeMessage(message: BusMessage): string {
  const text = JSON.stringify(message);
  const bytes = Buffer.byteLength(text);
  if (bytes > MESSAGE_BYTES) throw new RangeError(`A bus message of ${bytes} bytes is too large; ${MESSAGE_BYTES} are allowed.`);
  return text;
}

/** Who listens to which topic within this process. A listener's error is logged and harms no other listener. */
export class Subscribers {
  readonly #topics = new Map<string, Set<{ readonly listener: Listener }>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  get topics(): string[] {
    return [...this.#topics.keys()];
  }

  has(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** Returns the function that removes the listener again; it may be called twice. */
  add(topic: string, listener: Listener): () => void {
    const entry = { listener };
    const entries = this.#topics.get(topic) ?? new Set();
    this.#topics.set(topic, entries.add(entry));
    return () => {
      if (entries.delete(entry) && entries.size === 0) this.#topics.delete(topic);
    };
  }

  clear(): void {
    this.#topics.clear();
  }

  /** Hands a message to the topic's listeners; `text` is what `encodeMessage` made. */
  dispatch(topic: string, text: string): void {
    const entries = this.#topics.get(topic);
    if (!entries) return;
    for (const { listener } of [...entries]) {
      try {
        listener(JSON.parse(text) as BusMessage);
      } catch (error) {
        this.#log.error({ err: error, topic }, 'a bus listener failed');
      }
    }
  }
}
