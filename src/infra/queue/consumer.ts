import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from 'bullmq';
import type { Consumer, Delivery, HandlerOutcome } from '../../jobs/ports/queue.ts';
import { withDeadline } from '../../process/deadline.ts';
import { Gate } from '../gate.ts';
import type { EntryWorker } from './backend.ts';

export interface ConsumerOptions {
  /** Opens a BullMQ worker with its own connections; its errors go to `onError`. */
  readonly openWorker: (onError: (error: unknown) => void) => EntryWorker;
  /** Lifetime of a lock that is not renewed, in milliseconds. */
  readonly lockMs: number;
  readonly handle: (delivery: Delivery) => Promise<HandlerOutcome>;
  /** Called with errors of the connection. */
  readonly report: (error: unknown) => void;
  /** Called when `handle` rejects. */
  readonly onRejection: (jobId: string, error: unknown) => void;
}

/** Longest wait for the queue when closing. Entries that are not acknowledged by then are delivered again after the stalled time. */
const CLOSE_MS = 2500;
const RETRY_MS = 500;
const AFTER_REJECTION: HandlerOutcome = { then: 'again', delayMs: 1000 };

/**
 * Takes entries one at a time through BullMQ's manual interface. BullMQ's own loop would take one more entry after `pause`, lose an entry
 * whose worker cannot reach the queue when it is done, and loop without a pause while PostgreSQL is unreachable.
 *
 *   take ──▶ handle, renewing the lock ──▶ done: remove │ again: move to the front, or delay ──▶ take …
 *
 * After an error of the connection the next entry is taken over new connections.
 */
export class QueueConsumer implements Consumer {
  lastActiveAt = new Date();
  readonly #options: ConsumerOptions;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #worker: { readonly bullmq: EntryWorker; failed: boolean } | null = null;
  /** Shut while paused. */
  readonly #gate = new Gate();
  #handling: Promise<unknown> | null = null;
  #closed: Promise<void> | null = null;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#loop = this.#run();
  }

  async pause(): Promise<void> {
    this.#gate.shut();
  }

  resume(): void {
    this.#gate.open();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    this.resume();
    await this.#handling;
    // Ends a wait for entries; the loop returns an entry that was just taken.
    this.#worker?.bullmq.backend.disconnectBlocking(false).catch(this.#options.report);
    await withDeadline(this.#loop, CLOSE_MS, 'the queue did not answer while closing').catch(this.#options.report);
    // On a lost connection ioredis never replies, and the loop stays suspended, which is harmless.
    await this.#discard();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#gate.passed();
        if (!signal.aborted) await this.#takeOne();
      } catch (error) {
        if (!signal.aborted) this.#options.report(error);
        if (this.#worker) this.#worker.failed = true;
        await sleep(RETRY_MS, null, { signal }).catch(() => {});
      }
    }
    await this.#discard();
  }

  async #takeOne(): Promise<void> {
    if (this.#worker?.failed) await this.#discard();
    const worker = this.#worker?.bullmq ?? (await this.#connect());
    const token = randomUUID();
    const entry: Job | undefined = await worker.getNextJob(token);
    if (!entry) return;
    if (!this.#gate.isOpen || this.#closing.signal.aborted) await returnToFront(worker, entry, token);
    else await this.#deliver(worker, entry, token);
  }

  async #connect(): Promise<EntryWorker> {
    const worker = {
      bullmq: this.#options.openWorker((error) => {
        worker.failed = true;
        if (!this.#closing.signal.aborted) this.#options.report(error);
      }),
      failed: false,
    };
    this.#worker = worker;
    await worker.bullmq.waitUntilReady();
    await worker.bullmq.startStalledCheckTimer();
    return worker.bullmq;
  }

  async #discard(): Promise<void> {
    const worker = this.#worker?.bullmq;
    this.#worker = null;
    if (worker) await withDeadline(worker.close(true), CLOSE_MS, 'connections did not close').catch(this.#options.report);
  }

  async #deliver(worker: EntryWorker, entry: Job, token: string): Promise<void> {
    const { handle, lockMs, onRejection, report } = this.#options;
    const jobId = entry.id!;
    const lock = new EntryLock(entry, token, lockMs, report);
    this.lastActiveAt = new Date();
    const handled = (async () => handle({ jobId, signal: lock.signal }))().catch((error: unknown) => {
      onRejection(jobId, error);
      return AFTER_REJECTION;
    });
    this.#handling = handled;
    const outcome = await handled;
    this.#handling = null;
    lock.release();
    if (!lock.signal.aborted) await this.#acknowledge(worker, entry, token, outcome);
    this.lastActiveAt = new Date();
  }

  /** Reports the outcome, retrying until the queue accepts it, or refuses it because another worker now has the entry. */
  async #acknowledge(worker: EntryWorker, entry: Job, token: string, outcome: HandlerOutcome): Promise<void> {
    for (;;) {
      try {
        if (outcome.then === 'done') await entry.moveToCompleted(null, token, false);
        else if (outcome.delayMs <= 0) await returnToFront(worker, entry, token);
        else await entry.moveToDelayed(Date.now() + outcome.delayMs, token);
        return;
      } catch (error) {
        if (!this.#closing.signal.aborted) this.#options.report(error);
        if (isRefusal(error) || this.#closing.signal.aborted) return;
        await sleep(RETRY_MS, null, { signal: this.#closing.signal }).catch(() => {});
      }
    }
  }
}

/** Moves an entry before all waiting ones. On PostgreSQL, BullMQ's `moveToWait` would move it behind them. */
async function returnToFront(worker: EntryWorker, entry: Job, token: string): Promise<void> {
  await worker.backend.retryJob(entry.id!, true, token);
}

/** Whether the queue refused because this worker no longer holds the entry. BullMQ uses negative codes for this. */
function isRefusal(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'number' && code < 0;
}

/** Renews the lock on one entry until it is released; aborts `signal` when the queue reports that the lock is lost. */
class EntryLock {
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #released = false;

  constructor(entry: Job, token: string, lockMs: number, report: (error: unknown) => void) {
    const renew = async (): Promise<void> => {
      const extended = await entry.extendLock(token, lockMs).catch(report);
      if (this.#released) return;
      if (extended === 0) this.#lost.abort(new Error('the lock on this job was lost'));
      else this.#timer = setTimeout(() => void renew(), lockMs / 3);
    };
    this.#timer = setTimeout(() => void renew(), lockMs / 3);
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  release(): void {
    this.#released = true;
    clearTimeout(this.#timer);
  }
}
