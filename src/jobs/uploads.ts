/** Uploads: photos that are sent ahead of the jobs that use them. */
import type { JobContext } from './context.ts';
import type { Requester } from './create.ts';
import { AppError } from './errors.ts';
import { isUuid, uploadFile, type NewUpload, type Upload } from './store.ts';

type UploadContext = Pick<JobContext, 'policy' | 'uploads'>;

/**
 * Checks the number of uploads of an owner before a new one is received.
 * @throws AppError OWNER_LIMIT
 */
export async function checkUploadLimit({ policy, uploads }: UploadContext, { owner, local }: Requester): Promise<void> {
  if (local) return;
  const { count, nextSeconds } = await uploads.usage(owner);
  if (count >= policy.uploadsPerOwner) throw limitError(count, nextSeconds);
}

/**
 * Inserts the row of a stored upload.
 * @throws AppError OWNER_LIMIT if concurrent uploads have reached the limit since it was checked
 */
export async function saveUpload({ policy, uploads }: UploadContext, { local }: Requester, upload: NewUpload): Promise<Upload> {
  const saved = await uploads.insert(upload, policy.uploadsKeptMs, local ? null : policy.uploadsPerOwner);
  if (saved) return saved;
  const { count, nextSeconds } = await uploads.usage(upload.owner);
  throw limitError(count, nextSeconds);
}

/**
 * Deletes an upload before it expires. Jobs made from it have their own copy of the photo.
 * @throws AppError UPLOAD_NOT_FOUND if it does not exist or has another owner
 */
export async function deleteUpload(context: JobContext, owner: string, id: string): Promise<void> {
  const upload = isUuid(id) ? await context.uploads.find(owner, id) : null;
  if (!upload) throw new AppError('UPLOAD_NOT_FOUND');
  await removeUpload(context, upload.id);
}

/** Removes the file of an upload, then its row. */
export async function removeUpload({ blobs, uploads }: Pick<JobContext, 'blobs' | 'uploads'>, id: string): Promise<void> {
  await blobs.remove(uploadFile(id));
  await uploads.delete(id);
}

function limitError(count: number, nextSeconds: number): AppError {
  return new AppError(
    'OWNER_LIMIT',
    `You have ${count} uploads, which is the limit. They expire on their own; deleteMyData deletes all of them.`,
    {
      retryAfterSeconds: Math.max(1, Math.ceil(nextSeconds)),
    },
  );
}
