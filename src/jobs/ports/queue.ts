/** The queue port. `src/infra/queue` implements it. */
import type { EngineName } from '../../catalog/engines.ts';

export interface QueueCounts {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
}

/** What the queue does with an entry after it has been handled; `again` without a delay moves it before all waiting entries. */
export type HandlerOutcome = { readonly then: 'done' } | { readonly then: 'again'; readonly delayMs: number };

export interface Delivery {
  readonly jobId: string;
  /** Aborted when the lock on the entry is lost, so that another worker may receive it. */
  readonly signal: AbortSignal;
}

export interface Consumer {
  /** Stops taking entries; the one being handled continues. */
  pause(): Promise<void>;
  resume(): void;
  /** Stops taking entries and waits for the one being handled. */
  close(): Promise<void>;
  /** When this consumer last took or finished an entry. */
  readonly lastActiveAt: Date;
}

export type QueueEntryState = 'waiting' | 'delayed' | 'active' | 'missing';

/** Distributes jobs to workers. There is one queue per engine; an entry consists of the id of its job. */
export interface RenderQueue {
  /** Adds an entry; does nothing if the job already has one. */
  enqueue(engine: EngineName, jobId: string, delayMs?: number): Promise<void>;
  /** Removes a waiting or delayed entry; one that is being handled stays. */
  remove(engine: EngineName, jobId: string): Promise<void>;
  /** An entry that the queue has failed, because it stalled too often, counts as missing and is removed. */
  state(engine: EngineName, jobId: string): Promise<QueueEntryState>;
  counts(engine: EngineName): Promise<QueueCounts>;
  /**
   * Delivers entries to `handle`, one at a time. The entry of a dead worker is delivered to another consumer after the stalled time. If
   * `handle` rejects, the entry is delivered again after a second.
   */
  consume(engine: EngineName, handle: (delivery: Delivery) => Promise<HandlerOutcome>): Promise<Consumer>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
