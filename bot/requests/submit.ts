import type { ApiClient, CreateInput } from '../api/client.ts';
import { ApiError, hasCode } from '../api/error.ts';
import type { Order } from './group.ts';
import { settle } from './wording.ts';

export interface PhotoSource {
  /** @throws FileError */
  open(fileId: string): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Has the API create the order's job. Its photo is that of an earlier job where there is one; else it is brought there first. Safe to
 * repeat after any interruption: the order's key makes it the same job.
 * @param keep keeps the order as it is now
 * @param quit no job is asked for any more once it is aborted; one that has been asked for is waited for
 * @throws ApiError; FileError; the reason of `quit`
 */
export async function place(
  api: ApiClient,
  photos: PhotoSource,
  owner: string,
  order: Order,
  keep: () => Promise<void>,
  quit: AbortSignal,
): Promise<void> {
  // What is remembered may not be on offer any more. Once asked for, it stays as it was.
  if (!order.asked) order.choice = settle(await api.options(), order.choice);
  for (let fresh = false; ;) {
    if (order.fromJob === undefined && order.uploadId === null) {
      order.uploadId = await api.upload(owner, () => photos.open(order.fileId!), quit);
      fresh = true;
    }
    quit.throwIfAborted();
    order.asked = true;
    await keep();
    try {
      const { id } = await api.createJob(owner, inputOf(order));
      order.jobId = id;
      await keep();
      return;
    } catch (error) {
      order.asked = !(error instanceof ApiError) || error.isInDoubt;
      if (order.fromJob !== undefined && order.fileId !== undefined && hasCode(error, 'EXPIRED', 'NOT_FOUND')) order.fromJob = undefined;
      // The order waited for longer than uploads are kept.
      else if (!fresh && hasCode(error, 'UPLOAD_NOT_FOUND')) order.uploadId = null;
      else throw error;
    }
  }
}

export function inputOf({ fromJob, uploadId, choice, key }: Order): CreateInput {
  const { durationSeconds, resolution, motion, fit } = choice;
  return {
    image: fromJob === undefined ? { uploadId: uploadId! } : { jobId: fromJob },
    idempotencyKey: key,
    ...(durationSeconds !== undefined && { durationSeconds }),
    ...(resolution !== undefined && { resolution }),
    ...(motion !== undefined && { motion }),
    ...(fit !== undefined && { fit }),
  };
}
