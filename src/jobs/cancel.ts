/** What an owner can do to a job after creating it: cancel it, delete it, delete an upload, or everything. */
import { end } from './end.ts';
import type { JobContext } from './context.ts';
import { AppError } from './errors.ts';
import { ACTIVE_STATUSES, isTerminal, jobFiles, type Job } from './job.ts';
import { isUuid, uploadFile } from './store.ts';

/**
 * Cancels a job, queued or running; for its owner it is over at once, the renderer stops at its next frame or step. Cancelling a
 * cancelled job gives it back as it is.
 * @throws AppError NOT_CANCELLABLE if it completed or failed before
 */
export async function cancelJob(context: JobContext, job: Job): Promise<Job> {
  const cancelled = await end(context, job, { from: ACTIVE_STATUSES }, { status: 'CANCELLED' });
  if (cancelled) {
    await context.queue.remove(job.engine, job.id).catch((error: unknown) => {
      context.log.warn({ jobId: job.id, err: error }, "cancelled job's queue entry not removed; a worker will find it over");
    });
    return cancelled;
  }
  const present = await context.jobs.find(job.id);
  if (!present) throw new AppError('NOT_FOUND');
  if (present.status === 'CANCELLED') return present;
  throw new AppError('NOT_CANCELLABLE');
}

/** Deletes a job, its photo and its files; cancels it first if it is not at its end. */
export async function deleteJob(context: JobContext, job: Job): Promise<void> {
  if (!isTerminal(job.status)) await cancelJob(context, job).catch(unlessOver);
  await context.blobs.remove(jobFiles.archive(job));
  await context.blobs.remove(jobFiles.hot(job.id));
  await context.jobs.delete(job.id);
  context.log.info({ jobId: job.id }, 'job deleted');
}

/** Deletes every job, upload and file of an owner; how many jobs that were. */
export async function deleteOwner(context: JobContext, owner: string): Promise<number> {
  const [jobs, uploads] = await Promise.all([context.jobs.ownedBy(owner), context.uploads.ownedBy(owner)]);
  for (const job of jobs) await deleteJob(context, job);
  for (const { id } of uploads) await removeUpload(context, id);
  return jobs.length;
}

function unlessOver(error: unknown): void {
  if (!(error instanceof AppError && (error.code === 'NOT_CANCELLABLE' || error.code === 'NOT_FOUND'))) throw error;
}

/**
 * Deletes an upload of one's own before it expires; jobs made of it keep their photo.
 * @throws AppError UPLOAD_NOT_FOUND
 */
export async function deleteUpload(context: JobContext, owner: string, id: string): Promise<void> {
  const upload = isUuid(id) ? await context.uploads.find(owner, id) : null;
  if (!upload) throw new AppError('UPLOAD_NOT_FOUND');
  await removeUpload(context, upload.id);
}

/** Removes an upload, its file and its row. */
export async function removeUpload({ blobs, uploads }: Pick<JobContext, 'blobs' | 'uploads'>, id: string): Promise<void> {
  await blobs.remove(uploadFile(id));
  await uploads.delete(id);
}
