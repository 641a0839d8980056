import type { ApiClient, CreateInput } from '../api/client.ts';
import { hasCode } from '../api/error.ts';
import type { Order } from './batch.ts';

export interface PhotoSource {
  /** @throws FileError */
  open(fileId: string): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Has the API create the order's job. Its photo is that of an earlier job where there is one; else it is brought there first. Safe to
 * repeat after any interruption: the order's key makes it the same job.
 * @param keep keeps the order as it is now
 * @throws ApiError; FileError
 */
export async function place(api: ApiClient, photos: PhotoSource, owner: string, order: Order, keep: () => Promise<void>): Promise<void> {
  for (let fresh = false; ; ) {
    if (order.fromJob === undefined && order.uploadId === null) {
      order.uploadId = await api.upload(owner, await photos.open(order.fileId!));
      await keep();
      fresh = true;
    }
    try {
      const { id } = await api.createJob(owner, inputOf(order));
      order.jobId = id;
      await keep();
      return;
    } catch (error) {
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
