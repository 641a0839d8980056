import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { EngineName } from '../../src/catalog/engines.ts';
import { VERSION } from '../../src/process/version.ts';
import { beginAttempt } from '../../src/jobs/attempt.ts';
import type { Delivery, HandlerOutcome } from '../../src/jobs/ports/queue.ts';
import type { WorkerRecord, WorkerState } from '../../src/jobs/store.ts';
import { DeviceFailure } from '../engine.ts';
import type { EngineCapability } from '../protocol.ts';
import { AttemptRunner } from './attempt-runner.ts';
import { Capabilities, type WeightDownloads } from './capabilities.ts';
import type { WorkerContext } from './context.ts';
import { EngineConsumers } from './consumers.ts';
import { Heartbeat } from './heartbeat.ts';
import { RendererHandle } from './renderer-handle.ts';
import { Shutdown } from './shutdown.ts';

/** Interval at which the renderer is asked whether unavailable engines have become available. */
const PROBE_EVERY_MS = 10_000;
/** Interval at which a renderer that does not start, or a missing storage, is tried again. */
const RECOVER_MS = 5_000;
/** Interval at which a device that has failed is probed again. */
const PROBE_FAILED_MS = 60_000;

const BACK_TO_QUEUE: HandlerOutcome = { then: 'again', delayMs: 0 };

export interface DeviceWorkerOptions {
  readonly context: WorkerContext;
  readonly device: string;
  /** Whether the storage belongs to this installation, as opposed to a missing mount. */
  readonly isOwnStorage: () => Promise<boolean>;
  /** Downloads of weights; null if there are none. */
  readonly downloads?: WeightDownloads | null;
  /** What the device is and why it is used, if it was detected rather than configured. */
  readonly detail?: string | null;
  /** Program of the renderer; by default this project's. */
  readonly rendererEntry?: URL;
  /** Interval at which the device is probed again after it has failed. Default: a minute. */
  readonly probeFailedMs?: number;
}

/**
 * One device: takes jobs of the engines that it can run, one at a time, and has its renderer render them.
 *
 *   STARTING ──▶ READY ◀──▶ BUSY     an attempt begins, and ends
 *      │          ▲           │
 *      ▼          │           ▼      the renderer does not start, or the storage is not this installation's: tried again every few seconds;
 *      └─────▶ UNHEALTHY ◀────┘      or the device has failed: probed again every minute, in a new renderer
 *
 * A device takes jobs while it is READY or BUSY, and leaves them to other devices otherwise.
 */
export class DeviceWorker {
  readonly id: string;
  readonly device: string;
  readonly #context: WorkerContext;
  readonly #isOwnStorage: () => Promise<boolean>;
  readonly #downloads: WeightDownloads | null;
  #detail: string | null;
  readonly #probeFailedMs: number;
  readonly #shutdown = new Shutdown();
  readonly #renderer: RendererHandle;
  readonly #capabilities: Capabilities;
  readonly #consumers: EngineConsumers;
  readonly #heartbeat: Heartbeat;
  #state: WorkerState = 'STARTING';
  #jobId: string | null = null;
  /** Why it is UNHEALTHY. */
  #failure: string | null = null;
  /** The engine whose job the device failed. It must be available again before the device is READY. */
  #failedEngine: EngineName | null = null;
  #lastProbe = Date.now();
  #ticking: NodeJS.Timeout | null = null;
  #recovering: NodeJS.Timeout | null = null;

