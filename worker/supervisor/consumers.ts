import type { EngineName } from '../../src/catalog/engines.ts';
import type { Consumer, Delivery, HandlerOutcome } from '../../src/jobs/ports/queue.ts';
import type { WorkerContext } from './context.ts';

export interface EngineConsumersOptions {
  readonly context: Pick<WorkerContext, 'config' | 'queue' | 'log'>;
  readonly device: string;
  /** Engines whose jobs the device currently takes; none while it cannot render. */
  readonly engines: () => readonly EngineName[];
  readonly handle: (engine: EngineName, delivery: Delivery) => Promise<HandlerOutcome>;
  /** Once aborted, no consumer is opened or resumed. */
  readonly stopping: AbortSignal;
}

/**
 * One device's consumers, one per engine. The device renders one job at a time, whatever the engine: while it handles a delivery, the
 * other engines' consumers are paused, so that their jobs go to other devices.
 */
export class EngineConsumers {
  readonly #options: EngineConsumersOptions;
  readonly #consumers = new Map<EngineName, Consumer>();
  /** When an engine's jobs were first seen waiting although the device was free, in milliseconds since 1970. */
  readonly #idleSince = new Map<EngineName, number>();
  /** Number of deliveries: the one being handled and those that wait for it. */
  #deliveries = 0;
  #lastDelivery: Promise<unknown> = Promise.resolve();
  #lastUpdate: Promise<void> = Promise.resolve();

  constructor(options: EngineConsumersOptions) {
    this.#options = options;
  }

  /** Whether each of `engines` has a consumer, paused or not. */
  cover(engines: readonly EngineName[]): boolean {
    return engines.every((engine) => this.#consumers.has(engine));
  }

  /**
   * Consumes the queues of the current engines and pauses all others. During a delivery it does nothing; the end of the delivery calls it
   * again. Calls are serialized. Never rejects: a failure is logged.
   */
  update(): Promise<void> {
    const { context, device } = this.#options;
    this.#lastUpdate = this.#lastUpdate
      .then(() => this.#update())
      .catch((error: unknown) => context.log.error({ device, err: error }, 'could not open the queues; retrying'));
    return this.#lastUpdate;
  }

  /** Pauses the consumers of engines whose jobs the device does not currently take. */
  async pauseOthers(): Promise<void> {
    const engines = this.#options.engines();
    await Promise.all([...this.#consumers].filter(([engine]) => !engines.includes(engine)).map(([, consumer]) => consumer.pause()));
  }

  /**
   * Replaces consumers that are stuck: after a lost connection one can stay idle forever although jobs wait and the device is free. Call
   * periodically while the device is free.
   */
  async replaceStuck(): Promise<void> {
    const { context, device } = this.#options;
    const limitMs = 2_000 * context.config.STALLED_SECONDS;
    for (const [engine, consumer] of this.#consumers) {
      const idle = Date.now() - consumer.lastActiveAt.getTime() > limitMs && (await context.queue.counts(engine)).waiting > 0;
      if (!idle) {
        this.#idleSince.delete(engine);
        continue;
      }
      const since = this.#idleSince.get(engine) ?? Date.now();
      this.#idleSince.set(engine, since);
      if (Date.now() - since < limitMs) continue;
      context.log.error({ device, engine }, 'jobs wait but none is delivered; replacing the consumer');
      this.#idleSince.delete(engine);
      await consumer.close();
      this.#consumers.set(engine, await this.#open(engine));
    }
  }

  /** Closes all consumers and waits for the delivery being handled. */
  async close(): Promise<void> {
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.close()));
  }

  async #update(): Promise<void> {
    const { engines, stopping } = this.#options;
    if (this.#deliveries > 0 || stopping.aborted) return;
    for (const engine of engines()) {
      if (!this.#consumers.has(engine)) this.#consumers.set(engine, await this.#open(engine));
    }
    if (stopping.aborted) await this.close();
    else if (this.#deliveries === 0) for (const engine of engines()) this.#consumers.get(engine)?.resume();
    await this.pauseOthers();
  }

  async #open(engine: EngineName): Promise<Consumer> {
    return await this.#options.context.queue.consume(engine, (delivery) => this.#deliver(engine, delivery));
  }

  /** Handles a delivery after those before it. */
  async #deliver(engine: EngineName, delivery: Delivery): Promise<HandlerOutcome> {
    this.#deliveries++;
    const others = [...this.#consumers].filter(([other]) => other !== engine);
    await Promise.all(others.map(([, consumer]) => consumer.pause()));
    const handled = this.#lastDelivery.then(() => this.#options.handle(engine, delivery));
    this.#lastDelivery = handled.catch(() => {});
    try {
      return await handled;
    } finally {
      this.#deliveries--;
      void this.update();
    }
  }
}
