import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLocalStore } from '../../../src/infra/storage/local.ts';
import type { FileStore } from '../../../src/jobs/ports.ts';

/** Memory that Linux offers as a file system of its own. */
const OTHER_DEVICE = '/dev/shm';

describe('local file store', () => {
  let folder: string;
  let elsewhere: string;
  let store: FileStore;

  beforeEach(async () => {
    folder = await fs.mkdtemp(path.join(os.tmpdir(), 'store-'));
    elsewhere = await fs.mkdtemp(path.join(os.tmpdir(), 'elsewhere-'));
    store = openLocalStore(folder);
  });
  afterEach(async () => {
    for (const used of [folder, elsewhere]) await fs.rm(used, { recursive: true, force: true });
  });

  const write = (key: string, content: string | Buffer): Promise<void> => store.write(key, Readable.from([Buffer.from(content)]));
  const content = (key: string): Promise<string> => text(store.read(key));
  /** Every file in the store's folder, leftovers included. */
  const files = async (): Promise<string[]> => {
    const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
      .toSorted();
  };

  it('keeps a stream byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 256));
    await store.write('hot/job/photo', Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)]));
    expect((await buffer(store.read('hot/job/photo'))).equals(bytes)).toBe(true);
    expect(await store.stat('hot/job/photo')).toEqual({ sizeBytes: 300_000, modifiedAt: expect.any(Date) });
    expect(await fs.readFile(await store.localPath('hot/job/photo'))).toEqual(bytes);
  });

  it('replaces what was there; a reader that has begun sees the old bytes to the end', async () => {
    await write('a/b', 'old '.repeat(100_000));
    const reading = store.read('a/b');
    const chunks: Buffer[] = [];
    for await (const chunk of reading) {
      if (chunks.length === 0) await write('a/b', 'new');
      chunks.push(chunk as Buffer);
    }
    expect(Buffer.concat(chunks).toString()).toBe('old '.repeat(100_000));
    expect(await content('a/b')).toBe('new');
  });

  it.each([
    [
      'fails half-way',
      () =>
        Readable.from(
          (async function* () {
            yield Buffer.alloc(100_000);
            throw new Error('client gone');
          })(),
        ),
      'client gone',
    ],
    [
      'was broken off before',
      () => {
        const source = new Readable({ read() {} });
        source.destroy(new Error('gone early'));
        return source;
      },
      /gone early|premature/i,
    ],
    [
      'is broken off meanwhile',
      () => {
        const source = new Readable({ read() {} });
        source.push('half of ');
        setTimeout(() => source.destroy(), 20);
        return source;
      },
      /premature/i,
    ],
  ])('leaves nothing behind and the old file in place when the stream %s', async (_, source, message) => {
    await write('hot/job/photo', 'whole');
    for (const key of ['hot/job/photo', 'hot/other/photo']) await expect(store.write(key, source())).rejects.toThrow(message);
    expect(await files()).toEqual(['hot/job/photo']);
    expect(await content('hot/job/photo')).toBe('whole');
  });

  it('lets go of the stream when the disk refuses', async () => {
    await write('a', 'a file');
    const source = new Readable({ read() {} });
    source.push('bytes');
    source.push(null);
    await expect(store.write('a/b', source)).rejects.toMatchObject({ code: expect.stringMatching(/ENOTDIR|EEXIST/) });
    expect(source.destroyed).toBe(true);
    expect(await files()).toEqual(['a']);
  });

  it('shows a key whole or not at all while it is written again and again', async () => {
    const versions = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(200_000));
    await write('hot/job/preview.jpg', versions[0]!);
    const progress = { writing: true };
    const writers = Promise.all(
      versions.map(async (version) => {
        for (let n = 0; n < 5; n++) await write('hot/job/preview.jpg', version);
      }),
    ).finally(() => (progress.writing = false));
    while (progress.writing) expect(versions).toContain(await content('hot/job/preview.jpg'));
    await writers;
    expect(await files()).toEqual(['hot/job/preview.jpg']);
  });

  it.each([
    [{ start: 0, end: 0 }, '0'],
    [{ start: 2, end: 4 }, '234'],
    [{ start: 9, end: 9 }, '9'],
    [{ start: 5, end: 1000 }, '56789'],
  ])('reads the range %o, both ends included', async (range, expected) => {
    await write('digits', '0123456789');
    expect(await text(store.read('digits', range))).toBe(expected);
  });

  it('adopts a finished file by moving it', async () => {
    const made = path.join(elsewhere, 'video.mp4');
    await fs.writeFile(made, 'film');
    await write('archive/2026/01/31/job/video.mp4', 'older film');
    await store.adopt(made, 'archive/2026/01/31/job/video.mp4');
    expect(await content('archive/2026/01/31/job/video.mp4')).toBe('film');
    expect(await files()).toEqual(['archive/2026/01/31/job/video.mp4']);
    expect(existsSync(made)).toBe(false);
  });

  it.skipIf(!existsSync(OTHER_DEVICE))('adopts a file from another device', async () => {
    const other = await fs.mkdtemp(path.join(OTHER_DEVICE, 'store-'));
    try {
      const made = path.join(other, 'video.mp4');
      await fs.writeFile(made, 'film');
      await expect(fs.rename(made, path.join(folder, 'x'))).rejects.toMatchObject({ code: 'EXDEV' });
      await store.adopt(made, 'a/video.mp4');
      expect(await content('a/video.mp4')).toBe('film');
      expect(await fs.readdir(other)).toEqual([]);
      expect(await files()).toEqual(['a/video.mp4']);
    } finally {
      await fs.rm(other, { recursive: true });
    }
  });

  it('keeps a file that cannot be adopted', async () => {
    const made = path.join(elsewhere, 'video.mp4');
    await fs.writeFile(made, 'film');
    await write('a', 'in the way');
    await expect(store.adopt(made, 'a/video.mp4')).rejects.toMatchObject({ code: expect.stringMatching(/ENOTDIR|EEXIST/) });
    expect(await fs.readFile(made, 'utf8')).toBe('film');
    await expect(store.adopt(path.join(elsewhere, 'nothing'), 'b')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('copies, and a later change of one leaves the other as it was', async () => {
    await write('hot/one/photo', 'photo');
    await write('hot/two/photo', 'another');
    await store.copy('hot/one/photo', 'hot/two/photo');
    await store.copy('hot/one/photo', 'hot/two/photo');
    await write('hot/one/photo', 'changed');
    expect(await content('hot/two/photo')).toBe('photo');
    await store.remove('hot/one');
    expect(await content('hot/two/photo')).toBe('photo');
    expect(await files()).toEqual(['hot/two/photo']);
    await expect(store.copy('hot/none/photo', 'hot/three/photo')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('removes a key with all below it, and the folders that are empty then', async () => {
    await write('archive/2026/01/31/one/video.mp4', '1');
    await write('archive/2026/01/31/one/poster.jpg', '1');
    await write('archive/2026/02/01/two/video.mp4', '2');
    await store.remove('archive/2026/01/31/one');
    expect(await store.list('archive/2026')).toEqual(['02']);
    await store.remove('archive/2026/02/01/two');
    expect(await store.list('archive')).toEqual([]);
    expect(existsSync(path.join(folder, 'archive'))).toBe(true);
    await store.remove('archive/2026/02/01/two');
    await store.remove('nothing/at/all');
  });

  it('lists names directly below a key', async () => {
    for (const key of ['uploads/b', 'uploads/a', 'uploads/c/d']) await write(key, 'x');
    expect((await store.list('uploads')).toSorted()).toEqual(['a', 'b', 'c']);
    expect(await store.list('uploads/a')).toEqual([]);
    expect(await store.list('none')).toEqual([]);
  });

  it.each(['stat', 'localPath'] as const)('%s says ENOENT of a file that is not there', async (method) => {
    await write('a/b', 'x');
    for (const key of ['none', 'a', 'a/c']) await expect(store[method](key)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(text(store.read('none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each([
    '',
    '/',
    '/etc/passwd',
    '..',
    '../x',
    'a/../b',
    'a/..',
    './a',
    'a/',
    'a//b',
    'a\\b',
    'C:/x',
    'a:b',
    '.tmp/x',
    'a/.hidden',
    'a\0b',
    'a\nb',
    'ä',
    'a..b',
    'a.',
  ])('refuses the key %j', async (key) => {
    await write('b', 'x');
    await expect(write(key, 'x')).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(store.adopt(path.join(folder, 'b'), key)).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(store.copy('b', key)).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(store.copy(key, 'c')).rejects.toMatchObject({ code: 'INTERNAL' });
    for (const method of ['stat', 'localPath', 'scratch', 'remove', 'list'] as const)
      await expect(store[method](key)).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(() => store.read(key)).toThrow('Not a storage key');
    expect(await files()).toEqual(['b']);
  });

  it('gives an empty scratch folder, on the same file system, each time', async () => {
    const scratch = await store.scratch('attempt-1');
    await fs.writeFile(path.join(scratch, 'frame'), 'x');
    expect(await store.scratch('attempt-1')).toBe(scratch);
    expect(await fs.readdir(scratch)).toEqual([]);
    expect((await fs.stat(scratch)).dev).toBe((await fs.stat(folder)).dev);
  });

  it('clears away what a killed process left, once it is a day old', async () => {
    for (const name of ['old', 'young']) {
      await fs.mkdir(path.join(folder, '.scratch', name), { recursive: true });
      await fs.mkdir(path.join(folder, '.tmp'), { recursive: true });
      await fs.writeFile(path.join(folder, '.tmp', name), 'x');
    }
    const before = new Date(Date.now() - 25 * 60 * 60 * 1000);
    for (const name of ['.scratch/old', '.tmp/old']) await fs.utimes(path.join(folder, name), before, before);
    await store.ping();
    expect(await fs.readdir(path.join(folder, '.scratch'))).toEqual(['young']);
    expect(await fs.readdir(path.join(folder, '.tmp'))).toEqual(['young']);
  });

  it('is ready when files can be written, and says why not otherwise', async () => {
    await store.ping();
    expect(await files()).toEqual([]);
    await fs.rm(folder, { recursive: true });
    await store.ping();
    await write('a', 'x');

    const file = path.join(elsewhere, 'file');
    await fs.writeFile(file, '');
    await expect(openLocalStore(file).ping()).rejects.toMatchObject({ code: expect.stringMatching(/EEXIST|ENOTDIR/) });
  });

  it.skipIf(process.platform === 'win32')('lets nobody else read what is stored, and leaves the storage folder as it is', async () => {
    await fs.chmod(folder, 0o755);
    const made = path.join(elsewhere, 'video.mp4');
    await fs.writeFile(made, 'film', { mode: 0o644 });
    await store.adopt(made, 'archive/video.mp4');
    await write('hot/photo', 'x');
    const modes = await Promise.all(
      ['', 'archive', 'archive/video.mp4', 'hot', 'hot/photo'].map(async (name) =>
        ((await fs.stat(path.join(folder, name))).mode & 0o777).toString(8),
      ),
    );
    expect(modes).toEqual(['755', '700', '600', '700', '600']);
  });

  it('tells the free space', async () => {
    const { bavail, bsize } = await fs.statfs(folder);
    const free = await store.freeBytes();
    expect(Math.abs(free - bavail * bsize)).toBeLessThan(1e9);
  });
});
