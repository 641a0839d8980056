import type { JobContext } from './context.ts';
import { AppError } from './errors.ts';
import { finishJob } from './finish.ts';
import { ACTIVE_STATUSES, type Job } from './job.ts';

/**
 * Cancels a queued or running job. The row is CANCELLED at once; the renderer stops at its next frame or step. Cancelling a cancelled job
 * returns it unchanged.
 * @throws AppError NOT_CANCELLABLE if the job has completed or failed
 */
export async function cancelJob(context: JobContext, job: Job): Promise<Job> {
  const cancelled = await finishJob(context, job, { from: ACTIVE_STATUSES }, { status: 'CANCELLED' });
  if (cancelled) {
    await context.queue.remove(job.engine, job.id).catch((error: unknown) => {
      context.log.warn({ jobId: job.id, err: error }, 'queue entry of a cancelled job not removed; the worker that takes it drops it');
    });
    return cancelled;
  }
  const current = await context.jobs.find(job.id);
  if (!current) throw new AppError('NOT_FOUND');
  if (current.status === 'CANCELLED') return current;
  throw new AppError('NOT_CANCELLABLE');
}
