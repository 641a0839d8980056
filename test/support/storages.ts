import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe } from 'vitest';
import { openStorage, type Storage } from '../../src/infra/storage/open-storage.ts';

/** An empty storage for one test. */
export interface TestStorage extends Storage {
  /** All stored files, including unfinished writes; sorted. */
  contents(): Promise<string[]>;
  close(): Promise<void>;
}

/** Every implementation of the storage ports. A new one is added here and passes the same suite. */
const STORAGES: readonly { readonly name: string; open(): Promise<TestStorage> }[] = [
  {
    name: 'local folder',
    async open() {
      const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'storage-'));
      return {
        ...openStorage(folder),
        contents: () => filesIn(folder),
        close: () => fs.rm(folder, { recursive: true }),
      };
    },
  },
];

/** All files in a folder as relative paths with `/`, sorted. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .toSorted();
}

/** What a suite uses; `storage` and `elsewhere` are new for every test. */
export interface StorageFixture {
  storage: TestStorage;
  /** A local folder outside the storage. */
  elsewhere: string;
  write(key: string, content: string | Buffer): Promise<void>;
  content(key: string): Promise<string>;
}

/** Runs a suite on every implementation of the storage ports. */
export function describeStorages(what: string, suite: (fixture: StorageFixture) => void): void {
  for (const { name, open } of STORAGES) {
    describe(`${what} on ${name}`, () => {
      const fixture = {
        write: (key: string, content: string | Buffer) => fixture.storage.blobs.write(key, Readable.from([Buffer.from(content)])),
        content: (key: string) => text(fixture.storage.blobs.read(key)),
      } as StorageFixture;
      beforeEach(async () => {
        fixture.storage = await open();
        fixture.elsewhere = await fs.mkdtemp(path.join(os.tmpdir(), 'elsewhere-'));
      });
      afterEach(async () => {
        await fixture.storage.close();
        await fs.rm(fixture.elsewhere, { recursive: true, force: true });
      });
      suite(fixture);
    });
  }
}
