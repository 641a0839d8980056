/** One attempt from claim to end: the renderer works, the row follows, and whatever says stop is obeyed. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { completeAttempt, failAttempt, handBack, reportProgress, stillHeld, type Attempt, type AttemptContext } from '../src/jobs/attempt.ts';
import { AppError } from '../src/jobs/errors.ts';
import { jobFiles } from '../src/jobs/job.ts';
import { jobTopic, type HandlerOutcome } from '../src/jobs/ports.ts';
import { OUTPUT, type RenderProgress } from './protocol.ts';
import type { RendererProcess } from './renderer-process.ts';

/** Least time between two writes of progress within a stage. */
const WRITE_EVERY_MS = 200;
/** How often the row is looked at for a cancel that the bus did not tell. */
const LOOK_EVERY_MS = 2_000;
/** Longest wait for a renderer to stop when its worker leaves; nobody may have to wait for that. */
const LEAVE_MS = 500;
/** Limits grow with what is expected: three longest steps, three estimates. */
const PATIENCE = 3;

const DONE: HandlerOutcome = { then: 'done' };

/** Why a render is stopped before its end. */
type StopReason =
  /** Cancelled, or taken over by another attempt: the row is no longer ours. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly error: AppError }
  /** This worker leaves. */
  | { readonly kind: 'leaving' };

/**
 * Renders an attempt that was begun. Resolves to what the queue should do with its entry; failures of the render are dealt with here.
 * @param lockLost aborted when the queue has given the entry to another worker
 * @param leaving aborted when this worker must hand back what it holds
 */
export async function renderAttempt(
  context: AttemptContext, renderer: RendererProcess, attempt: Attempt, lockLost: AbortSignal, leaving: AbortSignal,
): Promise<HandlerOutcome> {
  const { config, files, bus, log } = context;
  const { job } = attempt;
  const fields = { jobId: job.id, attempt: job.attempt };
  const limits = new Limits(config.STEP_TIMEOUT_SECONDS, Math.max(config.JOB_TIMEOUT_SECONDS, PATIENCE * job.estimatedSeconds), (error) => stop({ kind: 'failed', error }));
  let stopped: StopReason | null = null;
  /** The renderer is done; what the row says now is this attempt's own doing, or decides in `conclude`. */
  let over = false;
  let stopping: ReturnType<RendererProcess['stop']> | null = null;
  const stop = (reason: StopReason) => {
    if (stopped || over) return;
    stopped = reason;
    log.info({ ...fields, reason: reason.kind }, 'stopping the render');
    const graceMs = config.CANCEL_GRACE_SECONDS * 1000;
    stopping = renderer.stop(reason.kind === 'leaving' ? Math.min(LEAVE_MS, graceMs) : graceMs);
  };
  const onLockLost = () => stop({ kind: 'lost' });
  const onLeaving = () => stop({ kind: 'leaving' });
  const look = () => {
    stillHeld(context, attempt).then((held) => held || stop({ kind: 'lost' }), (error: unknown) => log.warn({ ...fields, err: error }, 'could not look at the job'));
  };
  const writer = new ProgressWriter(context, attempt, () => stop({ kind: 'lost' }));
  const looking = setInterval(look, LOOK_EVERY_MS);
  const unsubscribe = await bus.subscribe(jobTopic(job.id), ({ revision }) => {
    if (!over && Number(revision) > writer.revision) look();
  }).catch(() => async () => {});
  look(); // what was told between the claim and now went unheard
  let folder: string | null = null;
  try {
    if (job.estimatedSeconds > config.JOB_TIMEOUT_SECONDS) {
      log.warn({ ...fields, estimatedSeconds: job.estimatedSeconds, timeoutSeconds: config.JOB_TIMEOUT_SECONDS }, 'this job is expected to take longer than JOB_TIMEOUT_SECONDS');
    }
    folder = await files.scratch(`${job.id}-${job.attempt}`);
    const photoPath = await files.localPath(jobFiles.photo(job.id));
    lockLost.addEventListener('abort', onLockLost);
    leaving.addEventListener('abort', onLeaving);
    if (lockLost.aborted) return DONE;
    const outcome = await renderer.render(
      { jobId: job.id, attempt: job.attempt, options: job.options, photoPath, photoSha256: job.photoSha256, folder },
      {
        planned: (expectedSeconds, longestStepSeconds) => limits.allow(PATIENCE * longestStepSeconds, PATIENCE * expectedSeconds),
        progress: (progress) => {
          limits.stepped();
          writer.offer(progress);
        },
      },
    );
    over = true;
    limits.clear();
    await writer.settled();
    return await conclude(outcome.kind === 'done' ? outcome : null, outcome.kind === 'failed' ? outcome.error : null);
  } catch (error) {
    return await conclude(null, toFailure(error));
  } finally {
    limits.clear();
    clearInterval(looking);
    (stopping as ReturnType<RendererProcess['stop']> | null)?.settled();
    lockLost.removeEventListener('abort', onLockLost);
    leaving.removeEventListener('abort', onLeaving);
    await unsubscribe();
    if (folder) await rm(folder, { recursive: true, force: true });
  }

  /** A render that finished although it was told to stop counts: cancel or complete, whichever the row saw first. */
  async function conclude(done: { sizeBytes: number; sha256: string; renderSeconds: number } | null, failure: AppError | null): Promise<HandlerOutcome> {
    if (done && folder) {
      await completeAttempt(context, attempt, { ...done, videoPath: path.join(folder, OUTPUT.video), posterPath: path.join(folder, OUTPUT.poster) });
      return DONE;
    }
    const reason = stopped as StopReason | null;
    if (reason?.kind === 'leaving') {
      return (await handBack(context, attempt)) ? { then: 'again', delayMs: 0 } : DONE;
    }
    if (reason?.kind === 'lost') return DONE;
    const error = reason?.kind === 'failed' ? reason.error : (failure ?? new AppError('WORKER_LOST', 'The render was stopped.'));
    log.warn({ ...fields, code: error.code, err: error }, 'attempt failed');
    const retry = await failAttempt(context, attempt, error);
    return retry ? { then: 'again', delayMs: retry.retryInMs } : DONE;
  }
}

