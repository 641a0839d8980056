/** What every implementation of the storage ports does. */
import fs from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { describeStorages } from '../../../support/storages.ts';

const MALFORMED_KEYS = [
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
];

describeStorages('blob store', (fixture) => {
  const { write, content } = fixture;
  const blobs = () => fixture.storage.blobs;
  const contents = () => fixture.storage.contents();

  it('keeps a stream byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 256));
    await blobs().write('hot/job/photo', Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)]));
    expect((await buffer(blobs().read('hot/job/photo'))).equals(bytes)).toBe(true);
    expect(await blobs().stat('hot/job/photo')).toEqual({ sizeBytes: 300_000, modifiedAt: expect.any(Date) });
  });

  it('keeps an empty stream as an empty blob', async () => {
    await blobs().write('a/empty', Readable.from([]));
    expect((await blobs().stat('a/empty')).sizeBytes).toBe(0);
    expect(await content('a/empty')).toBe('');
  });

  it('replaces a blob while a reader that has started gets the old bytes to the end', async () => {
    await write('a/b', 'old '.repeat(100_000));
    const reading = blobs().read('a/b');
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
      'was destroyed before the write',
      () => {
        const source = new Readable({ read() {} });
        source.destroy(new Error('gone early'));
        return source;
      },
      /gone early|premature/i,
    ],
    [
      'is destroyed during the write',
      () => {
        const source = new Readable({ read() {} });
        source.push('half of ');
        setTimeout(() => source.destroy(), 20);
        return source;
      },
      /premature/i,
    ],
  ])('leaves nothing behind and keeps the old blob when the stream %s', async (_, source, message) => {
    await write('hot/job/photo', 'whole');
    for (const key of ['hot/job/photo', 'hot/other/photo']) await expect(blobs().write(key, source())).rejects.toThrow(message);
    expect(await contents()).toEqual(['hot/job/photo']);
    expect(await content('hot/job/photo')).toBe('whole');
  });

  it('shows a blob whole while several writers replace it again and again', async () => {
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
    expect(await contents()).toEqual(['hot/job/preview.jpg']);
  });

  it.each([
    [{ start: 0, end: 0 }, '0'],
    [{ start: 2, end: 4 }, '234'],
    [{ start: 9, end: 9 }, '9'],
    [{ start: 5, end: 1000 }, '56789'],
  ])('reads the range %o with both ends included', async (range, expected) => {
    await write('digits', '0123456789');
    expect(await text(blobs().read('digits', range))).toBe(expected);
  });

  it('copies a blob so that a later change of one leaves the other unchanged', async () => {
    await write('hot/one/photo', 'photo');
    await write('hot/two/photo', 'another');
    await blobs().copy('hot/one/photo', 'hot/two/photo');
    await blobs().copy('hot/one/photo', 'hot/two/photo');
    await write('hot/one/photo', 'changed');
    expect(await content('hot/two/photo')).toBe('photo');
    await blobs().remove('hot/one');
    expect(await content('hot/two/photo')).toBe('photo');
    expect(await contents()).toEqual(['hot/two/photo']);
  });

  it('removes a key with everything below it, and nothing beside it', async () => {
    await write('archive/2026/01/31/one/video.mp4', '1');
    await write('archive/2026/01/31/one/poster.jpg', '1');
    await write('archive/2026/01/31/one2/video.mp4', '2');
    await write('archive/2026/02/01/two/video.mp4', '2');
    await blobs().remove('archive/2026/01/31/one');
    expect(await contents()).toEqual(['archive/2026/01/31/one2/video.mp4', 'archive/2026/02/01/two/video.mp4']);
    await blobs().remove('archive/2026/01/31/one2');
    expect(await blobs().list('archive/2026')).toEqual(['02']);
    await blobs().remove('archive/2026/02/01/two');
    expect(await blobs().list('archive')).toEqual([]);
    await blobs().remove('archive/2026/02/01/two');
    await blobs().remove('nothing/at/all');
  });

  it('lists the names directly below a key', async () => {
    for (const key of ['uploads/b', 'uploads/a', 'uploads/c/d']) await write(key, 'x');
    expect((await blobs().list('uploads')).toSorted()).toEqual(['a', 'b', 'c']);
    expect(await blobs().list('uploads/a')).toEqual([]);
    expect(await blobs().list('none')).toEqual([]);
  });

  it('reports the latest write at or below a key', async () => {
    const before = new Date(Date.now() - 2_000);
    await write('hot/job/photo', 'x');
    for (const key of ['hot/job/photo', 'hot/job', 'hot']) {
      const changed = await blobs().lastChange(key);
      expect(changed!.getTime()).toBeGreaterThan(before.getTime());
      expect(changed!.getTime()).toBeLessThan(Date.now() + 2_000);
    }
    expect(await blobs().lastChange('hot/other')).toBeNull();
  });

  it('fails with ENOENT for a key that holds no blob', async () => {
    await write('a/b', 'x');
    for (const key of ['none', 'a', 'a/c']) {
      await expect(blobs().stat(key)).rejects.toMatchObject({ code: 'ENOENT' });
    }
    await expect(blobs().copy('none', 'c')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(text(blobs().read('none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each(MALFORMED_KEYS)('throws RangeError for the malformed key %j', async (key) => {
    await write('b', 'x');
    await expect(write(key, 'x')).rejects.toThrow(RangeError);
    await expect(blobs().copy('b', key)).rejects.toThrow(RangeError);
    await expect(blobs().copy(key, 'c')).rejects.toThrow(RangeError);
    for (const method of ['stat', 'remove', 'list', 'lastChange'] as const) await expect(blobs()[method](key)).rejects.toThrow(RangeError);
    expect(() => blobs().read(key)).toThrow(RangeError);
    expect(await contents()).toEqual(['b']);
  });

  it('answers a ping without leaving anything behind', async () => {
    await blobs().ping();
    expect(await contents()).toEqual([]);
  });
});

describeStorages('workspace', (fixture) => {
  const { write, content } = fixture;
  const workspace = () => fixture.storage.workspace;
  const local = async (name: string): Promise<string> => {
    const file = path.join(fixture.elsewhere, name);
    await fs.writeFile(file, 'film');
    return file;
  };

  it('adopts a finished local file by moving it', async () => {
    const made = await local('video.mp4');
    await write('archive/2026/01/31/job/video.mp4', 'older film');
    await workspace().adopt(made, 'archive/2026/01/31/job/video.mp4');
    expect(await content('archive/2026/01/31/job/video.mp4')).toBe('film');
    expect(await fixture.storage.contents()).toEqual(['archive/2026/01/31/job/video.mp4']);
    expect(await fs.readdir(fixture.elsewhere)).toEqual([]);
  });

  it('fails with ENOENT to adopt a file that does not exist', async () => {
    await expect(workspace().adopt(path.join(fixture.elsewhere, 'nothing'), 'b')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await fixture.storage.contents()).toEqual([]);
  });

  it('gives a local path to the bytes of a blob', async () => {
    await write('hot/job/photo', 'photo');
    const file = await workspace().localPath('hot/job/photo', await workspace().createScratch('attempt'));
    expect(path.isAbsolute(file)).toBe(true);
    expect(await fs.readFile(file, 'utf8')).toBe('photo');
  });

  it('fails with ENOENT to give a local path for a key that holds no blob', async () => {
    await write('a/b', 'x');
    const scratch = await workspace().createScratch('attempt');
    for (const key of ['none', 'a', 'a/c']) await expect(workspace().localPath(key, scratch)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('creates an empty scratch folder each time, and removes it', async () => {
    const scratch = await workspace().createScratch('attempt-1');
    expect(path.isAbsolute(scratch)).toBe(true);
    await fs.writeFile(path.join(scratch, 'frame'), 'x');
    expect(await workspace().createScratch('attempt-1')).toBe(scratch);
    expect(await fs.readdir(scratch)).toEqual([]);
    await workspace().removeScratch('attempt-1');
    await workspace().removeScratch('attempt-1');
    await expect(fs.stat(scratch)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('names the scratch folders in which nothing has changed for a while', async () => {
    const hourAgo = new Date(Date.now() - 3_600_000);
    const [idle, busy] = [await workspace().createScratch('idle'), await workspace().createScratch('busy')];
    await fs.writeFile(path.join(busy, 'frame'), 'x');
    for (const folder of [idle, busy]) await fs.utimes(folder, hourAgo, hourAgo);
    expect(await workspace().scratchIdleSince(new Date(Date.now() - 60_000))).toEqual(['idle']);
  });

  it.each(MALFORMED_KEYS)('throws RangeError for the malformed name or key %j', async (key) => {
    const made = await local('video.mp4');
    await expect(workspace().adopt(made, key)).rejects.toThrow(RangeError);
    await expect(workspace().localPath(key, fixture.elsewhere)).rejects.toThrow(RangeError);
    await expect(workspace().createScratch(key)).rejects.toThrow(RangeError);
    await expect(workspace().removeScratch(key)).rejects.toThrow(RangeError);
    expect(await fs.readFile(made, 'utf8')).toBe('film');
  });

  it('reports the free space for scratch files', async () => {
    const { bavail, bsize } = await fs.statfs(await workspace().createScratch('attempt'));
    expect(Math.abs((await workspace().freeBytes()) - bavail * bsize)).toBeLessThan(1e9);
  });
});
