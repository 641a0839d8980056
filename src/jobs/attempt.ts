/** The life of one attempt at a job. The attempt token is the fence: a superseded attempt can no longer write to the row. */
import { randomUUID } from 'node:crypto';
import { publishQueueChange } from './admission.ts';
import type { JobContext } from './context.ts';
import { AppError } from './errors.ts';
import { finishJob, NO_ACTIVE_ATTEMPT, type FinishContext } from './finish.ts';
import { isTerminal, jobFiles, type Job } from './job.ts';
import type { Guard } from './store.ts';

export type AttemptContext = FinishContext & Pick<JobContext, 'workspace'>;

/** Wait before retrying a claim that lost the race against another process. */
const CLAIM_RETRY_MS = 500;

export interface Attempt {
  readonly job: Job;
  readonly token: string;
}

export type Claim =
  | { readonly kind: 'attempt'; readonly attempt: Attempt }
  /** There is nothing to do: the job does not exist or has finished. */
  | { readonly kind: 'nothing' }
  /** The job cannot be claimed yet. */
  | { readonly kind: 'later'; readonly delayMs: number };

/**
 * Claims a job and starts its next attempt. If the row is still PROCESSING, its worker has died or lost its connection: that attempt
 * counts, and its token is no longer valid.
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
      await finishJob(context, job, guard, { status: 'FAILED', ...errorColumns(new AppError('WORKER_LOST')) });
      return { kind: 'nothing' };
    }
  }
  const token = randomUUID();
  const started = await jobs.transition(jobId, guard, {
    ...NO_ACTIVE_ATTEMPT,
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
  if (!started) return { kind: 'later', delayMs: CLAIM_RETRY_MS };
  await publishQueueChange(context, started.engine);
  return { kind: 'attempt', attempt: { job: started, token } };
}

/** Whether the attempt may still write to its job. */
export async function ownsJob({ jobs }: Pick<AttemptContext, 'jobs'>, { job, token }: Attempt): Promise<boolean> {
  const row = await jobs.find(job.id);
  return row?.status === 'PROCESSING' && row.attemptToken === token;
}

/** Local files that a finished render has written. */
export interface RenderOutput {
  readonly videoPath: string;
  readonly posterPath: string;
}

export interface RenderFigures {
  readonly sizeBytes: number;
  /** Of the video, hexadecimal. */
  readonly sha256: string;
  readonly renderSeconds: number;
}

/** Moves the output of a render to the attempt's folder in the archive. Call once, before `completeAttempt`. */
export async function storeOutput(
  { workspace }: Pick<AttemptContext, 'workspace'>,
  { job }: Attempt,
  { videoPath, posterPath }: RenderOutput,
): Promise<void> {
  await workspace.adopt(posterPath, jobFiles.poster(job));
  await workspace.adopt(videoPath, jobFiles.video(job));
}

/**
 * Completes a job whose output is stored, so that a COMPLETED row always has its video. If the job was cancelled or another attempt
 * completed it, the output is removed. Safe to repeat when the outcome of an earlier call is unknown.
 */
export async function completeAttempt(context: AttemptContext, { job, token }: Attempt, figures: RenderFigures): Promise<void> {
  const { jobs, blobs } = context;
  await finishJob(context, job, { from: ['PROCESSING'], token }, { status: 'COMPLETED', percent: 100, filesKept: true, ...figures });
  const row = await jobs.find(job.id);
  if (row?.status !== 'COMPLETED' || row.attempt !== job.attempt) {
    await blobs.remove(jobFiles.attempt(job));
    return;
  }
  const others = (await blobs.list(jobFiles.archive(job))).filter((attempt) => attempt !== String(job.attempt));
  for (const attempt of others) await blobs.remove(`${jobFiles.archive(job)}/${attempt}`);
}

/** Records the failure of an attempt. The job is RETRYING if another attempt can help and one is left, otherwise FAILED. */
export async function failAttempt(
  context: AttemptContext,
  { job, token }: Attempt,
  error: AppError,
): Promise<{ retryInMs: number } | null> {
  const retryInMs = context.policy.retryDelayMs;
  const retries = await retryOrFail(context, job, { from: ['PROCESSING'], token }, error, retryInMs);
  return retries ? { retryInMs } : null;
}

/** Returns whether the job waits for another attempt now. */
export async function retryOrFail(context: FinishContext, job: Job, guard: Guard, error: AppError, retryInMs: number): Promise<boolean> {
  if (!error.anotherAttemptHelps || job.attempt >= job.maxAttempts) {
    await finishJob(context, job, guard, { status: 'FAILED', ...errorColumns(error) });
    return false;
  }
  const nextAttemptAt = new Date((await context.jobs.now()).getTime() + retryInMs);
  const change = { ...NO_ACTIVE_ATTEMPT, ...errorColumns(error), status: 'RETRYING', nextAttemptAt } as const;
  return (await context.jobs.transition(job.id, guard, change)) !== null;
}

/** Returns an unfinished job to the queue because its worker cannot continue; the attempt does not count. False if it was superseded. */
export async function releaseAttempt(context: AttemptContext, { job, token }: Attempt): Promise<boolean> {
  const released = await context.jobs.transition(
    job.id,
    { from: ['PROCESSING'], token },
    { ...NO_ACTIVE_ATTEMPT, status: 'QUEUED', maxAttempts: job.maxAttempts + 1, workerId: null, device: null },
  );
  if (!released) return false;
  await publishQueueChange(context, released.engine);
  return true;
}

function errorColumns(error: AppError) {
  return { errorCode: error.code, errorMessage: error.message } as const;
}
