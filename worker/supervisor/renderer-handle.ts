import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { RenderFigures } from '../../src/jobs/attempt.ts';
import type { Log } from '../../src/jobs/ports/log.ts';
import { AppError } from '../../src/jobs/errors.ts';
import type { RenderProgress } from '../../src/jobs/store.ts';
import type { EngineCapability, FromRenderer, RenderRequest, ToRenderer } from '../protocol.ts';

/** Called while a render runs. */
export interface RenderListener {
  /** Expected durations, before the first progress. */
  planned(expectedSeconds: number, longestStepSeconds: number): void;
  /** @param previewPath a finished preview picture, which the listener removes; null if there is none this time */
  progress(progress: RenderProgress, previewPath: string | null): void;
}

export type RenderOutcome =
  | ({ readonly kind: 'done' } & RenderFigures)
  | { readonly kind: 'failed'; readonly error: AppError }
  /** It was asked to stop. */
  | { readonly kind: 'stopped' }
  /** The device failed during the render, and its renderer exits. */
  | { readonly kind: 'device-failed'; readonly reason: string }
  /** The renderer does not start; the render has not begun. */
  | { readonly kind: 'unavailable'; readonly reason: unknown };

/** A renderer that is not ready this long after its start is killed. */
const START_MS = 60_000;
/** A renderer that has not exited this long after its channel was closed is killed. */
const EXIT_MS = 1_000;

