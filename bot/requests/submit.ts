import type { BotApi, CreateInput } from '../api.ts';
import { ApiError, hasCode } from '../../src/client/error.ts';
import type { VideoRequest } from './group.ts';
import { settle } from './wording.ts';

export interface PhotoSource {
  /** @throws FileError */
  open(fileId: string): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Has the API create the request's job. Its photo is that of an earlier job where there is one; else it is brought there first. Safe to
 * repeat after any interruption: the request's key makes it the same job.
 * @param keep keeps the request as it is now
 * @param quit no job is asked for any more once it is aborted; one that has been asked for is waited for
 * @throws ApiError; FileError; the reason of `quit`
 */
export async function submit(
  api: BotApi,
  photos: PhotoSource,
  owner: string,
  request: VideoRequest,
  keep: () => Promise<void>,
  quit: AbortSignal,
): Promise<void> {
  // What is remembered may not be on offer any more. Once asked for, it stays as it was.
  if (!request.asked) request.choice = settle(await api.options(), request.choice);
  for (let fresh = false; ;) {
    if (request.fromJob === undefined && request.uploadId === null) {
      request.uploadId = await api.upload(owner, () => photos.open(request.fileId!), quit);
      fresh = true;
    }
    quit.throwIfAborted();
    request.asked = true;
    await keep();
    try {
      const { id } = await api.as(owner).createJob(inputOf(request));
      request.jobId = id;
      await keep();
      return;
    } catch (error) {
      request.asked = !(error instanceof ApiError) || error.isInDoubt;
      if (request.fromJob !== undefined && request.fileId !== undefined && hasCode(error, 'EXPIRED', 'NOT_FOUND'))
        request.fromJob = undefined;
      // The request waited for longer than uploads are kept.
      else if (!fresh && hasCode(error, 'UPLOAD_NOT_FOUND')) request.uploadId = null;
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
