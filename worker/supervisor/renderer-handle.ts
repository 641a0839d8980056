import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Log } from '../../src/jobs/context.ts';
import { AppError } from '../../src/jobs/errors.ts';
import type { EngineCapability, FromRenderer, RenderProgress, RenderRequest, ToRenderer } from '../protocol.ts';

export interface RenderEvents {
  planned(expectedSeconds: number, longestStepSeconds: number): void;
  progress(progress: RenderProgress): void;
}

export type RenderOutcome =
  | { readonly kind: 'done'; readonly sizeBytes: number; readonly sha256: string; readonly renderSeconds: number }
  | { readonly kind: 'failed'; readonly error: AppError }
  /** Because it was told to stop. */
  | { readonly kind: 'stopped' }
  /** The renderer does not start; the job has not been touched. */
  | { readonly kind: 'unavailable'; readonly reason: unknown };

/** A renderer that is not ready this long after its start will not be. */
const START_MS = 60_000;

/** One device's renderer child. It is started when it is first needed, and again at once after it died. */
export class RendererProcess {
  readonly #device: string;
  readonly #log: Log;
  readonly #onCapabilities: (capabilities: readonly EngineCapability[]) => void;
  #child: ChildProcess | null = null;
  #starting: Promise<void> | null = null;
  #killTimer: NodeJS.Timeout | null = null;
  #killed = false;
  #leaving = false;
  #closed = false;

  /** @param onCapabilities receives the engines' capabilities at the child's start and whenever they may have changed */
  constructor(device: string, log: Log, onCapabilities: (capabilities: readonly EngineCapability[]) => void) {
    this.#device = device;
    this.#log = log;
    this.#onCapabilities = onCapabilities;
  }

  /** Makes the child send its engines' capabilities again. */
  probe(): void {
    if (this.#child?.connected) this.#send(this.#child, { type: 'probe' });
  }

  /** Starts the child unless it runs. Rejects if it dies before it is ready. */
  start(): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('the renderer is closed'));
    this.#starting ??= this.#fork();
    return this.#starting;
  }

  async #fork(): Promise<void> {
    // The same ending as this file's: .js in dist/, .ts where sources are run.
    const file = new URL(`../renderer/main${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
    const child = fork(file, [this.#device], { execArgv: ['--enable-source-maps'], stdio: 'inherit' });
    this.#child = child;
    this.#killed = false;
    let ready = false;
    child.once('exit', (code, signal) => {
      this.#child = null;
      this.#starting = null;
      if (this.#killTimer) clearTimeout(this.#killTimer);
      if (this.#closed) return;
      if (!this.#killed) this.#log.error({ device: this.#device, code, signal }, 'renderer died');
      // One that was ready once is worth another try, so that the next job does not wait for it.
      if (ready && !this.#leaving)
        this.start().catch((error: unknown) => this.#log.error({ device: this.#device, err: error }, 'renderer does not start again'));
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
        child.once('exit', (code, signal) =>
          reject(new Error(`the renderer ended before it was ready (${signal ?? `exit code ${code}`})`)),
        );
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Renders one request. A child that dies meanwhile fails it as WORKER_LOST.
   * @param stop once aborted, the render stops at its next frame or step; if it has not within `graceMs`, the child is killed
   */
  async render(request: RenderRequest, events: RenderEvents, stop: AbortSignal, graceMs: number): Promise<RenderOutcome> {
    try {
      await this.start();
    } catch (reason) {
      return { kind: 'unavailable', reason };
    }
    const child = this.#child;
    if (!child) return lost('it ended before the render began');
    if (stop.aborted) return { kind: 'stopped' };
    const onStop = () => {
      this.#send(child, { type: 'stop' });
      this.killWithin(graceMs);
    };
    let listen: (message: FromRenderer) => void = () => {};
    let exited: (code: number | null, signal: string | null) => void = () => {};
    try {
      return await new Promise<RenderOutcome>((resolve) => {
        listen = (message) => {
          switch (message.type) {
            case 'planned':
              events.planned(message.expectedSeconds, message.longestStepSeconds);
              break;
            case 'progress':
              events.progress(message.progress);
              break;
            case 'done':
              resolve({ kind: 'done', sizeBytes: message.sizeBytes, sha256: message.sha256, renderSeconds: message.renderSeconds });
              break;
            case 'failed':
              resolve({ kind: 'failed', error: new AppError(message.code, message.message) });
              break;
            case 'stopped':
              resolve({ kind: 'stopped' });
              break;
            case 'ready':
              break;
          }
        };
        exited = (code, signal) => resolve(this.#killed ? { kind: 'stopped' } : lost(signal ?? `exit code ${code}`));
        child.on('message', listen);
        child.once('exit', exited);
        stop.addEventListener('abort', onStop);
        this.#send(child, { type: 'render', request });
      });
    } finally {
      child.off('message', listen);
      child.off('exit', exited);
      stop.removeEventListener('abort', onStop);
      if (this.#killTimer) clearTimeout(this.#killTimer);
    }
  }

  /** Kills the child if the render that was told to stop is not over in time; a later call replaces the time. */
  killWithin(ms: number): void {
    if (this.#killTimer) clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => {
      this.#log.warn({ device: this.#device }, 'the renderer did not stop in time and is killed');
      this.#killed = true;
      this.#child?.kill('SIGKILL');
    }, ms);
  }

  /** From here on a child that dies is not started again for its own sake. */
  leave(): void {
    this.#leaving = true;
  }

  /** Ends the child. */
  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), 1_000);
    await gone;
    clearTimeout(timer);
  }

  #send(child: ChildProcess, message: ToRenderer): void {
    // A channel that closed meanwhile: the exit event says so too.
    child.send(message, (error) => {
      if (error) this.#log.warn({ device: this.#device, err: error }, 'renderer does not listen');
    });
  }
}

function lost(how: string): RenderOutcome {
  return { kind: 'failed', error: new AppError('WORKER_LOST', `The renderer died while it worked (${how}).`) };
}
