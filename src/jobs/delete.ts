import { cancelJob } from './cancel.ts';
import type { JobContext } from './context.ts';
import { AppError } from './errors.ts';
import { isTerminal, jobFiles, type Job } from './job.ts';
import { removeUpload } from './uploads.ts';

/** Deletes a job, its photo and its files. An unfinished job is cancelled first. */
export async function deleteJob(context: JobContext, job: Job): Promise<void> {
  if (!isTerminal(job.status)) await cancelJob(context, job).catch(ignoreFinished);
  await context.blobs.remove(jobFiles.archive(job));
  await context.blobs.remove(jobFiles.hot(job.id));
  await context.jobs.delete(job.id);
  context.log.info({ jobId: job.id }, 'job deleted');
}

/** Deletes every job, upload and file of an owner; returns the number of jobs. */
export async function deleteOwner(context: JobContext, owner: string): Promise<number> {
  const [jobs, uploads] = await Promise.all([context.jobs.ownedBy(owner), context.uploads.ownedBy(owner)]);
  for (const job of jobs) await deleteJob(context, job);
  for (const { id } of uploads) await removeUpload(context, id);
  return jobs.length;
}

/** The job finished, or another request deleted it, before it could be cancelled. */
function ignoreFinished(error: unknown): void {
  if (!(error instanceof AppError && (error.code === 'NOT_CANCELLABLE' || error.code === 'NOT_FOUND'))) throw error;
}
