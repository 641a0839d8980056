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

/** Who asks. Limits and ownership count for `owner`; the local owner has no limit of its own. */
export interface Requester {
  readonly owner: string;
  readonly local: boolean;
}

/** A photo that lies in storage already. */
export interface StoredPhoto extends PhotoGeometry {
  readonly key: string;
  readonly sha256: string;
  /** What it means should the file be gone by the time it is used. */
  readonly gone?: 'UPLOAD_NOT_FOUND' | 'EXPIRED';
}

export interface CreateRequest extends RequestedOptions {
  readonly clientRef?: string | null;
  readonly idempotencyKey?: string | null;
}

/**
 * Creates a job: row, photo, queue entry. Atomic in effect: what a crash leaves between row and entry, housekeeping completes.
 * The same idempotency key with the same options and photo gives the same job again.
 * @throws AppError BAD_INPUT, CONFLICT, ENGINE_UNAVAILABLE, QUEUE_FULL, OWNER_LIMIT
 */
export async function createJob(context: JobContext, who: Requester, request: CreateRequest, photo: StoredPhoto): Promise<Job> {
  const checked = checkOptions(request);
  checkText('clientRef', request.clientRef, CLIENT_REF_MAX);
  checkText('idempotencyKey', request.idempotencyKey, 200);
  const print = fingerprint(checked, photo.sha256);
  const idempotencyKey = request.idempotencyKey ?? null;
  if (idempotencyKey !== null) {
    const earlier = await context.jobs.findByKey(who.owner, idempotencyKey);
    if (earlier) return sameRequest(earlier, print);
  }
  const engine = await chooseEngine(context, checked.engine);
  return await place(context, who, photo, {
    ...(await draft(context, who, engine, resolveOptions(checked, engine, photo), photo)),
    clientRef: request.clientRef ?? null,
    idempotencyKey,
    fingerprint: print,
    retryOf: null,
  });
}

/**
 * A failed or cancelled job once more, as a new job with the same photo, options and seed.
 * @throws AppError NOT_RETRYABLE, EXPIRED once the photo is gone, and what `createJob` throws
 */
export async function retryJob(context: JobContext, who: Requester, old: Job): Promise<Job> {
  if (old.status !== 'FAILED' && old.status !== 'CANCELLED') throw new AppError('NOT_RETRYABLE');
  const photo = jobPhoto(old);
  await chooseEngine(context, old.engine);
  return await place(context, who, photo, {
    ...(await draft(context, who, old.engine, old.options, photo)),
    clientRef: old.clientRef,
    idempotencyKey: null,
    fingerprint: old.fingerprint,
    retryOf: old.id,
  });
}

/**
 * The photo of an earlier job.
 * @throws AppError EXPIRED once it is deleted
 */
export function jobPhoto(job: Job): StoredPhoto {
  if (!job.photoKept) throw new AppError('EXPIRED', "The earlier job's photo is no longer kept.");
  const { photoSha256: sha256, photoWidth: width, photoHeight: height, photoFocus: focus } = job;
  return { key: jobFiles.photo(job.id), sha256, width, height, focus, gone: 'EXPIRED' };
}

/**
 * The photo of an upload of one's own.
 * @throws AppError UPLOAD_NOT_FOUND
 */
export async function uploadedPhoto({ uploads }: Pick<JobContext, 'uploads'>, owner: string, id: string): Promise<StoredPhoto> {
  const upload = await uploads.find(owner, id);
  if (!upload) throw new AppError('UPLOAD_NOT_FOUND', undefined, { field: 'image.uploadId' });
  const { sha256, width, height, focus } = upload;
  return { key: uploadFile(upload.id), sha256, width, height, focus, gone: 'UPLOAD_NOT_FOUND' };
}

async function draft(context: JobContext, who: Requester, engine: EngineName, options: RenderOptions, photo: StoredPhoto) {
  const [estimator, workers] = await Promise.all([estimatorFor(context.jobs, engine), liveWorkers(context)]);
  const places = workersFor(engine, workers);
  const sameEverywhere = new Set(places.map(({ device }) => device)).size === 1;
  return {
    id: randomUUID(),
    owner: who.owner,
    maxAttempts: context.config.MAX_ATTEMPTS,
    engine,
    options,
    estimatedSeconds: estimator.fastest(options, places),
    // Compared with the measured time later, which is only meaningful if the baseline is that device's.
    baselineSeconds: sameEverywhere ? baselineSeconds(options, places[0]) : null,
    photoSha256: photo.sha256,
    photoWidth: photo.width,
    photoHeight: photo.height,
    photoFocus: photo.focus,
  };
}

/** Photo first, then the row, then the queue's entry: whatever is interrupted, no row is without its photo. */
async function place(context: JobContext, who: Requester, photo: StoredPhoto, job: NewJob): Promise<Job> {
  const { config, jobs, blobs, log } = context;
  await blobs.copy(photo.key, jobFiles.photo(job.id)).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' && photo.gone ? new AppError(photo.gone, 'The photo is no longer kept.', {}, error) : error;
  });
  // Should this fail, the row may be there all the same; housekeeping finds out and queues it or clears the photo away.
  const insertion = await jobs.insert(job, {
    queue: config.QUEUE_LIMIT,
    backlog: config.BACKLOG_LIMIT,
    owner: who.local ? null : config.OWNER_LIMIT,
  });
  if (insertion.kind !== 'inserted') await blobs.remove(jobFiles.hot(job.id));
  if (insertion.kind === 'existing') return sameRequest(insertion.job, job.fingerprint);
  if (insertion.kind === 'full') throw await fullError(context, job.engine, insertion.limit, insertion.count);
  log.info({ jobId: job.id, owner: job.owner, options: job.options }, 'job created');
  await enqueueAdmitted(context, insertion.admitted);
  await publishQueueChange(context, job.engine);
  return insertion.job;
}

function sameRequest(earlier: Job, print: string): Job {
  if (earlier.fingerprint !== print) throw new AppError('CONFLICT', undefined, { field: 'idempotencyKey' });
  return earlier;
}

async function fullError(
  { jobs }: Pick<JobContext, 'jobs'>,
  engine: EngineName,
  limit: 'backlog' | 'owner',
  count: number,
): Promise<AppError> {
  const { places, runningSeconds, waitingSeconds } = await jobs.line(engine);
  const retryAfterSeconds = Math.max(1, Math.ceil(runningSeconds || waitingSeconds / Math.max(1, places.size)));
  return limit === 'backlog'
    ? new AppError('QUEUE_FULL', `The queue is full: ${count} jobs wait already.`, { retryAfterSeconds })
    : new AppError('OWNER_LIMIT', `You have ${count} unfinished jobs, which is the limit.`, { retryAfterSeconds });
}
