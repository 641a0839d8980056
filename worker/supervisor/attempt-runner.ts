import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import {
  completeAttempt,
  failAttempt,
  ownsJob,
  releaseAttempt,
  storeOutput,
  type Attempt,
  type RenderFigures,
} from '../../src/jobs/attempt.ts';
import { AppError, ERRORS, toAppError } from '../../src/jobs/errors.ts';
import { jobFiles } from '../../src/jobs/job.ts';
import { jobTopic } from '../../src/jobs/ports/bus.ts';
import type { HandlerOutcome } from '../../src/jobs/ports/queue.ts';
import { DeviceFailure } from '../engine.ts';
import { OUTPUT } from '../protocol.ts';
import type { WorkerContext } from './context.ts';
import { ProgressWriter } from './progress-writer.ts';
import type { RendererHandle } from './renderer-handle.ts';
import type { Shutdown } from './shutdown.ts';
import { Watchdog } from './watchdog.ts';

/** Interval at which the row is read for a cancel whose message was lost. */
const CHECK_EVERY_MS = 2_000;
/** When a service manager signals all processes at once, the renderer's failure may arrive this much before the worker's own signal. */
const SIGNAL_DELAY_MS = 100;
/** Longest wait for the renderer to stop once the deadline of a shutdown has passed. */
const SHUTDOWN_STOP_MS = 500;
/**
 * A job that was released this often fails the attempt if it meets another failing device, since the job itself may be what makes devices
 * fail.
 */
const RELEASES = 3;
/** Delay before a failed write to the database is retried. */
const WRITE_RETRY_MS = 1_000;

const DONE: HandlerOutcome = { then: 'done' };
const BACK_TO_QUEUE: HandlerOutcome = { then: 'again', delayMs: 0 };

/** Why a render is stopped before its end. */
type StopReason =
  /** Cancelled, or taken over by another attempt: this attempt may no longer write to the row. */
  | { readonly kind: 'superseded' }
  | { readonly kind: 'timeout'; readonly error: AppError }
  /** The worker shuts down and its deadline has passed. */
  | { readonly kind: 'shutdown' };

export interface AttemptRunnerOptions {
  readonly context: WorkerContext;
  readonly renderer: RendererHandle;
  readonly attempt: Attempt;
  /** Aborted when the queue may have given the entry to another worker. */
  readonly lockLost: AbortSignal;
  readonly shutdown: Shutdown;
  /** Called when the photo is missing. False if the whole storage is missing, for example because a shared folder is not mounted. */
  readonly isOwnStorage: () => Promise<boolean>;
  /** Called when the device cannot render now; the attempt is then released. `reason` is a DeviceFailure if the device itself failed. */
  readonly onDeviceFailure: (reason: unknown) => void;
}

/**
 * Supervises one attempt, from its claim to the outcome in the row.
 *
 *   rendering ──▶ done ─────────────▶ output stored, row COMPLETED
 *       │    ├──▶ failed, timed out ▶ row RETRYING or FAILED
 *       │    └──▶ device failure ───▶ row QUEUED, not counted against the job, except after several such releases
 *       ▼
 *   stopping ──▶ superseded ────────▶ nothing is written
 *            └─▶ shutdown ──────────▶ row QUEUED, not counted against the job
 */
export class AttemptRunner {
  readonly #options: AttemptRunnerOptions;
  readonly #stop = new AbortController();
  readonly #watchdog: Watchdog;
  readonly #writer: ProgressWriter;
  /** Fields of every log line. */
  readonly #fields: { readonly jobId: string; readonly attempt: number };
  #stopReason: StopReason | null = null;
  /** The renderer has finished; from here on only the row decides. */
  #renderEnded = false;

