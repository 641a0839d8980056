/** One attempt's life, as the worker drives it. The token fences: a late worker cannot overwrite a newer attempt or an end. */
import { randomUUID } from 'node:crypto';
import type { JobContext } from './context.ts';
import { publishQueueChange } from './admission.ts';
import { end, IDLE, type EndContext } from './end.ts';
import { AppError } from './errors.ts';
import { isTerminal, jobFiles, type Job } from './job.ts';
import type { Guard } from './store.ts';

export type AttemptContext = EndContext & Pick<JobContext, 'workspace'>;

export interface Attempt {
  readonly job: Job;
  readonly token: string;
}

export type Claim =
  | { readonly kind: 'attempt'; readonly attempt: Attempt }
  /** Nothing is to be done: no such job, or it has ended. */
  | { readonly kind: 'nothing' }
  /** Not yet. */
  | { readonly kind: 'later'; readonly delayMs: number };

/**
 * Begins the next attempt at a job. A row that is still PROCESSING had a worker that died or fell silent: its attempt counts, and
 * whoever held it can no longer write.
 */
export async function beginAttempt(context: AttemptContext, jobId: string, workerId: string, device: string): Promise<Claim> {
  const { jobs, log } = context;
  const job = await jobs.find(jobId);
  if (!job || isTerminal(job.status)) return { kind: 'nothing' };
  const now = await jobs.now();
  if (job.status === 'RETRYING' && job.nextAttemptAt && job.nextAttemptAt > now) {
    return { kind: 'later', delayMs: job.nextAttemptAt.getTime() - now.getTime() };
  }
  const guard = { from: [job.status], attempt: job.attempt, token: job.attemptToken };
  if (job.status === 'PROCESSING') {
    log.warn({ jobId, attempt: job.attempt, workerId: job.workerId }, 'the worker of this attempt was lost');
    if (job.attempt >= job.maxAttempts) {
      await end(context, job, guard, { status: 'FAILED', ...stored(new AppError('WORKER_LOST')) });
      return { kind: 'nothing' };
    }
  }
  const token = randomUUID();
  const begun = await jobs.transition(jobId, guard, {
    ...IDLE,
    status: 'PROCESSING',
    attempt: job.attempt + 1,
    attemptToken: token,
    percent: 0,
    previewAt: null,
    nextAttemptAt: null,
    errorCode: null,
    errorMessage: null,
    startedAt: job.startedAt ?? now,
    workerId,
    device,
  });
  if (!begun) return { kind: 'later', delayMs: 500 };
  await publishQueueChange(context, begun.engine);
  return { kind: 'attempt', attempt: { job: begun, token } };
}

/** True while the attempt is the one that may write. */
export async function stillHeld({ jobs }: Pick<AttemptContext, 'jobs'>, { job, token }: Attempt): Promise<boolean> {
  const row = await jobs.find(job.id);
  return row?.status === 'PROCESSING' && row.attemptToken === token;
}

/** Where a finished render left its files. */
export interface Rendered {
  readonly videoPath: string;
  readonly posterPath: string;
}

export interface RenderFigures {
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly renderSeconds: number;
}

/** Moves a finished render's files to where the attempt's results belong; to be done before `completeAttempt`, and once. */
export async function publish(
  { workspace }: Pick<AttemptContext, 'workspace'>,
  { job }: Attempt,
  { videoPath, posterPath }: Rendered,
): Promise<void> {
  await workspace.adopt(posterPath, jobFiles.poster(job));
  await workspace.adopt(videoPath, jobFiles.video(job));
}

/**
 * Completes a job whose files are published: a COMPLETED row always has its video. If cancel or another attempt was first, the files
 * are taken back. May be repeated when its outcome is unknown.
 */
export async function completeAttempt(context: AttemptContext, { job, token }: Attempt, figures: RenderFigures): Promise<void> {
  const { jobs, blobs } = context;
  await end(context, job, { from: ['PROCESSING'], token }, { status: 'COMPLETED', percent: 100, filesKept: true, ...figures });
  const row = await jobs.find(job.id);
  if (row?.status !== 'COMPLETED' || row.attempt !== job.attempt) {
    await blobs.remove(jobFiles.attempt(job));
    return;
  }
  const others = (await blobs.list(jobFiles.archive(job))).filter((attempt) => attempt !== String(job.attempt));
  for (const attempt of others) await blobs.remove(`${jobFiles.archive(job)}/${attempt}`);
}

/** Ends an attempt that failed: another one later if that can cure it and one is left, else the job is FAILED. */
export async function failAttempt(
  context: AttemptContext,
  { job, token }: Attempt,
  error: AppError,
): Promise<{ retryInMs: number } | null> {
  const retryInMs = context.config.RETRY_DELAY_SECONDS * 1000;
  const again = await retryOrFail(context, job, { from: ['PROCESSING'], token }, error, retryInMs);
  return again ? { retryInMs } : null;
}

/** True if the job waits for another attempt now. */
export async function retryOrFail(context: EndContext, job: Job, guard: Guard, error: AppError, retryInMs: number): Promise<boolean> {
  if (!error.anotherAttemptHelps || job.attempt >= job.maxAttempts) {
    await end(context, job, guard, { status: 'FAILED', ...stored(error) });
    return false;
  }
  const nextAttemptAt = new Date((await context.jobs.now()).getTime() + retryInMs);
  const waiting = await context.jobs.transition(job.id, guard, { ...IDLE, ...stored(error), status: 'RETRYING', nextAttemptAt });
  return waiting !== null;
}

/** Gives an unfinished job back because its worker cannot go on; the attempt is not held against it. */
export async function handBack(context: AttemptContext, { job, token }: Attempt): Promise<boolean> {
  const waiting = await context.jobs.transition(
    job.id,
    { from: ['PROCESSING'], token },
    {
      ...IDLE,
      status: 'QUEUED',
      maxAttempts: job.maxAttempts + 1,
      workerId: null,
      device: null,
    },
  );
  if (!waiting) return false;
  await publishQueueChange(context, waiting.engine);
  return true;
}

function stored(error: AppError) {
  return { errorCode: error.code, errorMessage: error.message } as const;
}
