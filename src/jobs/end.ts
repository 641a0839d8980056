import { admitFromBacklog, publishQueueChange } from './admission.ts';
import type { JobContext } from './context.ts';
import { jobFiles, type Job } from './job.ts';
import type { Guard, JobChange } from './store.ts';

export type EndContext = Pick<JobContext, 'config' | 'jobs' | 'queue' | 'bus' | 'blobs' | 'log'>;

/** Columns that speak of a running attempt, emptied. Percent stays: it never falls within an attempt. */
export const IDLE: JobChange = { attemptToken: null, stage: null, step: null, totalSteps: null, etaSeconds: null, progressAt: null };

/**
 * The one way into a terminal state: the retention of files starts, followers are notified, the next job is admitted to the queue, and
 * working files are removed.
 * @returns the ended job; null if the row no longer meets `guard`
 */
export async function end(context: EndContext, job: Job, guard: Guard, change: JobChange & Pick<Job, 'status'>): Promise<Job | null> {
  const { config, jobs, blobs, log } = context;
  const finishedAt = await jobs.now();
  const expiresAt = new Date(finishedAt.getTime() + config.FILES_KEPT_HOURS * 3_600_000);
  const ended = await jobs.transition(job.id, guard, { ...IDLE, nextAttemptAt: null, finishedAt, expiresAt, ...change });
  if (!ended) return null;
  log.info(
    { jobId: job.id, status: ended.status, code: ended.errorCode ?? undefined, renderSeconds: ended.renderSeconds ?? undefined },
    'job ended',
  );
  await admitFromBacklog(context, ended.engine);
  await publishQueueChange(context, ended.engine);
  await blobs.remove(jobFiles.preview(job.id));
  if (ended.status !== 'COMPLETED') await blobs.remove(jobFiles.archive(job));
  return ended;
}