  constructor({
    context,
    device,
    isOwnStorage,
    downloads = null,
    detail = null,
    rendererEntry: entry,
    probeFailedMs = PROBE_FAILED_MS,
  }: DeviceWorkerOptions) {
    this.id = `${hostname()}:${process.pid}:${device}:${randomUUID().slice(0, 8)}`;
    this.device = device;
    this.#context = context;
    this.#isOwnStorage = isOwnStorage;
    this.#downloads = downloads;
    this.#detail = detail;
    this.#probeFailedMs = probeFailedMs;
    this.#renderer = new RendererHandle({
      device,
      log: context.log,
      onCapabilities: (reported) => void this.#onCapabilities(reported),
      ...(entry ? { entry } : {}),
    });
    this.#capabilities = new Capabilities(downloads);
    this.#consumers = new EngineConsumers({
      context,
      device,
      engines: () => (this.#takesJobs ? this.#capabilities.available() : []),
      handle: (engine, delivery) => this.#handle(engine, delivery),
      stopping: this.#shutdown.requested,
    });
    this.#heartbeat = new Heartbeat({ context, record: () => this.#record(), deadline: this.#shutdown.deadline });
  }

  /**
   * Starts the renderer, gets the engines that it can run, and begins to take jobs. If that fails, it is retried in the background.
   * While weights are being downloaded, the device waits for them in the background.
   */
  async start(): Promise<void> {
    await this.#heartbeat.write();
    this.#ticking = setInterval(() => void this.#tick(), this.#context.config.HEARTBEAT_SECONDS * 1000);
    if (this.#downloads) void this.#downloads.done.then(() => this.#recover());
    else await this.#recover();
  }

  /** Takes no more jobs. The current attempt either ends within `graceMs` or is released. */
  async stop(graceMs: number): Promise<void> {
    this.#shutdown.request();
    this.#renderer.stopRestarting();
    if (this.#ticking) clearInterval(this.#ticking);
    if (this.#recovering) clearTimeout(this.#recovering);
    const timer = setTimeout(() => this.#shutdown.expire(), graceMs);
    await this.#consumers.close();
    clearTimeout(timer);
    this.#shutdown.expire();
    await this.#renderer.close();
    await this.#heartbeat.stop();
  }

  /** Changes what health says about the device while it is not UNHEALTHY, from the next heartbeat on. */
  explain(detail: string | null): void {
    this.#detail = detail;
  }

  get #takesJobs(): boolean {
    return this.#state === 'READY' || this.#state === 'BUSY';
  }

  /** Makes the device ready to render, or schedules another try. */
  async #recover(): Promise<void> {
    const { requested } = this.#shutdown;
    if (requested.aborted) return;
    const { log } = this.#context;
    try {
      await this.#renderer.start();
      if (this.#state === 'UNHEALTHY' && !(await this.#isOwnStorage()))
        throw new Error('STORAGE_DIR is not the storage of this installation');
      await this.#checkFailedDevice();
    } catch (error) {
      if (requested.aborted) return;
      log.error({ device: this.device, err: error }, 'this device cannot render; retrying');
      await this.#fail(error);
      return;
    }
    if (requested.aborted) return;
    const engines = this.#capabilities.available();
    if (engines.length > 0) log.info({ device: this.device, engines, settings: this.#capabilities.settings() }, 'device ready');
    else
      log.warn(
        { device: this.device, unavailable: this.#capabilities.unavailable() },
        'no engine can run on this device; npm run doctor says how to fix it',
      );
    this.#failure = null;
    // Before the consumers are opened: their first delivery makes the device BUSY.
    await this.#become('READY');
    await this.#consumers.update();
  }

  /** @throws DeviceFailure if the device has failed and the engine that it failed is still unavailable; its renderer is ended then */
  async #checkFailedDevice(): Promise<void> {
    const engine = this.#failedEngine;
    if (engine !== null && !this.#capabilities.available().includes(engine)) {
      await this.#renderer.discard();
      throw new DeviceFailure(this.#capabilities.unavailable()[engine] ?? `${engine} is not available.`);
    }
    this.#failedEngine = null;
  }

  /** Leaves jobs to other devices until this one can render again. */
  async #onDeviceFailure(engine: EngineName, reason: unknown): Promise<void> {
    this.#context.log.error({ device: this.device, err: reason }, 'this device cannot render now');
    if (reason instanceof DeviceFailure) {
      this.#failedEngine = engine;
      await this.#renderer.discard();
    }
    await this.#fail(reason);
  }

  /** Makes the device UNHEALTHY and schedules another try. */
  async #fail(reason: unknown): Promise<void> {
    this.#failure = reason instanceof Error ? reason.message : String(reason);
    const delayMs = reason instanceof DeviceFailure ? this.#probeFailedMs : RECOVER_MS;
    if (!this.#shutdown.requested.aborted) this.#recovering = setTimeout(() => void this.#recover(), delayMs);
    const written = this.#become('UNHEALTHY');
    await this.#consumers.pauseOthers();
    await written;
  }

  /** Engines become available and unavailable with their models; an unavailable engine's jobs wait or go to other devices. */
  async #onCapabilities(reported: readonly EngineCapability[]): Promise<void> {
    if (!this.#capabilities.update(reported) || !this.#takesJobs) return;
    this.#context.log.info(
      { device: this.device, engines: this.#capabilities.available(), unavailable: this.#capabilities.unavailable() },
      'the available engines have changed',
    );
    await this.#consumers.update();
    await this.#heartbeat.write();
  }

  async #handle(engine: EngineName, { jobId, signal: lockLost }: Delivery): Promise<HandlerOutcome> {
    if (this.#shutdown.requested.aborted || !this.#takesJobs) return BACK_TO_QUEUE;
    // A renderer that died reports its capabilities again. If it does not start, the attempt reports a failure of the device.
    await this.#renderer.start().catch(() => {});
    if (!this.#capabilities.available().includes(engine)) {
      await this.#consumers.pauseOthers();
      return BACK_TO_QUEUE;
    }
    const claim = await beginAttempt(this.#context, jobId, this.id, this.device);
    if (claim.kind === 'nothing') return { then: 'done' };
    if (claim.kind === 'later') return { then: 'again', delayMs: claim.delayMs };
    this.#context.log.info({ jobId, attempt: claim.attempt.job.attempt, device: this.device }, 'attempt started');
    this.#jobId = jobId;
    await this.#become('BUSY');
    let failure: { readonly reason: unknown } | null = null;
    try {
      return await new AttemptRunner({
        context: this.#context,
        renderer: this.#renderer,
        attempt: claim.attempt,
        lockLost,
        shutdown: this.#shutdown,
        isOwnStorage: this.#isOwnStorage,
        onDeviceFailure: (reason) => (failure = { reason }),
      }).run();
    } finally {
      this.#jobId = null;
      // Before the entry returns to the queue, so that this device does not take it again at once.
      await (failure === null ? this.#become('READY') : this.#onDeviceFailure(engine, (failure as { readonly reason: unknown }).reason));
    }
  }

  async #become(state: WorkerState): Promise<void> {
    this.#state = state;
    await this.#heartbeat.write();
  }

  #record(): WorkerRecord {
    return {
      id: this.id,
      host: hostname(),
      pid: process.pid,
      device: this.device,
      ...this.#capabilities.record(),
      state: this.#state,
      detail: this.#failure ?? this.#detail,
      jobId: this.#jobId,
      version: VERSION,
    };
  }

  async #tick(): Promise<void> {
    if (this.#state === 'READY') {
      this.#probeEngines();
      await this.#consumers
        .replaceStuck()
        .catch((error: unknown) => this.#context.log.warn({ device: this.device, err: error }, 'could not check the queues'));
    }
    await this.#heartbeat.write();
  }

  /** Opens consumers that could not be opened before, and asks for the capabilities again, since a model may have been installed. */
  #probeEngines(): void {
    if (!this.#consumers.cover(this.#capabilities.available())) void this.#consumers.update();
    if (this.#capabilities.complete || Date.now() - this.#lastProbe < PROBE_EVERY_MS) return;
    this.#lastProbe = Date.now();
    this.#renderer.probe();
  }
}
