import { randomUUID } from 'node:crypto';
import type { PhotoGeometry } from '../catalog/crop.ts';
import type { EngineName, RenderOptions } from '../catalog/engines.ts';
import { enqueueAdmitted, publishQueueChange } from './admission.ts';
import type { JobContext } from './context.ts';
import { chooseEngine, liveWorkers, workersFor } from './engines.ts';
import { AppError } from './errors.ts';
import { baselineSeconds } from './costs.ts';
import { estimatorFor } from './estimates.ts';
import { jobFiles, type Job } from './job.ts';
import { checkOptions, checkText, CLIENT_REF_MAX, fingerprint, resolveOptions, type RequestedOptions } from './options.ts';
import { uploadFile, type NewJob } from './store.ts';

/** The caller of an operation. Ownership and limits apply to `owner`; the local owner has no limit. */
export interface Requester {
  readonly owner: string;
  readonly local: boolean;
}

/** A photo in storage. */
export interface StoredPhoto extends PhotoGeometry {
  readonly key: string;
  readonly sha256: string;
  /** The error to throw if the file has been deleted in the meantime. */
  readonly errorIfDeleted?: 'UPLOAD_NOT_FOUND' | 'EXPIRED';
}

export interface CreateRequest extends RequestedOptions {
  readonly clientRef?: string | null;
  readonly idempotencyKey?: string | null;
}

/**
 * Creates a job: photo, row, queue entry. If the process dies between row and entry, housekeeping adds the entry. A request with the same
 * idempotency key, options and photo as an earlier one returns the earlier job.
 * @throws AppError BAD_INPUT, CONFLICT, ENGINE_UNAVAILABLE, QUEUE_FULL, OWNER_LIMIT
 */
export async function createJob(context: JobContext, requester: Requester, request: CreateRequest, photo: StoredPhoto): Promise<Job> {
  const checked = checkOptions(request);
  checkText('clientRef', request.clientRef, CLIENT_REF_MAX);
  checkText('idempotencyKey', request.idempotencyKey, 200);
  const requestFingerprint = fingerprint(checked, photo.sha256);
  const idempotencyKey = request.idempotencyKey ?? null;
  if (idempotencyKey !== null) {
    const earlier = await context.jobs.findByKey(requester.owner, idempotencyKey);
    if (earlier) return sameRequest(earlier, requestFingerprint);
  }
  const engine = await chooseEngine(context, checked.engine);
  return await persistAndEnqueue(context, requester, photo, {
    ...(await draft(context, requester, engine, resolveOptions(checked, engine, photo), photo)),
    clientRef: request.clientRef ?? null,
    idempotencyKey,
    fingerprint: requestFingerprint,
    retryOf: null,
  });
}

/**
 * Creates a new job with the photo, options and seed of a failed or cancelled one.
 * @throws AppError NOT_RETRYABLE, EXPIRED if the photo is deleted, and what `createJob` throws
 */
export async function retryJob(context: JobContext, requester: Requester, old: Job): Promise<Job> {
  if (old.status !== 'FAILED' && old.status !== 'CANCELLED') throw new AppError('NOT_RETRYABLE');
  const photo = jobPhoto(old);
  await chooseEngine(context, old.engine);
  return await persistAndEnqueue(context, requester, photo, {
    ...(await draft(context, requester, old.engine, old.options, photo)),
    clientRef: old.clientRef,
    idempotencyKey: null,
    fingerprint: old.fingerprint,
    retryOf: old.id,
  });
}

/**
 * The photo of an earlier job.
 * @throws AppError EXPIRED if it is deleted
 */
export function jobPhoto(job: Job): StoredPhoto {
  if (!job.photoKept) throw new AppError('EXPIRED', "The earlier job's photo is no longer kept.");
  const { photoSha256: sha256, photoWidth: width, photoHeight: height, photoFocus: focus } = job;
  return { key: jobFiles.photo(job.id), sha256, width, height, focus, errorIfDeleted: 'EXPIRED' };
}

