import { names } from '../../catalog/catalog.ts';
import { ENGINES, type EngineName } from '../../catalog/engines.ts';
import type { Consumer, Delivery, HandlerOutcome, QueueCounts, QueueEntryState, RenderQueue } from '../../jobs/ports/queue.ts';
import type { Log } from '../../jobs/ports/log.ts';
import { withDeadline } from '../../process/deadline.ts';
import { reporter, silent } from '../connection.ts';
import { postgresBackend, redisBackend, type EntryQueue, type QueueBackend } from './backend.ts';
import { QueueConsumer } from './consumer.ts';

export interface QueueSettings {
  /** If set, the queue is in Redis, otherwise in PostgreSQL. */
  readonly redisUrl?: string | undefined;
  readonly databaseUrl: string;
  /** Separates installations that share a server; [a-z0-9_]. */
  readonly prefix: string;
  /** An entry whose worker has not renewed its lock for this long is delivered to another one, after at most about twice as long. */
  readonly stalledSeconds: number;
  readonly log?: Log;
}

/** Longest wait for the queue, in milliseconds. Callers such as createJob respond after it. */
const REPLY_TIMEOUT_MS = 2500;

/**
 * Opens a RenderQueue on BullMQ. It connects in the background and survives restarts of Redis and PostgreSQL. While they are unreachable,
 * operations reject within 2.5 s, but may still have taken effect. On PostgreSQL, the clocks of machines that share a queue must agree
 * within a fraction of `stalledSeconds`.
 */
export function openQueue(settings: QueueSettings): RenderQueue {
  return new BullQueue(settings);
}

class BullQueue implements RenderQueue {
  readonly #backend: QueueBackend;
  readonly #report: (error: unknown) => void;
  readonly #log: Log;
  readonly #stalledMs: number;
  readonly #queues = new Map<EngineName, Promise<EntryQueue>>();
  readonly #consumers = new Set<Consumer>();
  #closed = false;

  constructor({ redisUrl, databaseUrl, prefix, stalledSeconds, log = silent }: QueueSettings) {
    this.#log = log;
    this.#report = reporter(log, 'queue');
    this.#stalledMs = stalledSeconds * 1000;
    this.#backend = redisUrl ? redisBackend(redisUrl, prefix, this.#report) : postgresBackend(databaseUrl, prefix);
  }

  async enqueue(engine: EngineName, jobId: string, delayMs = 0): Promise<void> {
    await this.#run(engine, (queue) => queue.add(engine, {}, { jobId, delay: delayMs, removeOnComplete: true, removeOnFail: true }));
  }

  async remove(engine: EngineName, jobId: string): Promise<void> {
    await this.#run(engine, (queue) => queue.remove(jobId));
  }

  async state(engine: EngineName, jobId: string): Promise<QueueEntryState> {
    return this.#run(engine, async (queue) => {
      const state = await queue.getJobState(jobId);
      switch (state) {
        case 'waiting':
        case 'delayed':
        case 'active':
          return state;
        case 'unknown':
          return 'missing';
        default:
          await queue.remove(jobId);
          return 'missing';
      }
    });
  }

  async counts(engine: EngineName): Promise<QueueCounts> {
    const counts = await this.#run(engine, (queue) => queue.getJobCounts('waiting', 'delayed', 'active'));
    return { waiting: counts['waiting'] ?? 0, delayed: counts['delayed'] ?? 0, active: counts['active'] ?? 0 };
  }

  async consume(engine: EngineName, handle: (delivery: Delivery) => Promise<HandlerOutcome>): Promise<Consumer> {
    if (this.#closed) throw new Error('the queue is closed');
    const consumer = new QueueConsumer({
      openWorker: (onError) => this.#backend.worker(engine, this.#stalledMs, onError),
      lockMs: this.#stalledMs,
      handle,
      report: reporter(this.#log, `queue ${engine}`),
      onRejection: (jobId, error) => this.#log.error({ err: error, jobId }, 'handling a delivery failed; it will be delivered again'),
    });
    this.#consumers.add(consumer);
    return consumer;
  }

  async ping(): Promise<void> {
    await this.counts(names(ENGINES)[0]!);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
    const queues = [...this.#queues.values()];
    this.#queues.clear();
    await Promise.all(
      [this.#backend.close(), ...queues.map(async (queue) => (await queue).close())].map((closing) =>
        withDeadline(closing, REPLY_TIMEOUT_MS, 'the queue did not close').catch(this.#report),
      ),
    );
  }

  #run<T>(engine: EngineName, work: (queue: EntryQueue) => Promise<T>): Promise<T> {
    return withDeadline(this.#queue(engine).then(work), REPLY_TIMEOUT_MS, 'the queue did not answer');
  }

  /** The engine's queue once it is connected. A BullMQ queue never recovers from a failed start, so it is replaced. */
  #queue(engine: EngineName): Promise<EntryQueue> {
    const known = this.#queues.get(engine);
    if (known) return known;
    if (this.#closed) return Promise.reject(new Error('the queue is closed'));
    const queue = this.#backend.queue(engine, this.#report);
    const ready = queue.waitUntilReady().then(() => queue);
    this.#queues.set(engine, ready);
    ready.catch(() => {
      if (this.#queues.get(engine) === ready) this.#queues.delete(engine);
      queue.close().catch(this.#report);
    });
    return ready;
  }
}
