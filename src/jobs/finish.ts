import { admitFromBacklog, publishQueueChange } from './admission.ts';
import type { JobContext } from './context.ts';
import { jobFiles, type Job } from './job.ts';
import type { Guard, JobChange } from './store.ts';

export type FinishContext = Pick<JobContext, 'policy' | 'jobs' | 'queue' | 'bus' | 'blobs' | 'log'>;

/** Clears the columns that describe a running attempt. `percent` stays, since it never decreases within an attempt. */
export const NO_ACTIVE_ATTEMPT: JobChange = {
  attemptToken: null,
  stage: null,
  step: null,
  totalSteps: null,
  etaSeconds: null,
  progressAt: null,
};

/**
 * Moves a job to a terminal status; nothing else does. Also starts the retention period of its files, admits the next job to the queue,
 * publishes the changed positions and removes working files.
 * @returns the finished job; null if the row no longer meets `guard`
 */
export async function finishJob(
  context: FinishContext,
  job: Job,
  guard: Guard,
  change: JobChange & Pick<Job, 'status'>,
): Promise<Job | null> {
  const { policy, jobs, blobs, log } = context;
  const finishedAt = await jobs.now();
  const expiresAt = new Date(finishedAt.getTime() + policy.filesKeptMs);
  const finished = await jobs.transition(job.id, guard, { ...NO_ACTIVE_ATTEMPT, nextAttemptAt: null, finishedAt, expiresAt, ...change });
  if (!finished) return null;
  const { status, errorCode, renderSeconds, engine } = finished;
  log.info({ jobId: job.id, status, code: errorCode ?? undefined, renderSeconds: renderSeconds ?? undefined }, 'job finished');
  await admitFromBacklog(context, engine);
  await publishQueueChange(context, engine);
  await blobs.remove(jobFiles.preview(job.id));
  if (status !== 'COMPLETED') await blobs.remove(jobFiles.archive(job));
  return finished;
}
