import fs from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../../jobs/ports/workspace.ts';
import { checkKey, isKey } from './keys.ts';
import type { LocalBlobs } from './local-blobs.ts';
import { FOLDER_MODE, lastChange, namesIn, once, prepareWorkingFolder, removeTree } from './local-files.ts';

/** Scratch folders in `.scratch` beside local blobs, so that adopting a file is a rename and reading a blob copies nothing. */
export class LocalWorkspace implements Workspace {
  readonly #blobs: LocalBlobs;
  readonly #root: string;
  readonly #folder: string;
  readonly #prepare: () => Promise<void>;

  /** @param folder the storage folder, that of `blobs` */
  constructor(folder: string, blobs: LocalBlobs) {
    this.#blobs = blobs;
    this.#root = folder;
    this.#folder = path.join(folder, '.scratch');
    this.#prepare = once(() => prepareWorkingFolder(this.#folder));
  }

  async createScratch(name: string): Promise<string> {
    const scratch = this.#path(name);
    await this.#prepare();
    await removeTree(scratch);
    await fs.mkdir(scratch, { recursive: true, mode: FOLDER_MODE });
    return scratch;
  }

  async removeScratch(name: string): Promise<void> {
    await removeTree(this.#path(name));
  }

  async scratchIdleSince(time: Date): Promise<string[]> {
    const idle: string[] = [];
    for (const name of (await namesIn(this.#folder)).filter(isKey)) {
      const changed = await lastChange(this.#path(name));
      if (changed && changed < time) idle.push(name);
    }
    return idle;
  }

  async adopt(localPath: string, key: string): Promise<void> {
    await this.#blobs.adopt(localPath, key);
  }

  async localPath(key: string): Promise<string> {
    return await this.#blobs.localPath(key);
  }

  async freeBytes(): Promise<number> {
    await this.#prepare();
    const { bavail, bsize } = await fs.statfs(this.#root);
    return bavail * bsize;
  }

  #path(name: string): string {
    return path.join(this.#folder, ...checkKey(name).split('/'));
  }
}
