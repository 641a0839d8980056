import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import type { BlobStore } from '../../jobs/ports/blobs.ts';

/** The blob that names the installation to which the storage belongs. */
const KEY = 'installation';

/** Records that the storage belongs to the installation `id`. */
export async function markStorage(blobs: BlobStore, id: string): Promise<void> {
  if (!(await isStorageOf(blobs, id))) await blobs.write(KEY, Readable.from([id]));
}

/** Whether the storage belongs to the installation `id`, as opposed to an empty folder where a shared mount is missing. */
export async function isStorageOf(blobs: BlobStore, id: string): Promise<boolean> {
  try {
    return (await text(blobs.read(KEY))) === id;
  } catch {
    return false;
  }
}
