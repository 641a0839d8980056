import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import {
  completeAttempt,
  failAttempt,
  handBack,
  publish,
  stillHeld,
  type Attempt,
  type AttemptContext,
  type RenderFigures,
} from '../../src/jobs/attempt.ts';
import { AppError, ERRORS, toAppError } from '../../src/jobs/errors.ts';
import { jobFiles } from '../../src/jobs/job.ts';
import { jobTopic } from '../../src/jobs/ports/bus.ts';
import type { HandlerOutcome } from '../../src/jobs/ports/queue.ts';
import { Limits } from './watchdog.ts';
import { ProgressWriter } from './progress-writer.ts';
import { OUTPUT } from '../protocol.ts';
import type { RendererProcess } from './renderer-handle.ts';

/** How often the row is looked at for a cancel that the bus did not tell. */
const LOOK_EVERY_MS = 2_000;
/** When all processes are ended at once, the renderer's failure may be heard of this much before the reason. */
const REASON_MS = 100;
/** Longest wait for a renderer to stop when its worker leaves; nobody may have to wait for that. */
const LEAVE_MS = 500;
/** Wait before what the database did not take is tried again. */
const INSIST_MS = 1_000;

const DONE: HandlerOutcome = { then: 'done' };
const BACK: HandlerOutcome = { then: 'again', delayMs: 0 };

/** When a worker is told to leave, and when it must. */
export interface Departure {
  /** From here on a failure is taken for a part of the leaving: a service manager ends all processes at once. */
  readonly told: AbortSignal;
  /** What is held must be handed back now. */
  readonly due: AbortSignal;
}

/** Why a render is stopped before its end. */
type StopReason =
  /** Cancelled, or taken over by another attempt: the row is no longer ours. */
  { readonly kind: 'lost' } | { readonly kind: 'failed'; readonly error: AppError } | { readonly kind: 'leaving' };

export interface RenderingOptions {
  readonly context: AttemptContext;
  readonly renderer: RendererProcess;
  readonly attempt: Attempt;
  /** Aborted when the queue may have given the entry to another worker. */
  readonly lockLost: AbortSignal;
  readonly departure: Departure;
  /** The photo is not where it should be: false if the whole storage is not. */
  readonly storageIsOurs: () => Promise<boolean>;
  /** The device cannot render at present; told why. */
  readonly unfit: (reason: unknown) => void;
}

/** One attempt from claim to end: the renderer works, the row follows, and whatever says stop is obeyed. */
export class Rendering {
  readonly #options: RenderingOptions;
  readonly #stop = new AbortController();
  readonly #limits: Limits;
  readonly #writer: ProgressWriter;
  readonly #fields: { readonly jobId: string; readonly attempt: number };
  #reason: StopReason | null = null;
  /** The renderer is done; from here on the row decides. */
  #over = false;

  constructor(options: RenderingOptions) {
    this.#options = options;
    const { context, attempt } = options;
    const { config } = context;
    const { job } = attempt;
    this.#fields = { jobId: job.id, attempt: job.attempt };
    this.#limits = new Limits(config.STEP_TIMEOUT_SECONDS, config.JOB_TIMEOUT_SECONDS, job.estimatedSeconds, (error) =>
      this.#end({ kind: 'failed', error }),
    );
    this.#writer = new ProgressWriter(context, attempt, () => this.#end({ kind: 'lost' }));
    if (job.estimatedSeconds > config.JOB_TIMEOUT_SECONDS) {
      context.log.warn(
        { ...this.#fields, estimatedSeconds: job.estimatedSeconds, timeoutSeconds: config.JOB_TIMEOUT_SECONDS },
        'this job is expected to take longer than JOB_TIMEOUT_SECONDS',
      );
    }
  }

