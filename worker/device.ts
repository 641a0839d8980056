import { hostname } from 'node:os';
import type { EngineName } from '../src/catalog.ts';
import { VERSION } from '../src/infra/version.ts';
import { beginAttempt } from '../src/jobs/attempt.ts';
import type { JobContext } from '../src/jobs/context.ts';
import type { Consumer, Delivery, HandlerOutcome } from '../src/jobs/ports.ts';
import type { WorkerState } from '../src/jobs/store.ts';
import type { EngineOffer } from './protocol.ts';
import { RendererProcess } from './renderer-process.ts';
import { renderAttempt } from './rendering.ts';

/** A renderer that fails to start is tried again after this long. */
const RESTART_MS = 5_000;

/**
 * One device: takes jobs of the engines it can run, one at a time, and has its renderer render them.
 *
 *   STARTING ──▶ READY ◀──▶ BUSY
 *      ▲           │
 *      └─ UNHEALTHY┘   the renderer cannot be kept running, or jobs wait and none is taken
 */
export class DeviceWorker {
  readonly id: string;
  readonly device: string;
  readonly #context: JobContext;
  readonly #renderer: RendererProcess;
  readonly #leaving = new AbortController();
  #state: WorkerState = 'STARTING';
  #jobId: string | null = null;
  #offers: readonly EngineOffer[] = [];
  #consumers = new Map<EngineName, Consumer>();
  #beating: NodeJS.Timeout | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: JobContext, device: string) {
    this.#context = context;
    this.device = device;
    this.id = `${hostname()}:${process.pid}:${device}`;
    this.#renderer = new RendererProcess(device, context.log);
  }

  /** Starts the renderer, learns what it offers, and begins to take jobs. Keeps trying until it is told to stop. */
  async start(): Promise<void> {
    const { config, log } = this.#context;
    await this.#beat();
    this.#beating = setInterval(() => void this.#checkAndBeat(), config.HEARTBEAT_SECONDS * 1000);
    while (!this.#leaving.signal.aborted) {
      try {
        this.#offers = await this.#renderer.start();
        break;
      } catch (error) {
        log.error({ device: this.device, err: error }, 'the renderer does not start; trying again');
        await this.#become('UNHEALTHY');
        await new Promise((resolve) => setTimeout(resolve, RESTART_MS).unref());
      }
    }
    const engines = this.#offered();
    log.info({ device: this.device, engines }, engines.length > 0 ? 'device ready' : 'this device can run no engine');
    for (const engine of engines) this.#consumers.set(engine, await this.#consume(engine));
    await this.#become('READY');
  }

  /** Takes nothing more; what it renders is finished within `graceMs` or handed back. */
  async stop(graceMs: number): Promise<void> {
    if (this.#beating) clearInterval(this.#beating);
    const timer = setTimeout(() => this.#leaving.abort(), graceMs);
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.close()));
    clearTimeout(timer);
    this.#leaving.abort();
    await this.#renderer.close();
    await this.#context.workers.leave(this.id);
  }

  #offered(): EngineName[] {
    return this.#offers.filter(({ unavailable }) => unavailable === null).map(({ engine }) => engine);
  }

  async #consume(engine: EngineName): Promise<Consumer> {
    return await this.#context.queue.consume(engine, (delivery) => this.#takeTurn(engine, delivery));
  }

  /** A device that runs several engines renders for one at a time; meanwhile the others' queues are left to other devices. */
  async #takeTurn(engine: EngineName, delivery: Delivery): Promise<HandlerOutcome> {
    const others = [...this.#consumers].filter(([other]) => other !== engine).map(([, consumer]) => consumer);
    await Promise.all(others.map((consumer) => consumer.pause()));
    const mine = this.#turn.then(() => this.#handle(delivery));
    this.#turn = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      for (const consumer of others) consumer.resume();
    }
  }

  async #handle({ jobId, signal }: Delivery): Promise<HandlerOutcome> {
    if (this.#leaving.signal.aborted) return { then: 'again', delayMs: 0 };
    const claim = await beginAttempt(this.#context, jobId, this.id, this.device);
    if (claim.kind === 'nothing') return { then: 'done' };
    if (claim.kind === 'later') return { then: 'again', delayMs: claim.delayMs };
    this.#context.log.info({ jobId, attempt: claim.attempt.job.attempt, device: this.device }, 'attempt begins');
    this.#jobId = jobId;
    await this.#become('BUSY');
    try {
      return await renderAttempt(this.#context, this.#renderer, claim.attempt, signal, this.#leaving.signal);
    } finally {
      this.#jobId = null;
      await this.#become('READY');
    }
  }

  async #become(state: WorkerState): Promise<void> {
    if (this.#state !== state) this.#context.log.info({ device: this.device, state }, `device is ${state}`);
    this.#state = state;
    await this.#beat();
  }

  async #beat(): Promise<void> {
    if (this.#leaving.signal.aborted) return;
    const engines = this.#offered();
    await this.#context.workers.beat({
      id: this.id,
      host: hostname(),
      pid: process.pid,
      device: this.device,
      engines,
      defaultEngines: this.#offers.filter(({ engine, byDefault }) => byDefault && engines.includes(engine)).map(({ engine }) => engine),
      unavailable: Object.fromEntries(this.#offers.filter(({ unavailable }) => unavailable !== null).map(({ engine, unavailable }) => [engine, unavailable])),
      state: this.#state,
      jobId: this.#jobId,
      version: VERSION,
    }).catch((error: unknown) => this.#context.log.warn({ device: this.device, err: error }, 'heartbeat not written'));
  }

  async #checkAndBeat(): Promise<void> {
    await this.#wakeIdleConsumers().catch((error: unknown) => this.#context.log.warn({ device: this.device, err: error }, 'could not look at the queues'));
    await this.#beat();
  }

  /**
   * After a lost connection a consumer can sit there alive and idle for ever: jobs wait, this device is free, and yet none was taken
   * for a long time. Such a consumer is replaced.
   */
  async #wakeIdleConsumers(): Promise<void> {
    if (this.#state !== 'READY' && this.#state !== 'UNHEALTHY') return;
    const patienceMs = 2_000 * this.#context.config.STALLED_SECONDS;
    for (const [engine, consumer] of this.#consumers) {
      if (Date.now() - consumer.lastActiveAt.getTime() < patienceMs) continue;
      const { waiting } = await this.#context.queue.counts(engine);
      if (waiting === 0) {
        this.#idleSince.delete(engine);
        this.#state = 'READY';
        continue;
      }
      const since = this.#idleSince.get(engine) ?? Date.now();
      this.#idleSince.set(engine, since);
      if (Date.now() - since < patienceMs) continue;
      this.#context.log.error({ device: this.device, engine, waiting }, 'jobs wait but none is taken; consuming anew');
      this.#state = 'UNHEALTHY';
      this.#idleSince.delete(engine);
      await consumer.close();
      this.#consumers.set(engine, await this.#consume(engine));
    }
  }

  /** Since when an engine's jobs have been seen waiting while this device was free, in milliseconds since 1970. */
  readonly #idleSince = new Map<EngineName, number>();
}