  constructor(options: AttemptRunnerOptions) {
    this.#options = options;
    const { context, attempt } = options;
    const { config } = context;
    const { job } = attempt;
    this.#fields = { jobId: job.id, attempt: job.attempt };
    this.#watchdog = new Watchdog(config.STEP_TIMEOUT_SECONDS, config.JOB_TIMEOUT_SECONDS, job.estimatedSeconds, (error) =>
      this.#stopRender({ kind: 'timeout', error }),
    );
    this.#writer = new ProgressWriter(context, attempt, () => this.#stopRender({ kind: 'superseded' }));
    if (job.estimatedSeconds > config.JOB_TIMEOUT_SECONDS) {
      context.log.warn(
        { ...this.#fields, estimatedSeconds: job.estimatedSeconds, timeoutSeconds: config.JOB_TIMEOUT_SECONDS },
        'this job is expected to take longer than JOB_TIMEOUT_SECONDS',
      );
    }
  }

  /** Runs the attempt and returns what the queue does with its entry. Failed renders are recorded in the row and do not reject. */
  async run(): Promise<HandlerOutcome> {
    const {
      context: { bus, workspace },
      attempt: { job },
      lockLost,
      shutdown: { deadline },
    } = this.#options;
    const check = () => void this.#checkOwnership();
    const onDeadline = () => this.#stopRender({ kind: 'shutdown' });
    const checking = setInterval(check, CHECK_EVERY_MS);
    lockLost.addEventListener('abort', check);
    deadline.addEventListener('abort', onDeadline);
    if (deadline.aborted) onDeadline();
    const unsubscribe = await bus.subscribe(jobTopic(job.id), ({ revision }) => {
      if (Number(revision) > this.#writer.revision) check();
    });
    const scratch = `${job.id}-${job.attempt}`;
    try {
      // Catches a cancellation between the claim and the subscription.
      await this.#checkOwnership();
      return await this.#render(await workspace.createScratch(scratch));
    } catch (error) {
      return await this.#fail(toAppError(error));
    } finally {
      this.#watchdog.stop();
      clearInterval(checking);
      lockLost.removeEventListener('abort', check);
      deadline.removeEventListener('abort', onDeadline);
      await unsubscribe();
      await workspace.removeScratch(scratch);
    }
  }

  async #render(folder: string): Promise<HandlerOutcome> {
    const { context, renderer, attempt, onDeviceFailure } = this.#options;
    const { job } = attempt;
    const photoPath = await this.#photoPath(folder);
    if (photoPath === null) {
      onDeviceFailure(new Error('STORAGE_DIR is not the storage of this installation; is the shared folder mounted?'));
      return await this.#release();
    }
    const outcome = await renderer.render(
      {
        jobId: job.id,
        attempt: job.attempt,
        options: job.options,
        estimatedSeconds: job.estimatedSeconds,
        photoPath,
        photoSha256: job.photoSha256,
        folder,
      },
      {
        planned: (expectedSeconds, longestStepSeconds) => this.#watchdog.extend(expectedSeconds, longestStepSeconds),
        progress: (progress, previewPath) => {
          this.#watchdog.reset();
          this.#writer.write(progress, previewPath);
        },
      },
      this.#stop.signal,
      context.config.CANCEL_GRACE_SECONDS * 1000,
    );
    this.#renderEnded = true;
    this.#watchdog.stop();
    await this.#writer.flush();
    switch (outcome.kind) {
      // A render that finished although it was asked to stop counts: the row decides between cancel and completion.
      case 'done':
        return await this.#complete(folder, outcome);
      case 'failed':
        return await this.#fail(outcome.error);
      case 'stopped':
        return await this.#fail(new AppError('WORKER_LOST', 'The render was stopped.'));
      case 'device-failed':
        onDeviceFailure(new DeviceFailure(outcome.reason));
        if (job.maxAttempts - context.config.MAX_ATTEMPTS < RELEASES) return await this.#release();
        return await this.#fail(new AppError('WORKER_LOST', `The device failed while rendering: ${outcome.reason}`));
      case 'unavailable':
        onDeviceFailure(outcome.reason);
        return await this.#release();
    }
  }

