import type { JobContext } from '../../src/jobs/context.ts';
import type { WorkerRecord } from '../../src/jobs/store.ts';

export interface HeartbeatOptions {
  readonly context: Pick<JobContext, 'workers' | 'log'>;
  /** The device's row as of now. */
  readonly record: () => WorkerRecord;
  /** Nothing is written once this is aborted, since a slow database would delay the exit. */
  readonly deadline: AbortSignal;
}

/**
 * Writes the row that shows that a device is alive, what it can render and what it is doing. Writes are serialized, and each reads
 * the record when it starts, so that a delayed write cannot overwrite newer state.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #last: Promise<void> = Promise.resolve();
  /** A write that has been requested and has not started; later requests share it. */
  #next: Promise<void> | null = null;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Writes the current record. Resolves once it is written or the failure is logged; never rejects. */
  write(): Promise<void> {
    this.#next ??= this.#last.then(() => {
      this.#next = null;
      return this.#write();
    });
    return (this.#last = this.#next);
  }

  /** Waits for the last write and marks the device as stopped. Call after the deadline. */
  async stop(): Promise<void> {
    const { context, record } = this.#options;
    await this.#last;
    await context.workers.markStopped(record().id);
  }

  async #write(): Promise<void> {
    const { context, record, deadline } = this.#options;
    if (deadline.aborted) return;
    const row = record();
    await context.workers
      .writeHeartbeat(row)
      .catch((error: unknown) => context.log.warn({ device: row.device, err: error }, 'could not write the heartbeat'));
  }
}
