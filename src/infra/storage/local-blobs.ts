import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BlobStat, BlobStore, ByteRange } from '../../jobs/ports/blobs.ts';
import { checkKey, isKey } from './keys.ts';
import {
  FILE_MODE,
  FOLDER_MODE,
  flush,
  flushFolderOf,
  lastChange,
  moveInto,
  namesIn,
  onCode,
  once,
  prepareWorkingFolder,
  removeTree,
} from './local-files.ts';

/** Errors of a file system that cannot create a hard link here; the bytes are copied instead. */
const NO_LINK = ['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/**
 * Blobs as files below `folder`, on a local disk or on a mount that all processes share. A file is written in `.tmp`, flushed to disk and
 * renamed to its key, so that a key appears whole or not at all even after a power cut.
 */
export class LocalBlobs implements BlobStore {
  readonly #folder: string;
  /** Files being written; no key starts with a dot. */
  readonly #temporaries: string;
  readonly #prepare: () => Promise<void>;

  constructor(folder: string) {
    this.#folder = folder;
    this.#temporaries = path.join(folder, '.tmp');
    this.#prepare = once(() => prepareWorkingFolder(this.#temporaries));
  }

  async write(key: string, source: Readable): Promise<void> {
    // The stream may fail before the pipeline listens; the pipeline then rejects with that error.
    source.on('error', () => {});
    try {
      const target = this.#path(key);
      await this.#publish(target, (temporary) => pipeline(source, createWriteStream(temporary, { flags: 'wx', mode: FILE_MODE })));
    } catch (error) {
      source.destroy();
      throw error;
    }
  }

  read(key: string, range?: ByteRange): Readable {
    return createReadStream(this.#path(key), range);
  }

  async stat(key: string): Promise<BlobStat> {
    const { size, mtime } = await fs.stat(await this.localPath(key));
    return { sizeBytes: size, modifiedAt: mtime };
  }

  async copy(from: string, to: string): Promise<void> {
    const source = this.#path(from);
    await this.#publish(this.#path(to), (temporary) =>
      // Files are replaced, never changed, so two keys may share one file.
      fs.link(source, temporary).catch(onCode(NO_LINK, () => fs.copyFile(source, temporary))),
    );
  }

  async remove(key: string): Promise<void> {
    const target = this.#path(key);
    await removeTree(target);
    // Folders that are now empty are removed too, except the topmost: `archive` stays, `archive/2026` may go.
    for (let depth = key.split('/').length - 1, parent = path.dirname(target); depth > 1; depth--, parent = path.dirname(parent)) {
      const removed = await fs.rmdir(parent).then(
        () => true,
        () => false,
      );
      if (!removed) return;
    }
  }

  async list(key: string): Promise<string[]> {
    return (await namesIn(this.#path(key))).filter(isKey);
  }

  async lastChange(key: string): Promise<Date | null> {
    return await lastChange(this.#path(key));
  }

  async ping(): Promise<void> {
    const temporary = await this.#temporary();
    try {
      await fs.writeFile(temporary, 'ping', { mode: FILE_MODE });
    } finally {
      await fs.rm(temporary, { force: true });
    }
  }

  /** The file that holds the blob. Rejects with code ENOENT if `key` holds none. */
  async localPath(key: string): Promise<string> {
    const file = this.#path(key);
    if (!(await fs.stat(file)).isFile()) throw Object.assign(new Error(`ENOENT: no blob under ${key}`), { code: 'ENOENT' });
    return file;
  }

  /** Moves a local file under `key`: a rename on the same file system, else a copy. */
  async adopt(localPath: string, key: string): Promise<void> {
    const target = this.#path(key);
    await fs.chmod(localPath, FILE_MODE);
    await flush(localPath);
    const renamed = await moveInto(localPath, target).then(
      () => true,
      onCode(['EXDEV'], () => false),
    );
    if (renamed) return await flushFolderOf(target);
    await this.#publish(target, (temporary) => fs.copyFile(localPath, temporary));
    await fs.rm(localPath);
  }

  #path(key: string): string {
    return path.join(this.#folder, ...checkKey(key).split('/'));
  }

  async #temporary(): Promise<string> {
    await this.#prepare();
    // The storage folder may have been emptied since.
    await fs.mkdir(this.#temporaries, { recursive: true, mode: FOLDER_MODE });
    return path.join(this.#temporaries, randomUUID());
  }

  /** Lets `fill` create a file, then makes it appear at `target` in one step. Leaves nothing behind if that fails. */
  async #publish(target: string, fill: (temporary: string) => Promise<void>): Promise<void> {
    const temporary = await this.#temporary();
    try {
      await fill(temporary);
      await flush(temporary);
      await moveInto(temporary, target);
    } finally {
      // After success too: renaming a file onto another link to the same file leaves both.
      await fs.rm(temporary, { force: true });
    }
    await flushFolderOf(target);
  }
}
