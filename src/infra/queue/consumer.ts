import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from 'bullmq';
import type { Consumer, Delivery, HandlerOutcome } from '../../jobs/ports/queue.ts';
import { withDeadline } from '../connection.ts';
import { Gate } from '../gate.ts';
import type { EntryWorker } from './backend.ts';

export interface ConsumerOptions {
  /** A new BullMQ worker with connections of its own; its errors go to the given function. */
  readonly openWorker: (onError: (error: unknown) => void) => EntryWorker;
  /** How long a lock lives when it is not renewed. */
  readonly lockMs: number;
  readonly handle: (delivery: Delivery) => Promise<HandlerOutcome>;
  /** Told of trouble with the connection. */
  readonly report: (error: unknown) => void;
  /** Told when `handle` rejects. */
  readonly onRejection: (jobId: string, error: unknown) => void;
}

/** How long closing waits for a queue that does not answer. What is unsettled then, comes again after the stalled time. */
const CLOSE_MS = 2500;
const RETRY_MS = 500;
const AFTER_REJECTION: HandlerOutcome = { then: 'again', delayMs: 1000 };

/**
 * Takes entries one by one through BullMQ's manual interface. BullMQ's own loop would take one more entry after `pause`, drop an
 * entry whose worker cannot reach the queue when it is done, and spin while PostgreSQL is away.
 *
 *   take ──▶ handle, lock renewed meanwhile ──▶ done: removed │ again: to the front, or delayed ──▶ take …
 *
 * After any trouble with the connection the next entry is taken over new connections.
 */
export class QueueConsumer implements Consumer {
  lastActiveAt = new Date();
  readonly #options: ConsumerOptions;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #worker: { readonly bullmq: EntryWorker; troubled: boolean } | null = null;
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
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  async #shutDown(): Promise<void> {
    this.#closing.abort();
    this.resume();
    await this.#handling;
    // Ends a wait for entries; an entry that was just taken is handed back by the loop.
    this.#worker?.bullmq.backend.disconnectBlocking(false).catch(this.#options.report);
    await withDeadline(this.#loop, CLOSE_MS, 'the queue did not answer while closing').catch(this.#options.report);
    // Where the loop still hangs on a lost connection it does so for ever, harmlessly: ioredis never answers then.
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
        if (this.#worker) this.#worker.troubled = true;
        await sleep(RETRY_MS, null, { signal }).catch(() => {});
      }
    }
    await this.#discard();
  }

  async #takeOne(): Promise<void> {
    if (this.#worker?.troubled) await this.#discard();
    const worker = this.#worker?.bullmq ?? (await this.#connect());
    const token = randomUUID();
    const entry: Job | undefined = await worker.getNextJob(token);
    if (!entry) return;
    if (!this.#gate.isOpen || this.#closing.signal.aborted) await handBack(worker, entry, token);
    else await this.#deliver(worker, entry, token);
  }

  async #connect(): Promise<EntryWorker> {
    const worker = {
      bullmq: this.#options.openWorker((error) => {
        worker.troubled = true;
        if (!this.#closing.signal.aborted) this.#options.report(error);
      }),
      troubled: false,
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
    if (!lock.signal.aborted) await this.#settle(worker, entry, token, outcome);
    this.lastActiveAt = new Date();
  }

  /** Tells the queue what becomes of the entry, however long it takes to reach it. If another worker has it by then, that is fine. */
  async #settle(worker: EntryWorker, entry: Job, token: string, outcome: HandlerOutcome): Promise<void> {
    for (;;) {
      try {
        if (outcome.then === 'done') await entry.moveToCompleted(null, token, false);
        else if (outcome.delayMs <= 0) await handBack(worker, entry, token);
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

/** Puts an entry before all that wait. BullMQ's `moveToWait` would put it behind them on PostgreSQL. */
async function handBack(worker: EntryWorker, entry: Job, token: string): Promise<void> {
  await worker.backend.retryJob(entry.id!, true, token);
}

/** True if the queue answered that the entry is not ours (any more); BullMQ numbers these answers, all below zero. */
function isRefusal(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'number' && code < 0;
}

/** Renews the lock on one entry until released; aborts `signal` once the queue says that the lock is gone. */
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
