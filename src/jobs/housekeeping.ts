/**
 * What crashes leave behind is mended here, and what has had its time is deleted. Every pass starts from the database alone, so it
 * does not matter which process runs it, how often, or what the clock did meanwhile.
 */
import { end } from './attempt.ts';
import { tell, type JobContext } from './context.ts';
import { liveWorkers } from './engines.ts';
import { AppError } from './errors.ts';
import { jobFiles, type Job } from './job.ts';
import type { QueueEntryState } from './ports.ts';
import { uploadFile, type SeenWorker } from './store.ts';

/** Younger rows are left alone: their creator may be just about to queue them. */
const SETTLE_MS = 3_000;
const BATCH = 100;
/** A silent worker's row is of use to somebody who looks for it; for this long. */
const WORKER_ROWS_KEPT_SECONDS = 3_600;

/** One pass of everything; skipped if another process is at it. Never rejects: each part's failure is logged and tried again next time. */
export async function keepHouse(context: JobContext): Promise<void> {
  const parts = { reconcile, expireFiles, expireUploads, clearStrays, deleteOldRows } as const;
  try {
    await context.jobs.exclusively('housekeeping', async () => {
      for (const [part, run] of Object.entries(parts)) {
        await run(context).catch((error: unknown) => context.log.error({ err: error, part }, 'housekeeping failed; it will be tried again'));
      }
    });
  } catch (error) {
    context.log.error({ err: error }, 'housekeeping could not begin; it will be tried again');
  }
}

/** Makes rows and queue agree again. */
export async function reconcile(context: JobContext): Promise<void> {
  const now = await context.jobs.now();
  const workers = await liveWorkers(context);
  for (const job of await context.jobs.active()) {
    const entry = await context.queue.state(job.engine, job.id);
    if (job.status === 'PROCESSING') {
      if (entry === 'missing' && !isHeld(job, workers)) await releaseLost(context, job);
    } else {
      await requeue(context, job, entry, now);
    }
  }
  await markMissingFiles(context);
}

function isHeld(job: Job, workers: readonly SeenWorker[]): boolean {
  return workers.some((worker) => worker.id === job.workerId && worker.jobId === job.id);
}

/** A waiting row without a queue entry: a crash came between the two, or the queue lost its data. */
async function requeue(context: JobContext, job: Job, entry: QueueEntryState, now: Date): Promise<void> {
  if (entry !== 'missing' || now.getTime() - job.createdAt.getTime() < SETTLE_MS) return;
  const delayMs = job.status === 'RETRYING' && job.nextAttemptAt ? Math.max(0, job.nextAttemptAt.getTime() - now.getTime()) : 0;
  context.log.warn({ jobId: job.id, status: job.status }, 'job had no queue entry; queued again');
  await context.queue.enqueue(job.engine, job.id, delayMs);
}

/** A row whose worker and queue entry are both gone: the attempt is lost; the next one may begin at once. */
async function releaseLost(context: JobContext, job: Job): Promise<void> {
  context.log.warn({ jobId: job.id, attempt: job.attempt, workerId: job.workerId }, 'job was held by nobody');
  const lost = { errorCode: 'WORKER_LOST', errorMessage: new AppError('WORKER_LOST').message } as const;
  const guard = { from: ['PROCESSING'], token: job.attemptToken, attempt: job.attempt } as const;
  if (job.attempt >= job.maxAttempts) {
    await end(context, job, guard, { status: 'FAILED', ...lost });
    return;
  }
  const waiting = await context.jobs.transition(job.id, guard, {
    ...lost, status: 'RETRYING', attemptToken: null, stage: null, step: null, totalSteps: null, etaSeconds: null, percent: 0, nextAttemptAt: await context.jobs.now(),
  });
  if (!waiting) return;
  await tell(context, [waiting]);
  await context.queue.enqueue(job.engine, job.id);
}

/** A completed row whose video is not there (a lost disk, a hand that tidied up) says so instead of handing out dead links. */
async function markMissingFiles(context: JobContext): Promise<void> {
  for (const job of await context.jobs.recentlyCompleted(600)) {
    const there = await context.files.stat(jobFiles.video(job)).then(() => true, (error: NodeJS.ErrnoException) => error.code !== 'ENOENT');
    if (there) continue;
    context.log.error({ jobId: job.id }, 'the video of a completed job is missing');
    const marked = await context.jobs.transition(job.id, { from: ['COMPLETED'] }, { filesKept: false });
    if (marked) await tell(context, [marked]);
  }
}

/** Deletes files, then says so in the row: a crash between the two only repeats the deletion. */
async function expireFiles(context: JobContext): Promise<void> {
  for (const job of await context.jobs.expired(BATCH)) {
    await context.files.remove(jobFiles.archive(job));
    await context.files.remove(jobFiles.hot(job.id));
    const expired = await context.jobs.transition(job.id, { from: [job.status] }, { filesKept: false, photoKept: false });
    if (expired) await tell(context, [expired]);
  }
}

async function expireUploads(context: JobContext): Promise<void> {
  for (const upload of await context.uploads.expired(BATCH)) {
    await context.files.remove(uploadFile(upload.id));
    await context.uploads.delete(upload.id);
  }
}

/** Files that no row speaks for: a crash came between file and row. */
async function clearStrays({ jobs, uploads, files, log }: JobContext): Promise<void> {
  const now = (await jobs.now()).getTime();
  const isSettled = async (key: string) => {
    const found = await files.stat(key).catch(() => null);
    return found !== null && now - found.modifiedAt.getTime() > 600_000;
  };
  const clear = async (key: string) => {
    log.info({ key }, 'stray files removed');
    await files.remove(key);
  };
  for (const id of await files.list('hot')) {
    if ((await isSettled(jobFiles.hot(id))) && !(await findRow(jobs, id))) await clear(jobFiles.hot(id));
  }
  for (const id of await files.list('uploads')) {
    if ((await isSettled(uploadFile(id))) && !(await uploads.exists(id))) await clear(uploadFile(id));
  }
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

async function findRow(jobs: JobContext['jobs'], id: string): Promise<Job | null> {
  return UUID.test(id) ? await jobs.find(id) : null;
}

async function deleteOldRows({ config, jobs, workers }: JobContext): Promise<void> {
  await jobs.deleteOld(config.JOBS_KEPT_DAYS);
  await workers.deleteUnseen(WORKER_ROWS_KEPT_SECONDS);
}
