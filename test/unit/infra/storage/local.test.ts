/** What only the storage in a local folder does: the file system shows. */
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStorage, type Storage } from '../../../../src/infra/storage/open-storage.ts';
import { filesIn } from '../../../support/storages.ts';

/** Memory that Linux mounts as a file system of its own. */
const OTHER_DEVICE = '/dev/shm';

describe('storage in a local folder', () => {
  let folder: string;
  let elsewhere: string;
  let storage: Storage;

  beforeEach(async () => {
    folder = await fs.mkdtemp(path.join(os.tmpdir(), 'storage-'));
    elsewhere = await fs.mkdtemp(path.join(os.tmpdir(), 'elsewhere-'));
    storage = openStorage(folder);
  });
  afterEach(async () => {
    for (const used of [folder, elsewhere]) await fs.rm(used, { recursive: true, force: true });
  });

  const write = (key: string, content: string): Promise<void> => storage.blobs.write(key, Readable.from([content]));

  it('destroys the stream when the file system refuses the write', async () => {
    await write('a', 'a file');
    const source = new Readable({ read() {} });
    source.push('bytes');
    source.push(null);
    await expect(storage.blobs.write('a/b', source)).rejects.toMatchObject({ code: expect.stringMatching(/ENOTDIR|EEXIST/) });
    expect(source.destroyed).toBe(true);
    expect(await filesIn(folder)).toEqual(['a']);
  });

  it('keeps a local file that cannot be adopted', async () => {
    const made = path.join(elsewhere, 'video.mp4');
    await fs.writeFile(made, 'film');
    await write('a', 'in the way');
    await expect(storage.workspace.adopt(made, 'a/video.mp4')).rejects.toMatchObject({ code: expect.stringMatching(/ENOTDIR|EEXIST/) });
    expect(await fs.readFile(made, 'utf8')).toBe('film');
  });

  it.skipIf(!existsSync(OTHER_DEVICE))('adopts a file from another device', async () => {
    const other = await fs.mkdtemp(path.join(OTHER_DEVICE, 'storage-'));
    try {
      const made = path.join(other, 'video.mp4');
      await fs.writeFile(made, 'film');
      await expect(fs.rename(made, path.join(folder, 'x'))).rejects.toMatchObject({ code: 'EXDEV' });
      await storage.workspace.adopt(made, 'a/video.mp4');
      expect(await text(storage.blobs.read('a/video.mp4'))).toBe('film');
      expect(await fs.readdir(other)).toEqual([]);
      expect(await filesIn(folder)).toEqual(['a/video.mp4']);
    } finally {
      await fs.rm(other, { recursive: true });
    }
  });

  it('removes folders that become empty, except the topmost', async () => {
    await write('archive/2026/02/01/two/video.mp4', '2');
    await storage.blobs.remove('archive/2026/02/01/two');
    expect(await fs.readdir(path.join(folder, 'archive'))).toEqual([]);
  });

  it('keeps scratch folders on the file system of the blobs, and hands out the stored file itself', async () => {
    await write('hot/job/photo', 'photo');
    const scratch = await storage.workspace.createScratch('attempt');
    expect((await fs.stat(scratch)).dev).toBe((await fs.stat(folder)).dev);
    expect(await storage.workspace.localPath('hot/job/photo', scratch)).toBe(path.join(folder, 'hot', 'job', 'photo'));
  });

  it('removes what a killed process left, once it is a day old', async () => {
    for (const name of ['old', 'young']) {
      await fs.mkdir(path.join(folder, '.scratch', name), { recursive: true });
      await fs.mkdir(path.join(folder, '.tmp'), { recursive: true });
      await fs.writeFile(path.join(folder, '.tmp', name), 'x');
    }
    const dayAgo = new Date(Date.now() - 25 * 60 * 60 * 1000);
    for (const name of ['.scratch/old', '.tmp/old']) await fs.utimes(path.join(folder, name), dayAgo, dayAgo);
    await storage.blobs.ping();
    await storage.workspace.createScratch('new');
    expect((await fs.readdir(path.join(folder, '.scratch'))).toSorted()).toEqual(['new', 'young']);
    expect(await fs.readdir(path.join(folder, '.tmp'))).toEqual(['young']);
  });

  it('stays usable when its folder is deleted, and says why it is not when that folder is a file', async () => {
    await storage.blobs.ping();
    await fs.rm(folder, { recursive: true });
    await storage.blobs.ping();
    await write('a', 'x');
    await storage.workspace.createScratch('attempt');

    const file = path.join(elsewhere, 'file');
    await fs.writeFile(file, '');
    await expect(openStorage(file).blobs.ping()).rejects.toMatchObject({ code: expect.stringMatching(/EEXIST|ENOTDIR/) });
  });

  it.skipIf(process.platform === 'win32')('gives other users no access to its files, and leaves the storage folder as it is', async () => {
    await fs.chmod(folder, 0o755);
    const made = path.join(elsewhere, 'video.mp4');
    await fs.writeFile(made, 'film', { mode: 0o644 });
    await storage.workspace.adopt(made, 'archive/video.mp4');
    await write('hot/photo', 'x');
    await storage.workspace.createScratch('attempt');
    const modes = await Promise.all(
      ['', 'archive', 'archive/video.mp4', 'hot', 'hot/photo', '.scratch', '.scratch/attempt'].map(async (name) =>
        ((await fs.stat(path.join(folder, name))).mode & 0o777).toString(8),
      ),
    );
    expect(modes).toEqual(['755', '700', '600', '700', '600', '700', '700']);
  });
});
