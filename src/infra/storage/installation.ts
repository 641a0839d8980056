import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import type { FileStore } from '../../jobs/ports.ts';

/** Says in the storage which installation it belongs to. */
const KEY = 'installation';

/** Marks the storage as that of the installation `id`. */
export async function markStorage(files: FileStore, id: string): Promise<void> {
  if (!(await isStorageOf(files, id))) await files.write(KEY, Readable.from([id]));
}

/** Whether the storage is that of the installation `id`, and not, say, an empty folder where a shared one should be mounted. */
export async function isStorageOf(files: FileStore, id: string): Promise<boolean> {
  try {
    return (await text(files.read(KEY))) === id;
  } catch {
    return false;
  }
}