/**
 * The photo of an upload of `owner`.
 * @throws AppError UPLOAD_NOT_FOUND
 */
export async function uploadedPhoto({ uploads }: Pick<JobContext, 'uploads'>, owner: string, id: string): Promise<StoredPhoto> {
  const upload = await uploads.find(owner, id);
  if (!upload) throw new AppError('UPLOAD_NOT_FOUND', undefined, { field: 'image.uploadId' });
  const { sha256, width, height, focus } = upload;
  return { key: uploadFile(upload.id), sha256, width, height, focus, errorIfDeleted: 'UPLOAD_NOT_FOUND' };
}

async function draft(context: JobContext, requester: Requester, engine: EngineName, options: RenderOptions, photo: StoredPhoto) {
  const [estimator, workers] = await Promise.all([estimatorFor(context.jobs, engine), liveWorkers(context)]);
  const devices = workersFor(engine, workers);
  const sameEverywhere = new Set(devices.map(({ device }) => device)).size === 1;
  return {
    id: randomUUID(),
    owner: requester.owner,
    maxAttempts: context.policy.maxAttempts,
    engine,
    options,
    estimatedSeconds: estimator.fastest(options, devices),
    // Compared with the measured time later, which is only meaningful if the baseline is for the same device.
    baselineSeconds: sameEverywhere ? baselineSeconds(options, devices[0]) : null,
    photoSha256: photo.sha256,
    photoWidth: photo.width,
    photoHeight: photo.height,
    photoFocus: photo.focus,
  };
}

/** Stores the photo, inserts the row and adds the queue entry, in this order, so that a crash never leaves a row without its photo. */
async function persistAndEnqueue(context: JobContext, requester: Requester, photo: StoredPhoto, job: NewJob): Promise<Job> {
  const { policy, jobs, blobs, log } = context;
  await blobs.copy(photo.key, jobFiles.photo(job.id)).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' && photo.errorIfDeleted
      ? new AppError(photo.errorIfDeleted, 'The photo is no longer kept.', {}, error)
      : error;
  });
  // If this rejects, the row may still have been inserted. Housekeeping then queues the job, or removes the orphaned photo.
  const insertion = await jobs.insert(job, {
    queue: policy.queueLimit,
    backlog: policy.backlogLimit,
    owner: requester.local ? null : policy.ownerLimit,
  });
  if (insertion.kind !== 'inserted') await blobs.remove(jobFiles.hot(job.id));
  if (insertion.kind === 'existing') return sameRequest(insertion.job, job.fingerprint);
  if (insertion.kind === 'full') throw await fullError(context, job.engine, insertion.limit, insertion.count);
  log.info({ jobId: job.id, owner: job.owner, options: job.options }, 'job created');
  await enqueueAdmitted(context, insertion.admitted);
  await publishQueueChange(context, job.engine);
  return insertion.job;
}

/** @throws AppError CONFLICT if the idempotency key was used for another request */
function sameRequest(earlier: Job, requestFingerprint: string): Job {
  if (earlier.fingerprint !== requestFingerprint) throw new AppError('CONFLICT', undefined, { field: 'idempotencyKey' });
  return earlier;
}

async function fullError(
  { jobs }: Pick<JobContext, 'jobs'>,
  engine: EngineName,
  limit: 'backlog' | 'owner',
  count: number,
): Promise<AppError> {
  const { positions, runningSeconds, waitingSeconds } = await jobs.line(engine);
  const retryAfterSeconds = Math.max(1, Math.ceil(runningSeconds || waitingSeconds / Math.max(1, positions.size)));
  return limit === 'backlog'
    ? new AppError('QUEUE_FULL', `The backlog is full: ${count} jobs are waiting.`, { retryAfterSeconds })
    : new AppError('OWNER_LIMIT', `You have ${count} unfinished jobs, which is the limit.`, { retryAfterSeconds });
}
