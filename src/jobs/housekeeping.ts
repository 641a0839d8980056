/**
 * Periodic repair and cleanup: releases lost jobs, adds missing queue entries, deletes expired files and old rows. Each pass starts from the
 * state in the database, so it does not matter which process runs it or how often.
 */
import { admitAll } from './admission.ts';
import { retryOrFail } from './attempt.ts';
import type { JobContext } from './context.ts';
import { forEachBatch, forEachItem } from './each.ts';
import { liveWorkers } from './engines.ts';
import { AppError } from './errors.ts';
import { jobFiles, type Job } from './job.ts';
import { removeOrphans } from './orphans.ts';
import type { QueueEntryState } from './ports/queue.ts';
import type { SeenWorker } from './store.ts';
import { removeUpload } from './uploads.ts';

/** A job without a queue entry is left alone for this long after its creation, since its creator may be about to add the entry. */
const ENQUEUE_GRACE_MS = 3_000;
/** How far back completed jobs are checked for missing files. */
const CHECK_FILES_MS = 600_000;
/** Rows of workers that are gone are kept this long for diagnosis. */
const WORKER_ROWS_KEPT_MS = 3_600_000;
/** Delivered events are kept this long for diagnosis. */
const EVENTS_KEPT_MS = 86_400_000;
/** The search for orphans reads the whole storage and is not urgent, so it runs less often than the rest. */
const ORPHANS_EVERY_MS = 300_000;

/** When each context last searched for orphans, on the clock of performance.now(). */
const lastOrphanSearch = new WeakMap<JobContext, number>();

/**
 * Runs one pass; skipped while another process runs one. Never rejects: the failure of a part is logged, and the next pass tries again.
 */
export async function runHousekeeping(context: JobContext): Promise<void> {
  const parts = { reconcile, admitAll, markMissingFiles, expireFiles, expireUploads, searchOrphans, deleteOldRows } as const;
  try {
    await context.jobs.exclusively('housekeeping', async () => {
      for (const [part, run] of Object.entries(parts)) {
        await run(context).catch((error: unknown) =>
          context.log.error({ err: error, part }, 'a part of housekeeping failed; trying again in the next pass'),
        );
      }
    });
  } catch (error) {
    context.log.error({ err: error }, 'housekeeping could not start; trying again in the next pass');
  }
}

async function searchOrphans(context: JobContext): Promise<void> {
  const last = lastOrphanSearch.get(context);
  if (last !== undefined && performance.now() - last < ORPHANS_EVERY_MS) return;
  await removeOrphans(context);
  lastOrphanSearch.set(context, performance.now());
}

/** Makes the queue agree with the rows. */
async function reconcile(context: JobContext): Promise<void> {
  const now = await context.jobs.now();
  const workers = await liveWorkers(context);
  const admitted = (await context.jobs.active()).filter(({ admission }) => admission !== null);
  await forEachItem(context.log, admitted, async (job) => {
    const entry = await context.queue.state(job.engine, job.id);
    if (job.status === 'PROCESSING') {
      if (entry === 'missing' && !hasWorker(job, workers)) await releaseLost(context, job);
    } else {
      await requeue(context, job, entry, now);
    }
  });
}

function hasWorker(job: Job, workers: readonly SeenWorker[]): boolean {
  return workers.some((worker) => worker.id === job.workerId && worker.jobId === job.id);
}

/** Adds the entry of a waiting job that has none, after a crash between row and entry or a loss of data in the queue. */
async function requeue(context: JobContext, job: Job, entry: QueueEntryState, now: Date): Promise<void> {
  if (entry !== 'missing' || now.getTime() - job.createdAt.getTime() < ENQUEUE_GRACE_MS) return;
  const delayMs = job.status === 'RETRYING' && job.nextAttemptAt ? Math.max(0, job.nextAttemptAt.getTime() - now.getTime()) : 0;
  context.log.warn({ jobId: job.id, status: job.status }, 'job had no queue entry; queued again');
  await context.queue.enqueue(job.engine, job.id, delayMs);
}

/** Ends the attempt of a job that has neither worker nor queue entry; the next attempt may start at once. */
async function releaseLost(context: JobContext, job: Job): Promise<void> {
  context.log.warn({ jobId: job.id, attempt: job.attempt, workerId: job.workerId }, 'job had no live worker');
  const guard = { from: ['PROCESSING'], token: job.attemptToken, attempt: job.attempt } as const;
  if (await retryOrFail(context, job, guard, new AppError('WORKER_LOST'), 0)) await context.queue.enqueue(job.engine, job.id);
}

/** Records in the row that the video of a completed job is missing, so that clients get no dead links. */
async function markMissingFiles(context: JobContext): Promise<void> {
  await forEachItem(context.log, await context.jobs.recentlyCompleted(CHECK_FILES_MS), async (job) => {
    const isStored = await context.blobs.stat(jobFiles.video(job)).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
    );
    if (isStored) return;
    context.log.error({ jobId: job.id }, 'the video of a completed job is missing');
    await context.jobs.transition(job.id, { from: ['COMPLETED'] }, { filesKept: false });
  });
}

/** Deletes files whose retention period is over, then records it in the row; a crash in between only repeats the deletion. */
export async function expireFiles(context: JobContext): Promise<void> {
  await forEachBatch(
    context.log,
    (limit, skip) => context.jobs.expired(limit, skip),
    async (job) => {
      await context.blobs.remove(jobFiles.archive(job));
      await context.blobs.remove(jobFiles.hot(job.id));
      await context.jobs.transition(job.id, { from: [job.status] }, { filesKept: false, photoKept: false });
    },
  );
}

/** Deletes expired uploads. */
export async function expireUploads(context: JobContext): Promise<void> {
  await forEachBatch(
    context.log,
    (limit, skip) => context.uploads.expired(limit, skip),
    ({ id }) => removeUpload(context, id),
  );
}

async function deleteOldRows({ policy, jobs, workers }: JobContext): Promise<void> {
  await jobs.deleteOld(policy.jobsKeptMs);
  await jobs.deleteDeliveredEvents(EVENTS_KEPT_MS);
  await workers.deleteUnseen(WORKER_ROWS_KEPT_MS);
}
