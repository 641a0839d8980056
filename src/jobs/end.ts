import { tell, type JobContext } from './context.ts';
import { jobFiles, type Job } from './job.ts';
import type { Guard, JobChange } from './store.ts';

export type EndContext = Pick<JobContext, 'config' | 'jobs' | 'bus' | 'files' | 'log'>;

/** Columns that speak of a running attempt, emptied. Percent stays: it never falls within an attempt. */
export const IDLE: JobChange = { attemptToken: null, stage: null, step: null, totalSteps: null, etaSeconds: null, progressAt: null };

/**
 * The one way into a terminal state: the files' time starts, followers and waiting jobs are told, working files go.
 * @returns the ended job; null if the row no longer meets `guard`
 */
export async function end(context: EndContext, job: Job, guard: Guard, change: JobChange & Pick<Job, 'status'>): Promise<Job | null> {
  const { config, jobs, files, log } = context;
  const finishedAt = await jobs.now();
  const expiresAt = new Date(finishedAt.getTime() + config.FILES_KEPT_HOURS * 3_600_000);
  const ended = await jobs.transition(job.id, guard, { ...IDLE, nextAttemptAt: null, finishedAt, expiresAt, ...change });
  if (!ended) return null;
  log.info(
    { jobId: job.id, status: ended.status, code: ended.errorCode ?? undefined, renderSeconds: ended.renderSeconds ?? undefined },
    'job ended',
  );
  await tell(context, [ended]);
  await tellWaiting(context, ended);
  await files.remove(jobFiles.preview(job.id));
  if (ended.status !== 'COMPLETED') await files.remove(jobFiles.archive(job));
  return ended;
}

/** Tells the jobs that wait for the same engine that their places have changed. News only: it never fails what brought them about. */
export async function tellWaiting(context: EndContext, { id, engine }: Pick<Job, 'id' | 'engine'>): Promise<void> {
  try {
    await tell(context, await context.jobs.touchWaiting(engine));
  } catch (error) {
    context.log.warn({ jobId: id, err: error }, 'waiting jobs not told of their places');
  }
}
