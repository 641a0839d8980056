import type { BusMessage } from '../../jobs/ports/bus.ts';
import type { Log } from '../../jobs/ports/log.ts';

export type Listener = (message: BusMessage) => void;

/** Largest message in bytes of JSON. PostgreSQL refuses notifications of 8000 bytes and more, including the topic. */
const MESSAGE_BYTES = 7000;

/** @throws RangeError if the message is too large */
export function encodeMessage(message: BusMessage): string {
  const text = JSON.stringify(message);
  const bytes = Buffer.byteLength(text);
  if (bytes > MESSAGE_BYTES) throw new RangeError(`A bus message of ${bytes} bytes is too large; ${MESSAGE_BYTES} are allowed.`);
  return text;
}

/** The listeners of this process by topic. The error of a listener is logged and does not affect the others. */
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

  /** Adds a listener; returns a function that removes it and may be called more than once. */
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

  /** Calls the listeners of a topic; `text` is the result of `encodeMessage`. */
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
