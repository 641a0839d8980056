import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { names } from '../../src/catalog/catalog.ts';
import { ENGINES, type EngineName } from '../../src/catalog/engines.ts';
import { VERSION } from '../../src/process/version.ts';
import { beginAttempt } from '../../src/jobs/attempt.ts';
import type { JobContext } from '../../src/jobs/context.ts';
import type { Consumer, Delivery, HandlerOutcome } from '../../src/jobs/ports/queue.ts';
import type { WorkerState } from '../../src/jobs/store.ts';
import type { EngineCapability } from '../protocol.ts';
import { RendererProcess } from './renderer-handle.ts';
import { Rendering } from './attempt-runner.ts';

/** Model downloads in progress. */
export interface Weights {
  /** Fulfilled when all of them have ended; never rejects. */
  readonly done: Promise<void>;
  /** Why an engine cannot use its weights at present; null if it can or none are downloaded for it. */
  reason(engine: EngineName): string | null;
}

/** How often an engine that is not offered is asked whether it could be by now. */
const LOOK_EVERY_MS = 10_000;
/** A device that cannot render is looked at again after this long. */
const RECOVER_MS = 5_000;

/**
 * One device: takes jobs of the engines it can run, one at a time, and has its renderer render them.
 *
 *   STARTING ──▶ READY ◀──▶ BUSY
 *      │          ▲ │
 *      ▼          │ ▼       the renderer does not start, the storage is not ours,
 *      └─────▶ UNHEALTHY    or jobs wait and none is taken; looked at every few seconds
 */
export class DeviceWorker {
  readonly id: string;
  readonly device: string;
  readonly #context: JobContext;
  readonly #storageIsOurs: () => Promise<boolean>;
  readonly #weights: Weights | null;
  readonly #renderer: RendererProcess;
  /** Told to leave; and now it must. */
  readonly #told = new AbortController();
  readonly #due = new AbortController();
  readonly #consumers = new Map<EngineName, Consumer>();
  /** Since when an engine's jobs have been seen waiting while this device was free, in milliseconds since 1970. */
  readonly #idleSince = new Map<EngineName, number>();
  #state: WorkerState = 'STARTING';
  #lookedAt = Date.now();
  #jobId: string | null = null;
  #capabilities: readonly EngineCapability[] = [];
  #beating: NodeJS.Timeout | null = null;
  #lastBeat: Promise<void> = Promise.resolve();
  #nextBeat: Promise<void> | null = null;
  #recovering: NodeJS.Timeout | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  /** Deliveries being dealt with, those that wait for their turn included. */
  #turns = 0;
  #serving: Promise<void> = Promise.resolve();

  /** @param weights those being fetched; null if none are */
  constructor(context: JobContext, device: string, storageIsOurs: () => Promise<boolean>, weights: Weights | null = null) {
    this.#context = context;
    this.device = device;
    this.#storageIsOurs = storageIsOurs;
    this.#weights = weights;
    this.id = `${hostname()}:${process.pid}:${device}:${randomUUID().slice(0, 8)}`;
    this.#renderer = new RendererProcess(device, context.log, (capabilities) => void this.#adopt(capabilities));
  }

