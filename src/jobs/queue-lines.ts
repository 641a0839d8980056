import type { EngineName } from '../catalog/engines.ts';
import type { JobContext } from './context.ts';
import { liveWorkers, workersFor } from './engines.ts';
import type { QueueLine } from './store.ts';

/** An engine's line at one moment, and the devices that work on it. */
export interface QueueView extends QueueLine {
  /** Number of devices that render jobs of this engine. */
  readonly devices: number;
}

interface Reading {
  /** When the query started, on the clock of performance.now(). */
  readonly startedAt: number;
  readonly view: Promise<QueueView>;
}

/**
 * Reads the lines of all engines for any number of callers. Calls during a query share the next one, so that a page of jobs costs one
 * query, and a thousand subscribers cost one query per change.
 */
export class QueueLines {
  readonly #context: Pick<JobContext, 'jobs' | 'workers' | 'policy'>;
  readonly #readings = new Map<EngineName, Reading>();
  readonly #next = new Map<EngineName, Promise<QueueView>>();

  constructor(context: Pick<JobContext, 'jobs' | 'workers' | 'policy'>) {
    this.#context = context;
  }

  /** The line as of `notBefore`, on the clock of performance.now(), or later. */
  read(engine: EngineName, notBefore: number): Promise<QueueView> {
    const latest = this.#readings.get(engine);
    if (latest && latest.startedAt >= notBefore) return latest.view;
    const planned = this.#next.get(engine);
    if (planned) return planned;
    const previous = latest?.view.catch(() => {}) ?? Promise.resolve();
    const next = previous.then(() => {
      this.#next.delete(engine);
      const reading = { startedAt: performance.now(), view: this.#query(engine) };
      this.#readings.set(engine, reading);
      return reading.view;
    });
    this.#next.set(engine, next);
    return next;
  }

  async #query(engine: EngineName): Promise<QueueView> {
    const [line, workers] = await Promise.all([this.#context.jobs.line(engine), liveWorkers(this.#context)]);
    return { ...line, devices: workersFor(engine, workers).length };
  }
}
