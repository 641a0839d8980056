/** One attempt's life, as the worker drives it. The token fences: a late worker cannot overwrite a newer attempt or an end. */
import { randomUUID } from 'node:crypto';
import { tell, type JobContext } from './context.ts';
import { AppError } from './errors.ts';
import { isTerminal, jobFiles, type Job } from './job.ts';
import type { JobChange, ProgressChange } from './store.ts';

export type AttemptContext = Pick<JobContext, 'config' | 'jobs' | 'queue' | 'bus' | 'files' | 'log'>;

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

/** Columns of a running attempt, emptied. */
const IDLE: JobChange = { attemptToken: null, stage: null, step: null, totalSteps: null, etaSeconds: null };

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
      await end(context, job, guard, { status: 'FAILED', errorCode: 'WORKER_LOST', errorMessage: new AppError('WORKER_LOST').message });
      return { kind: 'nothing' };
    }
  }
  const token = randomUUID();
  const begun = await jobs.transition(jobId, guard, {
    ...IDLE,
    status: 'PROCESSING', attempt: job.attempt + 1, attemptToken: token, percent: 0, previewAt: null, nextAttemptAt: null,
    errorCode: null, errorMessage: null, startedAt: job.startedAt ?? now, workerId, device,
  });
  if (!begun) return { kind: 'later', delayMs: 500 };
  await tell(context, [begun]);
  await tellWaiting(context, begun);
  return { kind: 'attempt', attempt: { job: begun, token } };
}

/** Writes progress; the row's new revision, or null once the attempt may no longer write, because it was cancelled or taken over. */
export async function reportProgress(context: AttemptContext, { job, token }: Attempt, change: ProgressChange): Promise<number | null> {
  const revision = await context.jobs.progress(job.id, token, change);
  if (revision !== null) await tell(context, [{ id: job.id, revision }]);
  return revision;
}

/** True while the attempt is the one that may write. */
export async function stillHeld({ jobs }: Pick<AttemptContext, 'jobs'>, { job, token }: Attempt): Promise<boolean> {
  const row = await jobs.find(job.id);
  return row?.status === 'PROCESSING' && row.attemptToken === token;
}

/** What a finished render left in its scratch folder. */
export interface Finished {
  readonly videoPath: string;
  readonly posterPath: string;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly renderSeconds: number;
}

/** Publishes the files, then the state: a COMPLETED row always has its video. False if cancel or another attempt was first. */
export async function completeAttempt(context: AttemptContext, { job, token }: Attempt, finished: Finished): Promise<boolean> {
  const { files } = context;
  await files.adopt(finished.posterPath, jobFiles.poster(job));
  await files.adopt(finished.videoPath, jobFiles.video(job));
  const { sizeBytes, sha256, renderSeconds } = finished;
  const ended = await end(context, job, { from: ['PROCESSING'], token }, {
    status: 'COMPLETED', percent: 100, filesKept: true, sizeBytes, sha256, renderSeconds,
  });
  await keepOnly(context, job, ended);
  return ended !== null;
}

/** Ends an attempt that failed: another one later if that can cure it and one is left, else the job is FAILED. */
export async function failAttempt(context: AttemptContext, { job, token }: Attempt, error: AppError): Promise<{ retryInMs: number } | null> {
  const { config, jobs } = context;
  const stored = { errorCode: error.code, errorMessage: error.message } as const;
  const guard = { from: ['PROCESSING'], token } as const;
  if (!error.retryable || job.attempt >= job.maxAttempts) {
    await end(context, job, guard, { status: 'FAILED', ...stored });
    return null;
  }
  const retryInMs = config.RETRY_DELAY_SECONDS * 1000;
  const nextAttemptAt = new Date((await jobs.now()).getTime() + retryInMs);
  const waiting = await jobs.transition(job.id, guard, { ...IDLE, ...stored, status: 'RETRYING', percent: 0, nextAttemptAt });
  if (!waiting) return null;
  await tell(context, [waiting]);
  return { retryInMs };
}

/** Gives an unfinished job back because its worker leaves; the attempt is not held against it. */
export async function handBack(context: AttemptContext, { job, token }: Attempt): Promise<boolean> {
  const waiting = await context.jobs.transition(job.id, { from: ['PROCESSING'], token }, {
    ...IDLE, status: 'QUEUED', percent: 0, maxAttempts: job.maxAttempts + 1, workerId: null, device: null,
  });
  if (waiting) await tell(context, [waiting]);
  return waiting !== null;
}

/** The one way into a terminal state: files' time starts, followers and waiting jobs are told, working files go. */
export async function end(
  context: AttemptContext, job: Job, guard: Parameters<JobContext['jobs']['transition']>[1], change: JobChange & { status: Job['status'] },
): Promise<Job | null> {
  const { config, jobs, files, log } = context;
  const finishedAt = await jobs.now();
  const expiresAt = new Date(finishedAt.getTime() + config.FILES_KEPT_HOURS * 3_600_000);
  const ended = await jobs.transition(job.id, guard, { ...IDLE, nextAttemptAt: null, finishedAt, expiresAt, ...change });
  if (!ended) return null;
  log.info({ jobId: job.id, status: ended.status, code: ended.errorCode ?? undefined, renderSeconds: ended.renderSeconds ?? undefined }, 'job ended');
  await tell(context, [ended]);
  await tellWaiting(context, ended);
  await files.remove(jobFiles.preview(job.id));
  if (ended.status !== 'COMPLETED') await files.remove(jobFiles.archive(job));
  return ended;
}

async function tellWaiting(context: AttemptContext, job: Job): Promise<void> {
  await tell(context, await context.jobs.touchWaiting(job.engine));
}

/** After publishing: without an end of its own an attempt takes back what it published; with one, what crashed attempts left goes. */
async function keepOnly({ files }: AttemptContext, job: Job, ended: Job | null): Promise<void> {
  if (!ended) {
    await files.remove(jobFiles.attempt(job));
    return;
  }
  const others = (await files.list(jobFiles.archive(job))).filter((attempt) => attempt !== String(job.attempt));
  for (const attempt of others) await files.remove(`${jobFiles.archive(job)}/${attempt}`);
}