  /**
   * The photo as a local file; null if the storage is not this installation's.
   * @throws AppError EXPIRED if the storage is this installation's but no longer holds the photo
   */
  async #photoPath(folder: string): Promise<string | null> {
    const { context, attempt, isOwnStorage } = this.#options;
    try {
      return await context.workspace.localPath(jobFiles.photo(attempt.job.id), folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      if (await isOwnStorage()) throw new AppError('EXPIRED', "The job's photo is gone.", {}, error);
      return null;
    }
  }

  async #complete(folder: string, { sizeBytes, sha256, renderSeconds }: RenderFigures): Promise<HandlerOutcome> {
    const { context, attempt } = this.#options;
    await storeOutput(context, attempt, { videoPath: path.join(folder, OUTPUT.video), posterPath: path.join(folder, OUTPUT.poster) });
    await this.#retryWrite(() => completeAttempt(context, attempt, { sizeBytes, sha256, renderSeconds }));
    return DONE;
  }

  async #fail(failure: AppError): Promise<HandlerOutcome> {
    const { context, attempt, shutdown } = this.#options;
    if (this.#stopReason === null && !shutdown.requested.aborted) {
      await sleep(SIGNAL_DELAY_MS, null, { signal: shutdown.requested }).catch(() => {});
      // If both are due, Node runs timers before signal handlers.
      await nextTurn();
    }
    const reason = this.#stopReason;
    if (reason?.kind === 'superseded') return DONE;
    if (reason?.kind === 'shutdown' || (shutdown.requested.aborted && reason === null)) return await this.#release();
    const error = withReference(reason?.kind === 'timeout' ? reason.error : failure);
    context.log.warn({ ...this.#fields, code: error.code, reference: error.details.reference, err: error }, 'attempt failed');
    const retry = await this.#retryWrite(() => failAttempt(context, attempt, error));
    return retry ? { then: 'again', delayMs: retry.retryInMs } : DONE;
  }

  async #release(): Promise<HandlerOutcome> {
    const { context, attempt } = this.#options;
    return (await this.#retryWrite(() => releaseAttempt(context, attempt))) ? BACK_TO_QUEUE : DONE;
  }

  #stopRender(reason: StopReason): void {
    const { context, renderer } = this.#options;
    if (this.#renderEnded) return;
    if (!this.#stopReason) {
      this.#stopReason = reason;
      context.log.info({ ...this.#fields, reason: reason.kind }, 'stopping the render');
      this.#stop.abort();
    }
    if (reason.kind === 'shutdown') renderer.killWithin(Math.min(SHUTDOWN_STOP_MS, context.config.CANCEL_GRACE_SECONDS * 1000));
  }

  /** Stops the render if this attempt may no longer write to the row. */
  async #checkOwnership(): Promise<void> {
    const { context, attempt } = this.#options;
    try {
      if (!this.#renderEnded && !(await ownsJob(context, attempt))) this.#stopRender({ kind: 'superseded' });
    } catch (error) {
      context.log.warn({ ...this.#fields, err: error }, 'could not read the job');
    }
  }

  /**
   * Repeats a write until the database accepts it, so that an outage does not lose a finished render. Safe because a superseded
   * attempt's token is refused. Rejects once a shutdown is requested.
   */
  async #retryWrite<T>(write: () => Promise<T>): Promise<T> {
    const { context, shutdown } = this.#options;
    for (;;) {
      try {
        return await write();
      } catch (error) {
        if (shutdown.requested.aborted) throw error;
        context.log.warn({ ...this.#fields, err: error }, 'could not record the outcome of the attempt; retrying');
        await sleep(WRITE_RETRY_MS);
      }
    }
  }
}

/** Adds to an INTERNAL error a reference that both the job's owner and the log see. */
function withReference(error: AppError): AppError {
  if (error.code !== 'INTERNAL') return error;
  const reference = randomUUID();
  return new AppError('INTERNAL', `${ERRORS.INTERNAL.message} Reference: ${reference}`, { reference }, error.cause ?? error);
}