  /**
   * Starts the renderer, learns what it offers, and begins to take jobs. A device that cannot is tried again in the background; one
   * whose weights are being fetched begins when that is over.
   */
  async start(): Promise<void> {
    await this.#beat();
    this.#beating = setInterval(() => void this.#checkAndBeat(), this.#context.config.HEARTBEAT_SECONDS * 1000);
    if (this.#weights) void this.#weights.done.then(() => this.#recover());
    else await this.#recover();
  }

  /** Takes nothing more; what it renders is finished within `graceMs` or handed back. */
  async stop(graceMs: number): Promise<void> {
    this.#told.abort();
    this.#renderer.leave();
    if (this.#beating) clearInterval(this.#beating);
    if (this.#recovering) clearTimeout(this.#recovering);
    const timer = setTimeout(() => this.#due.abort(), graceMs);
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.close()));
    clearTimeout(timer);
    this.#due.abort();
    await this.#renderer.close();
    await this.#lastBeat;
    await this.#context.workers.leave(this.id);
  }

  /** Gets the device to work, or arranges for another try. */
  async #recover(): Promise<void> {
    if (this.#told.signal.aborted) return;
    const { log } = this.#context;
    try {
      await this.#renderer.start();
      if (this.#state === 'UNHEALTHY' && !(await this.#storageIsOurs()))
        throw new Error('STORAGE_DIR is not the storage of this installation');
    } catch (error) {
      if (this.#told.signal.aborted) return;
      log.error({ device: this.device, err: error }, 'this device cannot render; trying again');
      await this.#become('UNHEALTHY');
      this.#recovering = setTimeout(() => void this.#recover(), RECOVER_MS);
      return;
    }
    if (this.#told.signal.aborted) return;
    const engines = this.#offered();
    log.info({ device: this.device, engines }, engines.length > 0 ? 'device ready' : 'this device can run no engine');
    await this.#serveOffered();
    await this.#become('READY');
  }

  /** Engines come and go with their models; one that went leaves its jobs to other devices, or to the day when it is back. */
  async #adopt(capabilities: readonly EngineCapability[]): Promise<void> {
    const before = this.#offered();
    this.#capabilities = capabilities;
    if ((this.#state !== 'READY' && this.#state !== 'BUSY') || this.#offered().join() === before.join()) return;
    this.#context.log.info(
      { device: this.device, engines: this.#offered(), unavailable: this.#unavailable() },
      'the engines on offer have changed',
    );
    await this.#serveOffered();
    await this.#beat();
  }

  /** Takes jobs of the engines on offer and of no others; while one is rendered, that waits for its end. One call at a time. */
  #serveOffered(): Promise<void> {
    this.#serving = this.#serving
      .then(() => this.#consumeOffered())
      .catch((error: unknown) =>
        this.#context.log.error({ device: this.device, err: error }, 'could not take up the engines on offer; trying again'),
      );
    return this.#serving;
  }

  async #consumeOffered(): Promise<void> {
    if (this.#turns > 0 || this.#told.signal.aborted) return;
    for (const engine of this.#offered()) {
      if (!this.#consumers.has(engine)) this.#consumers.set(engine, await this.#consume(engine));
    }
    if (this.#told.signal.aborted) await Promise.all([...this.#consumers.values()].map((consumer) => consumer.close()));
    else if (this.#turns === 0) for (const engine of this.#offered()) this.#consumers.get(engine)?.resume();
    await this.#pauseUnoffered();
  }

  async #pauseUnoffered(): Promise<void> {
    const engines = this.#offered();
    await Promise.all([...this.#consumers].filter(([engine]) => !engines.includes(engine)).map(([, consumer]) => consumer.pause()));
  }

  /** Leaves jobs to other devices until this one can render again. */
  async #unfit(reason: unknown): Promise<void> {
    this.#context.log.error({ device: this.device, err: reason }, 'this device cannot render at present');
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.pause()));
    this.#state = 'UNHEALTHY';
    this.#recovering = setTimeout(() => void this.#recover(), RECOVER_MS);
  }

  #offered(): EngineName[] {
    return this.#capabilities.filter(({ unavailable }) => unavailable === null).map(({ engine }) => engine);
  }

  /** Why engines are unavailable. For one whose weights are being downloaded, the state of the download explains more than the engine. */
  #unavailable(): Partial<Record<EngineName, string>> {
    const reasons = names(ENGINES).map((engine) => {
      if (this.#offered().includes(engine)) return [engine, null] as const;
      const capability = this.#capabilities.find((each) => each.engine === engine);
      return [engine, this.#weights?.reason(engine) ?? capability?.unavailable ?? null] as const;
    });
    return Object.fromEntries(reasons.filter(([, reason]) => reason !== null));
  }

  async #consume(engine: EngineName): Promise<Consumer> {
    return await this.#context.queue.consume(engine, (delivery) => this.#takeTurn(engine, delivery));
  }

  /** A device that runs several engines renders for one at a time; meanwhile the others' queues are left to other devices. */
  async #takeTurn(engine: EngineName, delivery: Delivery): Promise<HandlerOutcome> {
    this.#turns++;
    const others = [...this.#consumers].filter(([other]) => other !== engine);
    await Promise.all(others.map(([, consumer]) => consumer.pause()));
    const mine = this.#turn.then(() => this.#handle(engine, delivery));
    this.#turn = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.#turns--;
      if (this.#state !== 'UNHEALTHY') void this.#serveOffered();
    }
  }

  async #handle(engine: EngineName, { jobId, signal }: Delivery): Promise<HandlerOutcome> {
    if (this.#told.signal.aborted || this.#state === 'UNHEALTHY') return { then: 'again', delayMs: 0 };
    // One that died comes back with what it can offer by now; one that does not come back is dealt with when it is to render.
    await this.#renderer.start().catch(() => {});
    if (!this.#offered().includes(engine)) {
      await this.#pauseUnoffered();
      return { then: 'again', delayMs: 0 };
    }
    const claim = await beginAttempt(this.#context, jobId, this.id, this.device);
    if (claim.kind === 'nothing') return { then: 'done' };
    if (claim.kind === 'later') return { then: 'again', delayMs: claim.delayMs };
    this.#context.log.info({ jobId, attempt: claim.attempt.job.attempt, device: this.device }, 'attempt begins');
    this.#jobId = jobId;
    await this.#become('BUSY');
    let unfit: unknown = null;
    try {
      return await new Rendering({
        context: this.#context,
        renderer: this.#renderer,
        attempt: claim.attempt,
        lockLost: signal,
        departure: { told: this.#told.signal, due: this.#due.signal },
        storageIsOurs: this.#storageIsOurs,
        unfit: (reason) => (unfit = reason),
      }).run();
    } finally {
      this.#jobId = null;
      // Before the entry goes back, so that this device does not take it again at once.
      if (unfit !== null) await this.#unfit(unfit);
      await this.#become(unfit === null ? 'READY' : 'UNHEALTHY');
    }
  }

  async #become(state: WorkerState): Promise<void> {
    this.#state = state;
    await this.#beat();
  }

  /** One at a time and each with what is true when it is written, so that no late one takes back what a newer one said. */
  #beat(): Promise<void> {
    this.#nextBeat ??= this.#lastBeat.then(() => {
      this.#nextBeat = null;
      return this.#writeBeat();
    });
    return (this.#lastBeat = this.#nextBeat);
  }

  async #writeBeat(): Promise<void> {
    if (this.#due.signal.aborted) return;
    const engines = this.#offered();
    await this.#context.workers
      .beat({
        id: this.id,
        host: hostname(),
        pid: process.pid,
        device: this.device,
        engines,
        defaultEngines: this.#capabilities
          .filter(({ engine, byDefault }) => byDefault && engines.includes(engine))
          .map(({ engine }) => engine),
        unavailable: this.#unavailable(),
        costModels: Object.fromEntries(
          this.#capabilities.flatMap(({ engine, costModel }) => (costModel === null ? [] : [[engine, costModel]])),
        ),
        state: this.#state,
        jobId: this.#jobId,
        version: VERSION,
      })
      .catch((error: unknown) => this.#context.log.warn({ device: this.device, err: error }, 'heartbeat not written'));
  }

  async #checkAndBeat(): Promise<void> {
    this.#lookForModels();
    await this.#wakeIdleConsumers().catch((error: unknown) =>
      this.#context.log.warn({ device: this.device, err: error }, 'could not look at the queues'),
    );
    await this.#beat();
  }

  /** Weights that have come since do not announce themselves. */
  #lookForModels(): void {
    if (this.#state === 'READY' && this.#offered().some((engine) => !this.#consumers.has(engine))) void this.#serveOffered();
    if (this.#state !== 'READY' || this.#offered().length === this.#capabilities.length || Date.now() - this.#lookedAt < LOOK_EVERY_MS)
      return;
    this.#lookedAt = Date.now();
    this.#renderer.probe();
  }

  /**
   * After a lost connection a consumer can sit there alive and idle for ever: jobs wait, this device is free, and yet none was taken
   * for a long time. Such a consumer is replaced.
   */
  async #wakeIdleConsumers(): Promise<void> {
    if (this.#state !== 'READY') return;
    const patienceMs = 2_000 * this.#context.config.STALLED_SECONDS;
    for (const [engine, consumer] of this.#consumers) {
      const waits = Date.now() - consumer.lastActiveAt.getTime() > patienceMs && (await this.#context.queue.counts(engine)).waiting > 0;
      const since = waits ? (this.#idleSince.get(engine) ?? Date.now()) : null;
      if (since === null) this.#idleSince.delete(engine);
      else this.#idleSince.set(engine, since);
      if (since === null || Date.now() - since < patienceMs) continue;
      this.#context.log.error({ device: this.device, engine }, 'jobs wait but none is taken; consuming anew');
      this.#idleSince.delete(engine);
      await consumer.close();
      this.#consumers.set(engine, await this.#consume(engine));
    }
  }
}
