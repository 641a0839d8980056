import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../jobs/errors.ts';
import type { ByteRange, FileStore } from '../../jobs/ports.ts';

/** Folders beside the keys; no key starts with a dot. What a killed process left in them goes after a day. */
const WORKING_FOLDERS = ['.tmp', '.scratch'] as const;
const LEFTOVER_MS = 24 * 60 * 60 * 1000;

/** Photos are personal: only the user who runs the service may read them. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** Letters, digits, `_`, `-` and single dots inside, which is safe on every file system and never `..`. */
const KEY = /^[\w-]+(\.[\w-]+)*(\/[\w-]+(\.[\w-]+)*)*$/;

/**
 * Files below `folder`, on a local disk or a mount that all processes share. A file is written beside its key, flushed to disk and
 * renamed, so that a key appears whole or not at all, power cuts included. Keys are made by the service itself: a malformed one is a
 * mistake in the code (AppError INTERNAL).
 */
export function openLocalStore(folder: string): FileStore {
  return new LocalStore(path.resolve(folder));
}

class LocalStore implements FileStore {
  readonly #folder: string;
  #prepared: Promise<void> | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async write(key: string, source: Readable): Promise<void> {
    // An error before the pipeline stands must not go unheard; the pipeline then sees it.
    source.on('error', () => {});
    try {
      const target = this.#path(key);
      await this.#publish(target, (temporary) => pipeline(source, createWriteStream(temporary, { flags: 'wx', mode: FILE_MODE })));
    } catch (error) {
      source.destroy();
      throw error;
    }
  }

  async adopt(localPath: string, key: string): Promise<void> {
    const target = this.#path(key);
    await fs.chmod(localPath, FILE_MODE);
    await flush(localPath);
    try {
      await moveInto(localPath, target);
    } catch (error) {
      onCode(['EXDEV'], () => {})(error);
      await this.#publish(target, (temporary) => fs.copyFile(localPath, temporary));
      await fs.rm(localPath);
      return;
    }
    await flushFolderOf(target);
  }

  async copy(from: string, to: string): Promise<void> {
    const source = this.#path(from);
    await this.#publish(this.#path(to), (temporary) =>
      // Files are replaced, never changed, so that two keys may share one file.
      fs.link(source, temporary).catch(onCode(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'], () => fs.copyFile(source, temporary))));
  }

  async stat(key: string): Promise<{ sizeBytes: number; modifiedAt: Date }> {
    const { size, mtime } = await fs.stat(await this.localPath(key));
    return { sizeBytes: size, modifiedAt: mtime };
  }

  read(key: string, range?: ByteRange): Readable {
    return createReadStream(this.#path(key), range);
  }

  async localPath(key: string): Promise<string> {
    const file = this.#path(key);
    if (!(await fs.stat(file)).isFile()) throw Object.assign(new Error(`ENOENT: no file under ${key}`), { code: 'ENOENT' });
    return file;
  }

  async scratch(name: string): Promise<string> {
    await this.#prepare();
    const scratch = path.join(this.#folder, '.scratch', this.#relative(name));
    await remove(scratch);
    await fs.mkdir(scratch, { recursive: true, mode: FOLDER_MODE });
    return scratch;
  }

  async scratchIdleSince(time: Date): Promise<string[]> {
    const folder = path.join(this.#folder, '.scratch');
    const names = (await namesIn(folder)).filter((name) => KEY.test(name));
    const idle: string[] = [];
    for (const name of names) {
      const changed = await lastChange(path.join(folder, name));
      if (changed && changed < time) idle.push(name);
    }
    return idle;
  }

  async removeScratch(name: string): Promise<void> {
    await remove(path.join(this.#folder, '.scratch', this.#relative(name)));
  }

  async lastChange(key: string): Promise<Date | null> {
    return await lastChange(this.#path(key));
  }

  async remove(key: string): Promise<void> {
    const target = this.#path(key);
    await remove(target);
    // Folders that are empty now go too, but not the topmost: `archive` stays, `archive/2026` may go.
    for (let depth = key.split('/').length - 1, parent = path.dirname(target); depth > 1; depth--, parent = path.dirname(parent)) {
      if (!(await fs.rmdir(parent).then(() => true, () => false))) return;
    }
  }

  async list(key: string): Promise<string[]> {
    return (await namesIn(this.#path(key))).filter((name) => KEY.test(name));
  }

  async ping(): Promise<void> {
    const temporary = await this.#temporary();
    try {
      await fs.writeFile(temporary, 'writable?', { mode: FILE_MODE });
    } finally {
      await fs.rm(temporary, { force: true });
    }
  }

  async freeBytes(): Promise<number> {
    await this.#prepare();
    const { bavail, bsize } = await fs.statfs(this.#folder);
    return bavail * bsize;
  }

  #relative(key: string): string {
    if (!KEY.test(key)) throw new AppError('INTERNAL', `Not a storage key: ${JSON.stringify(key)}`);
    return path.join(...key.split('/'));
  }

  #path(key: string): string {
    return path.join(this.#folder, this.#relative(key));
  }

  async #temporary(): Promise<string> {
    await this.#prepare();
    const folder = path.join(this.#folder, '.tmp');
    // Somebody may have emptied the storage folder meanwhile.
    await fs.mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    return path.join(folder, randomUUID());
  }

  /** Lets `fill` make a file, then makes it appear at `target` in one step. Leaves nothing behind when that fails. */
  async #publish(target: string, fill: (temporary: string) => Promise<void>): Promise<void> {
    const temporary = await this.#temporary();
    try {
      await fill(temporary);
      await flush(temporary);
      await moveInto(temporary, target);
    } finally {
      // Also after success: renaming one of two names of the same file to the other one does nothing.
      await fs.rm(temporary, { force: true });
    }
    await flushFolderOf(target);
  }

  /** Makes the working folders, and clears away what others left behind, once; tried anew after a failure. */
  #prepare(): Promise<void> {
    this.#prepared ??= this.#clear().catch((error: unknown) => {
      this.#prepared = null;
      throw error;
    });
    return this.#prepared;
  }

  async #clear(): Promise<void> {
    await fs.mkdir(this.#folder, { recursive: true });
    for (const name of WORKING_FOLDERS) {
      const working = path.join(this.#folder, name);
      await fs.mkdir(working, { recursive: true, mode: FOLDER_MODE });
      for (const entry of await fs.readdir(working)) {
        const leftover = path.join(working, entry);
        // Another process may be clearing too.
        const { mtimeMs } = await fs.stat(leftover).catch(onCode(['ENOENT'], () => ({ mtimeMs: Date.now() })));
        if (Date.now() - mtimeMs > LEFTOVER_MS) await remove(leftover);
      }
    }
  }
}

/** An error handler that answers errors of these codes with `instead` and throws the others on. */
function onCode<T>(codes: readonly string[], instead: () => T): (error: unknown) => T {
  return (error) => {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return instead();
    throw error;
  };
}

function namesIn(folder: string): Promise<string[]> {
  return fs.readdir(folder).catch(onCode(['ENOENT', 'ENOTDIR'], () => []));
}

/** The newest change of a file, or of a folder and all in it; null if there is nothing. */
async function lastChange(target: string): Promise<Date | null> {
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

async function flush(file: string, flags = 'r+'): Promise<void> {
  const handle = await fs.open(file, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a rename last. On Windows, folders cannot be flushed and need not be. */
async function flushFolderOf(file: string): Promise<void> {
  if (process.platform !== 'win32') await flush(path.dirname(file), 'r').catch(onCode(['ENOENT'], () => {}));
}

/** Renames across folders; the target's folder is made, and made again should somebody prune it in between. */
async function moveInto(from: string, to: string): Promise<void> {
  for (let tries = 3; ; tries--) {
    await fs.mkdir(path.dirname(to), { recursive: true, mode: FOLDER_MODE });
    try {
      return await fs.rename(from, to);
    } catch (error) {
      if (tries === 0 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

const remove = (target: string): Promise<void> => fs.rm(target, { recursive: true, force: true, maxRetries: 3 });