/** The renderer's entry. Same extension as this file: .js in dist/, .ts when running from source. */
const ENTRY = new URL(`../renderer/main${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);

export interface RendererHandleOptions {
  readonly device: string;
  readonly log: Log;
  /** Receives the engines' capabilities when the child starts and whenever they may have changed. */
  readonly onCapabilities: (capabilities: readonly EngineCapability[]) => void;
  /** Program of the child; by default the renderer. */
  readonly entry?: URL;
}

/**
 * The worker's end of one device's renderer, a child process. It is started when first needed, and restarted when it dies, except after a
 * failure of the device.
 */
export class RendererHandle {
  readonly #device: string;
  readonly #log: Log;
  readonly #onCapabilities: (capabilities: readonly EngineCapability[]) => void;
  readonly #entry: URL;
  #child: ChildProcess | null = null;
  #starting: Promise<void> | null = null;
  #killTimer: NodeJS.Timeout | null = null;
  /** Whether the child was killed because it did not stop in time. */
  #killed = false;
  /** Whether the child was given up because its device failed. */
  #deviceFailed = false;
  /** How often a render ran out of memory. Passed to a new child, so that it does not start with a memory profile that failed. */
  #shortages = 0;
  #restarts = true;
  #closed = false;

  constructor({ device, log, onCapabilities, entry = ENTRY }: RendererHandleOptions) {
    this.#device = device;
    this.#log = log;
    this.#onCapabilities = onCapabilities;
    this.#entry = entry;
  }

  /** Asks the child for its engines' capabilities; does nothing if it is not running. */
  probe(): void {
    if (this.#child?.connected) this.#send(this.#child, { type: 'probe' });
  }

  /** Starts the child if it is not running. Resolves once it is ready; rejects if it exits before. */
  start(): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('the renderer is closed'));
    this.#starting ??= this.#fork();
    return this.#starting;
  }

  async #fork(): Promise<void> {
    const child = fork(this.#entry, [this.#device, String(this.#shortages)], { execArgv: ['--enable-source-maps'], stdio: 'inherit' });
    this.#child = child;
    this.#killed = false;
    this.#deviceFailed = false;
    let ready = false;
    child.once('exit', (code, signal) => {
      this.#child = null;
      this.#starting = null;
      if (this.#killTimer) clearTimeout(this.#killTimer);
      if (this.#closed || this.#deviceFailed) return;
      if (!this.#killed) this.#log.error({ device: this.#device, code, signal }, 'the renderer died');
      // Only if it was ready before, and at once, so that the next job does not wait for the start.
      if (ready && this.#restarts)
        this.start().catch((error: unknown) => this.#log.error({ device: this.#device, err: error }, 'could not restart the renderer'));
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        child.on('message', (message: FromRenderer) => {
          if (message.type !== 'ready') return;
          ready = true;
          this.#onCapabilities(message.capabilities);
          resolve();
        });
        child.once('error', reject);
        child.once('exit', (code, signal) => reject(new Error(`the renderer exited before it was ready (${signal ?? `code ${code}`})`)));
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Renders one request. If the child dies, the outcome is WORKER_LOST.
   * @param stop once aborted, the render stops at its next frame or step; if it has not within `graceMs`, the child is killed
   */
  async render(request: RenderRequest, listener: RenderListener, stop: AbortSignal, graceMs: number): Promise<RenderOutcome> {
    try {
      await this.start();
    } catch (reason) {
      return { kind: 'unavailable', reason };
    }
    const child = this.#child;
    if (!child) return workerLost('before the render began');
    if (stop.aborted) return { kind: 'stopped' };
    const onStop = () => {
      this.#send(child, { type: 'stop' });
      this.killWithin(graceMs);
    };
    let onMessage: (message: FromRenderer) => void = () => {};
    let onExit: (code: number | null, signal: string | null) => void = () => {};
    try {
      return await new Promise<RenderOutcome>((resolve) => {
        onMessage = (message) => {
          switch (message.type) {
            case 'planned':
              listener.planned(message.expectedSeconds, message.longestStepSeconds);
              break;
            case 'progress':
              listener.progress(message.progress, message.previewPath);
              break;
            case 'done':
              resolve({ kind: 'done', ...message.figures });
              break;
            case 'failed':
              if (message.code === 'OUT_OF_MEMORY') this.#shortages++;
              resolve({ kind: 'failed', error: new AppError(message.code, message.message) });
              break;
            case 'device-failed':
              this.#deviceFailed = true;
              resolve({ kind: 'device-failed', reason: message.reason });
              break;
            case 'stopped':
              resolve({ kind: 'stopped' });
              break;
            case 'ready':
              break;
          }
        };
        onExit = (code, signal) => resolve(this.#killed ? { kind: 'stopped' } : workerLost(signal ?? `exit code ${code}`));
        child.on('message', onMessage);
        child.once('exit', onExit);
        stop.addEventListener('abort', onStop);
        this.#send(child, { type: 'render', request });
      });
    } finally {
      child.off('message', onMessage);
      child.off('exit', onExit);
      stop.removeEventListener('abort', onStop);
      if (this.#killTimer) clearTimeout(this.#killTimer);
    }
  }

  /** Kills the child in `ms` milliseconds unless the current render ends before. A later call replaces the time. */
  killWithin(ms: number): void {
    if (this.#killTimer) clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => {
      this.#log.warn({ device: this.#device }, 'the renderer did not stop in time and is killed');
      this.#killed = true;
      this.#child?.kill('SIGKILL');
    }, ms);
  }

  /** Ends the child, because its device has failed. The next `start` starts a new one. */
  async discard(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#deviceFailed = true;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** From now on, a child that dies is not restarted. */
  stopRestarting(): void {
    this.#restarts = false;
  }

  /** Ends the child and waits for its exit. */
  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), EXIT_MS);
    await exited;
    clearTimeout(timer);
  }

  #send(child: ChildProcess, message: ToRenderer): void {
    // If the channel has closed, the child's exit is reported as well.
    child.send(message, (error) => {
      if (error) this.#log.warn({ device: this.#device, err: error }, 'could not send a message to the renderer');
    });
  }
}

function workerLost(how: string): RenderOutcome {
  return { kind: 'failed', error: new AppError('WORKER_LOST', `The renderer died while rendering (${how}).`) };
}
