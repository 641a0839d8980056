/** Which part of the code knows which. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const IMPORT = /\b(?:from|import)[ (]+'(\.[^']+)'/g;

/** Files of ours that the files of `folder` import, each once. */
async function importsOf(folder: string): Promise<string[]> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts')).map((name) => path.join(folder, name));
  const found = await Promise.all(
    files.map(async (file) => {
      const imports = (await readFile(file, 'utf8')).matchAll(IMPORT);
      return [...imports].map(([, target]) => path.join(path.dirname(file), target!));
    }),
  );
  return [...new Set(found.flat())].toSorted();
}

const outside = (imports: readonly string[], ...folders: string[]) =>
  imports.filter((file) => !folders.some((folder) => file.startsWith(`${folder}${path.sep}`)));

describe('the bot', () => {
  it('shares the client and the frame of a process with the rest, and nothing of jobs, database or queue', async () => {
    const frame = [
      'src/config.ts',
      'src/process/log.ts',
      'src/process/run.ts',
      'src/process/startup-error.ts',
      'src/process/version.ts',
    ].map((file) => path.normalize(file));
    expect(outside(await importsOf('bot'), 'bot', path.join('src', 'client'))).toEqual(frame);
    for (const file of frame) {
      const imports = [...(await readFile(file, 'utf8')).matchAll(IMPORT)].map(([, target]) => path.join(path.dirname(file), target!));
      expect(imports.filter((each) => !frame.includes(each))).toEqual([]);
    }
  });
});

describe('the client', () => {
  it('imports nothing but the catalogue', async () => {
    expect(outside(await importsOf('src/client'), path.join('src', 'client'), path.join('src', 'catalog'))).toEqual([]);
  });
});

describe('the domain', () => {
  it('knows the catalogue and the configuration, and no framework', async () => {
    expect(outside(await importsOf('src/jobs'), 'src/jobs', path.normalize('src/catalog'))).toEqual([path.normalize('src/config.ts')]);
  });
});

describe('the catalogue', () => {
  it('knows nothing but itself', async () => {
    expect(outside(await importsOf('src/catalog'), path.normalize('src/catalog'))).toEqual([]);
  });
});

describe('the API and the worker', () => {
  it('know nothing of each other, nor of the bot', async () => {
    expect((await importsOf('src/api')).filter((file) => /^(worker|bot)\b/.test(file))).toEqual([]);
    expect((await importsOf('worker')).filter((file) => /^(bot|src.api)\b/.test(file))).toEqual([]);
  });
});
