/** File and folder operations of the local blob store and workspace. */
import fs from 'node:fs/promises';
import path from 'node:path';

/** Photos are personal: only the user that runs the service may read them. */
export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;

/** Age at which files that a killed process left in a working folder are removed: a day. */
const LEFTOVER_MS = 24 * 60 * 60 * 1000;

/** Returns an error handler that returns `instead()` for errors with one of these codes and rethrows all others. */
export function onCode<T>(codes: readonly string[], instead: () => T): (error: unknown) => T {
  return (error) => {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return instead();
    throw error;
  };
}

/** Names in a folder; empty if it does not exist or is a file. */
export function namesIn(folder: string): Promise<string[]> {
  return fs.readdir(folder).catch(onCode(['ENOENT', 'ENOTDIR'], () => []));
}

/** The latest change of a file, or of a folder and everything in it; null if it does not exist. */
export async function lastChange(target: string): Promise<Date | null> {
  const found = await fs.lstat(target).catch(onCode(['ENOENT', 'ENOTDIR'], () => null));
  if (!found) return null;
  let newest = found.mtime;
  if (found.isDirectory()) {
    for (const name of await namesIn(target)) {
      const inside = await lastChange(path.join(target, name));
      if (inside && inside > newest) newest = inside;
    }
  }
  return newest;
}

/** Writes a file's bytes to disk, so that they survive a power cut. */
export async function flush(file: string, flags = 'r+'): Promise<void> {
  const handle = await fs.open(file, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a rename of `file` survive a power cut. On Windows folders cannot be flushed and need not be. */
export async function flushFolderOf(file: string): Promise<void> {
  if (process.platform !== 'win32') await flush(path.dirname(file), 'r').catch(onCode(['ENOENT'], () => {}));
}

/** Renames across folders. Creates the target's folder, and again if another process prunes it in between. */
export async function moveInto(from: string, to: string): Promise<void> {
  for (let triesLeft = 3; ; triesLeft--) {
    await fs.mkdir(path.dirname(to), { recursive: true, mode: FOLDER_MODE });
    try {
      return await fs.rename(from, to);
    } catch (error) {
      if (triesLeft === 0 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** Removes a file or a folder with everything in it; does nothing if it does not exist. */
export const removeTree = (target: string): Promise<void> => fs.rm(target, { recursive: true, force: true, maxRetries: 3 });

/** Creates a working folder inside the storage folder and removes what killed processes left in it. */
export async function prepareWorkingFolder(folder: string): Promise<void> {
  await fs.mkdir(path.dirname(folder), { recursive: true });
  await fs.mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  for (const entry of await fs.readdir(folder)) {
    const leftover = path.join(folder, entry);
    // Another process may be removing it at the same time.
    const { mtimeMs } = await fs.stat(leftover).catch(onCode(['ENOENT'], () => ({ mtimeMs: Date.now() })));
    if (Date.now() - mtimeMs > LEFTOVER_MS) await removeTree(leftover);
  }
}

/** Runs `work` once, however often it is called; a failed run is repeated by the next call. */
export function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () =>
    (running ??= work().catch((error: unknown) => {
      running = null;
      throw error;
    }));
}