function toFailure(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new AppError('EXPIRED', "The job's photo is gone.", {}, error);
  if (code === 'ENOSPC') return new AppError('OUT_OF_SPACE', undefined, {}, error);
  return new AppError('INTERNAL', undefined, {}, error);
}

/** Ends a render that shows no finished frame or step for too long, or takes too long in all. */
class Limits {
  #stepSeconds: number;
  #jobSeconds: number;
  readonly #began = performance.now();
  readonly #exceeded: (error: AppError) => void;
  #stepTimer: NodeJS.Timeout;
  #jobTimer: NodeJS.Timeout;

  constructor(stepSeconds: number, jobSeconds: number, exceeded: (error: AppError) => void) {
    this.#stepSeconds = stepSeconds;
    this.#jobSeconds = jobSeconds;
    this.#exceeded = exceeded;
    this.#stepTimer = this.#armStep();
    this.#jobTimer = this.#armJob();
  }

  /** Raises the limits to these, in seconds, if they are more. */
  allow(stepSeconds: number, jobSeconds: number): void {
    this.#stepSeconds = Math.max(this.#stepSeconds, stepSeconds);
    this.#jobSeconds = Math.max(this.#jobSeconds, jobSeconds);
    clearTimeout(this.#jobTimer);
    this.#jobTimer = this.#armJob();
    this.stepped();
  }

  stepped(): void {
    clearTimeout(this.#stepTimer);
    this.#stepTimer = this.#armStep();
  }

  clear(): void {
    clearTimeout(this.#stepTimer);
    clearTimeout(this.#jobTimer);
  }

  #armStep(): NodeJS.Timeout {
    return setTimeout(() => this.#exceeded(new AppError('TIMEOUT', `No frame or step was finished for ${seconds(this.#stepSeconds)}.`)), this.#stepSeconds * 1000);
  }

  #armJob(): NodeJS.Timeout {
    const left = this.#jobSeconds * 1000 - (performance.now() - this.#began);
    return setTimeout(() => this.#exceeded(new AppError('TIMEOUT', `The render was not done after ${seconds(this.#jobSeconds)}.`)), Math.max(0, left));
  }
}

const seconds = (value: number) => `${Math.round(value * 10) / 10} s`;

/** Writes the newest progress into the row, one write at a time and not more often than a client could care for. */
class ProgressWriter {
  readonly #context: AttemptContext;
  readonly #attempt: Attempt;
  readonly #lost: () => void;
  #pending: RenderProgress | null = null;
  #writing: Promise<void> | null = null;
  #lastStage: string | null = null;
  #lastWrite = 0;
  /** Newest revision this attempt has written. */
  revision: number;

  constructor(context: AttemptContext, attempt: Attempt, lost: () => void) {
    this.#context = context;
    this.#attempt = attempt;
    this.#lost = lost;
    this.revision = attempt.job.revision;
  }

  offer(progress: RenderProgress): void {
    // A preview that was not taken yet is not lost to a newer event without one.
    this.#pending = { ...progress, preview: progress.preview ?? this.#pending?.preview ?? null };
    this.#writing ??= this.#write().finally(() => (this.#writing = null));
  }

  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#pending) {
      const wait = this.#lastWrite + WRITE_EVERY_MS - performance.now();
      if (wait > 0 && this.#pending.stage === this.#lastStage) await new Promise((resolve) => setTimeout(resolve, wait));
      const { preview, ...progress } = this.#pending;
      this.#pending = null;
      this.#lastWrite = performance.now();
      this.#lastStage = progress.stage;
      try {
        if (preview) await this.#context.files.adopt(preview, jobFiles.preview(this.#attempt.job.id));
        const revision = await reportProgress(this.#context, this.#attempt, { ...progress, preview: preview !== null });
        if (revision !== null) this.revision = revision;
        else {
          // It came after the end, when nobody is left to take it away.
          if (preview) await this.#context.files.remove(jobFiles.preview(this.#attempt.job.id));
          this.#lost();
        }
      } catch (error) {
        // The database may be away for a moment; the render goes on.
        this.#context.log.warn({ jobId: this.#attempt.job.id, err: error }, 'progress not written');
      }
    }
  }
}