  /** Renders the attempt; what the queue should do with its entry. Failures of the render are dealt with here. */
  async run(): Promise<HandlerOutcome> {
    const {
      context: { bus, workspace },
      attempt: { job },
      lockLost,
      departure,
    } = this.#options;
    const look = () => void this.#look();
    const leave = () => this.#end({ kind: 'leaving' });
    const looking = setInterval(look, LOOK_EVERY_MS);
    lockLost.addEventListener('abort', look);
    departure.due.addEventListener('abort', leave);
    if (departure.due.aborted) leave();
    const unsubscribe = await bus.subscribe(jobTopic(job.id), ({ revision }) => {
      if (Number(revision) > this.#writer.revision) look();
    });
    const scratch = `${job.id}-${job.attempt}`;
    try {
      // A cancel that came between the claim and the subscription.
      await this.#look();
      return await this.#render(await workspace.createScratch(scratch));
    } catch (error) {
      return await this.#fail(toAppError(error));
    } finally {
      this.#limits.clear();
      clearInterval(looking);
      lockLost.removeEventListener('abort', look);
      departure.due.removeEventListener('abort', leave);
      await unsubscribe();
      await workspace.removeScratch(scratch);
    }
  }

  async #render(folder: string): Promise<HandlerOutcome> {
    const { context, renderer, attempt, storageIsOurs, unfit } = this.#options;
    const { job } = attempt;
    const photoPath = await context.workspace.localPath(jobFiles.photo(job.id), folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      if (await storageIsOurs()) throw new AppError('EXPIRED', "The job's photo is gone.", {}, error);
      return null;
    });
    if (photoPath === null) {
      unfit(new Error('STORAGE_DIR is not the storage of this installation; is the shared folder mounted?'));
      return await this.#giveBack();
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
        planned: (expectedSeconds, longestStepSeconds) => this.#limits.expect(expectedSeconds, longestStepSeconds),
        progress: (progress) => {
          this.#limits.stepped();
          this.#writer.offer(progress);
        },
      },
      this.#stop.signal,
      context.config.CANCEL_GRACE_SECONDS * 1000,
    );
    this.#over = true;
    this.#limits.clear();
    await this.#writer.settled();
    switch (outcome.kind) {
      // A render that finished although it was told to stop counts: cancel or complete, whichever the row saw first.
      case 'done':
        return await this.#complete(folder, outcome);
      case 'failed':
        return await this.#fail(outcome.error);
      case 'stopped':
        return await this.#fail(new AppError('WORKER_LOST', 'The render was stopped.'));
      case 'unavailable':
        unfit(outcome.reason);
        return await this.#giveBack();
    }
  }

  async #complete(folder: string, { sizeBytes, sha256, renderSeconds }: RenderFigures): Promise<HandlerOutcome> {
    const { context, attempt } = this.#options;
    await publish(context, attempt, { videoPath: path.join(folder, OUTPUT.video), posterPath: path.join(folder, OUTPUT.poster) });
    await this.#insist(() => completeAttempt(context, attempt, { sizeBytes, sha256, renderSeconds }));
    return DONE;
  }

  async #fail(failure: AppError): Promise<HandlerOutcome> {
    const { context, attempt, departure } = this.#options;
    if (this.#reason === null && !departure.told.aborted) {
      await sleep(REASON_MS, null, { signal: departure.told }).catch(() => {});
      // Timers come before signals where both are due.
      await nextTurn();
    }
    const reason = this.#reason;
    if (reason?.kind === 'lost') return DONE;
    if (reason?.kind === 'leaving' || (departure.told.aborted && reason === null)) return await this.#giveBack();
    const error = withReference(reason?.kind === 'failed' ? reason.error : failure);
    context.log.warn({ ...this.#fields, code: error.code, reference: error.details.reference, err: error }, 'attempt failed');
    const retry = await this.#insist(() => failAttempt(context, attempt, error));
    return retry ? { then: 'again', delayMs: retry.retryInMs } : DONE;
  }

  async #giveBack(): Promise<HandlerOutcome> {
    const { context, attempt } = this.#options;
    return (await this.#insist(() => handBack(context, attempt))) ? BACK : DONE;
  }

  #end(reason: StopReason): void {
    const { context, renderer } = this.#options;
    if (this.#over) return;
    if (!this.#reason) {
      this.#reason = reason;
      context.log.info({ ...this.#fields, reason: reason.kind }, 'stopping the render');
      this.#stop.abort();
    }
    if (reason.kind === 'leaving') renderer.killWithin(Math.min(LEAVE_MS, context.config.CANCEL_GRACE_SECONDS * 1000));
  }

  /** Stops the render if the row is no longer this attempt's. */
  async #look(): Promise<void> {
    const { context, attempt } = this.#options;
    try {
      if (!this.#over && !(await stillHeld(context, attempt))) this.#end({ kind: 'lost' });
    } catch (error) {
      context.log.warn({ ...this.#fields, err: error }, 'could not look at the job');
    }
  }

  /** Repeats what the database did not take, since a finished render is worth waiting for; the attempt's token keeps that safe. */
  async #insist<T>(work: () => Promise<T>): Promise<T> {
    const { context, departure } = this.#options;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (departure.told.aborted) throw error;
        context.log.warn({ ...this.#fields, err: error }, 'the end of this attempt is not written yet; trying again');
        await sleep(INSIST_MS);
      }
    }
  }
}

/** An INTERNAL error with a reference that its owner reads and the log carries. */
function withReference(error: AppError): AppError {
  if (error.code !== 'INTERNAL') return error;
  const reference = randomUUID();
  return new AppError('INTERNAL', `${ERRORS.INTERNAL.message} Reference: ${reference}`, { reference }, error.cause ?? error);
}
