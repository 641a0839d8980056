/** The first half of a request: from a photo to a job of the API. */
import { once } from 'node:events';
import type { CreateInput } from '../api.ts';
import { ApiError, hasCode } from '../../src/client/error.ts';
import type { RunContext } from './context.ts';
import type { VideoRequest } from './group.ts';
import { withRetries } from './retries.ts';
import { resolveChoice } from './wording.ts';

/**
 * Creates the request's job when it is the request's turn. Retried while the API or Telegram is unreachable. Safe to repeat after any
 * interruption: the request's key identifies the same job. Whether or not it succeeds, the turn ends.
 * @throws ApiError, QUEUE_FULL and OWNER_LIMIT among others; FileError; AbortError when cancelled before createJob was sent
 */
export async function submit(context: RunContext): Promise<void> {
  const { request, cancellation, signal, retryMs, patienceMs, report } = context;
  const quit = AbortSignal.any([signal, cancellation.signal]);
  try {
    await unlessAborted(context.turn, quit);
    report(request.fromJob === undefined ? 'fetching' : 'starting');
    await withRetries(() => createJob(context, quit), {
      retryMs,
      patienceMs,
      quit,
      onRetry: (error) => report(error instanceof ApiError ? 'away' : 'telegram-away'),
    });
    await deleteUpload(context);
  } catch (error) {
    signal.throwIfAborted();
    if (!cancellation.isRequested || !request.asked) throw error;
    // A job may exist whose id is unknown. The same key returns it, and then it is cancelled.
    await withRetries(() => createJob(context, signal), { retryMs, patienceMs, quit: signal });
  } finally {
    context.endTurn();
  }
}

/** @throws AbortError when `signal` is aborted first */
async function unlessAborted(turn: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const waited = new AbortController();
  const aborted = once(signal, 'abort', { signal: waited.signal }).then(() => signal.throwIfAborted());
  await Promise.race([turn, aborted]).finally(() => waited.abort());
}

/** Uploads the photo unless an earlier job has it, and creates the job. One try. `quit` is ignored once createJob has been sent. */
async function createJob({ api, photos, owner, request, store }: RunContext, quit: AbortSignal): Promise<void> {
  // A remembered choice may no longer be available. After createJob was sent it must not change.
  if (!request.asked) request.choice = resolveChoice(await api.options(), request.choice);
  for (let isFresh = false; ;) {
    if (request.fromJob === undefined && request.uploadId === null) {
      request.uploadId = await api.upload(owner, () => photos.open(request.fileId!), quit);
      isFresh = true;
    }
    quit.throwIfAborted();
    request.asked = true;
    await store();
    try {
      const { id } = await api.as(owner).createJob(inputOf(request));
      request.jobId = id;
      await store();
      return;
    } catch (error) {
      request.asked = !(error instanceof ApiError) || error.mayHaveSucceeded;
      const isPhotoGone = hasCode(error, 'EXPIRED', 'NOT_FOUND');
      if (request.fromJob !== undefined && request.fileId !== undefined && isPhotoGone) request.fromJob = undefined;
      // The upload expired while the API was unreachable.
      else if (!isFresh && hasCode(error, 'UPLOAD_NOT_FOUND')) request.uploadId = null;
      else throw error;
    }
  }
}

export function inputOf({ fromJob, uploadId, choice, engine, seed, key }: VideoRequest): CreateInput {
  const { durationSeconds, resolution, motion, fit } = choice;
  return {
    image: fromJob === undefined ? { uploadId: uploadId! } : { jobId: fromJob },
    idempotencyKey: key,
    ...(durationSeconds !== undefined && { durationSeconds }),
    ...(resolution !== undefined && { resolution }),
    ...(motion !== undefined && { motion }),
    ...(fit !== undefined && { fit }),
    ...(engine !== undefined && { engine }),
    ...(seed !== undefined && { seed }),
  };
}

/** The job has its own copy of the photo. Until it expires or is deleted, the upload counts against UPLOADS_PER_OWNER. */
async function deleteUpload({ api, owner, request, log }: RunContext): Promise<void> {
  if (request.uploadId === null) return;
  await api
    .as(owner)
    .deleteUpload(request.uploadId)
    .catch((error: unknown) => log.info({ err: error }, 'could not delete an upload; it expires'));
}
