import { mkdtempSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { JsonFolder } from '../../../bot/state/folder.ts';
import { startCompiled } from '../../support/compiled.ts';

const Schema = z.object({ number: z.number() });
const parent = mkdtempSync(path.join(tmpdir(), 'fm-folder-'));
let count = 0;
const newFolder = () => path.join(parent, String(++count));

afterAll(() => rm(parent, { recursive: true }));

describe('a folder of records', () => {
  it('gives back what was written, also to who comes later', async () => {
    const folder = newFolder();
    const records = await JsonFolder.open(folder, Schema);
    await records.write('a', { number: 1 });
    await records.write('-7', { number: 2 });
    const later = await JsonFolder.open(folder, Schema);
    expect(await later.read('a')).toEqual({ number: 1 });
    expect((await later.ids()).toSorted()).toEqual(['-7', 'a']);
    await later.remove('a');
    await later.remove('a');
    expect(await records.read('a')).toBeNull();
  });

  it('passes over what is none of ours, says so, and leaves it', async () => {
    const folder = newFolder();
    const unreadable: string[] = [];
    const records = await JsonFolder.open(folder, Schema, (id) => unreadable.push(id));
    await Promise.all([
      writeFile(path.join(folder, 'half.json'), '{"numb'),
      writeFile(path.join(folder, 'other.json'), '{"number":"one"}'),
    ]);
    expect([await records.read('half'), await records.read('other'), await records.read('none')]).toEqual([null, null, null]);
    expect(unreadable).toEqual(['half', 'other']);
    expect(await records.ids()).toHaveLength(2);
  });

  it('keeps the last of many writes at once', async () => {
    const records = await JsonFolder.open(newFolder(), Schema);
    await Promise.all(Array.from({ length: 50 }, (_, number) => records.write('a', { number })));
    expect(await records.read('a')).toEqual({ number: 49 });
  });

  it('has the value of the last write, whole, when its process is killed while it writes', async () => {
    for (let round = 0; round < 5; round++) {
      const folder = newFolder();
      const writer = await startCompiled('test/support/folder-writer.ts', { folder });
      let written = 0;
      writer.process.on('message', (number) => (written = Number(number)));
      await writer.message((number) => Number(number) >= 3 + round * 7);
      await writer.kill();
      const records = await JsonFolder.open(folder, Schema);
      expect((await records.read('one'))!.number).toBeGreaterThanOrEqual(written);
      expect(await readdir(folder)).toEqual(['one.json']);
    }
  });

  it('takes a file that holds something else for none', async () => {
    const folder = newFolder();
    const records = await JsonFolder.open(folder, Schema);
    await writeFile(path.join(folder, 'a.json'), '{"number":"seven"}');
    await writeFile(path.join(folder, 'b.json'), '{"numb');
    expect([await records.read('a'), await records.read('b')]).toEqual([null, null]);
  });

  it('takes no id that would lead out of it', async () => {
    const records = await JsonFolder.open(newFolder(), Schema);
    await expect(records.write('../a', { number: 1 })).rejects.toThrow('is not an id');
  });
});
