import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import installer from '@ffmpeg-installer/ffmpeg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findFfmpeg } from '../../../src/infra/media/ffmpeg.ts';

const PATH = process.env['PATH'];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'ffmpeg-'));
});
afterEach(() => {
  process.env['PATH'] = PATH;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function pretend(name: string, script: string): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

describe('the search for ffmpeg', () => {
  it('uses FFMPEG_PATH if it is set', async () => {
    const found = await findFfmpeg({ FFMPEG_PATH: installer.path });
    expect(found).toMatchObject({ path: installer.path, source: 'FFMPEG_PATH', hasLibx264: true });
    expect(found.version).toMatch(/^\S+$/);
  });

  it('uses the one from npm if the system has none', async () => {
    process.env['PATH'] = folder;
    expect(await findFfmpeg({ FFMPEG_PATH: undefined })).toMatchObject({ path: installer.path, source: 'npm', hasLibx264: true });
  });

  it.skipIf(process.platform === 'win32')("skips the system's if it cannot encode H.264", async () => {
    await pretend('ffmpeg', 'echo "ffmpeg version 9.9 Copyright"; echo " V....D mpeg4 MPEG-4"');
    process.env['PATH'] = `${folder}${path.delimiter}`;
    expect(await findFfmpeg({ FFMPEG_PATH: undefined })).toMatchObject({ source: 'npm' });
  });

  it.skipIf(process.platform === 'win32')("uses the system's if it can", async () => {
    const own = await mkdtemp(path.join(folder, 'bin-'));
    await pretend(
      path.join(path.basename(own), 'ffmpeg'),
      'echo "ffmpeg version 9.9 Copyright"; echo " V....D libx264              libx264 H.264"',
    );
    process.env['PATH'] = own;
    expect(await findFfmpeg({ FFMPEG_PATH: undefined })).toEqual({ path: 'ffmpeg', version: '9.9', source: 'system', hasLibx264: true });
  });

  it.each([
    ['does not exist', () => Promise.resolve(path.join(folder, 'nowhere')), 'not found'],
    [
      'is not executable',
      async () => {
        const file = path.join(folder, 'plain');
        await writeFile(file, 'text');
        return file;
      },
      'not executable',
    ],
    ['is something else', () => pretend('other', 'echo hello'), 'does not report an ffmpeg version'],
    ['has no libx264', () => pretend('small', 'echo "ffmpeg version 1.2 Copyright"'), 'no libx264'],
  ])('fails with the reason if FFMPEG_PATH %s, and tries no other', async (_, make, reason) => {
    if (process.platform === 'win32' && reason !== 'not found') return;
    const file = await make();
    await expect(findFfmpeg({ FFMPEG_PATH: file })).rejects.toMatchObject({
      code: 'ENCODER_FAILED',
      message: expect.stringMatching(new RegExp(`${path.basename(file)}.*${reason}`)),
    });
  });
});
