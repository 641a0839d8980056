/** `animate` without running services: it starts what it needs, and stops it. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config.ts';
import { findFfmpeg } from '../../../src/infra/media/ffmpeg.ts';
import { readVideoMetadata } from '../../../src/infra/media/video-metadata.ts';
import { LARGE, photo, Place, SMALL } from '../../support/cli.ts';
import { boxes, describeStream, frameTable } from '../../support/video.ts';

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

const place = new Place();
const at = (name: string): string => path.join(place.work, name);
const { path: ffmpeg } = await findFfmpeg(readConfig({}));
/** An ffmpeg that runs `encodes` when it is asked to encode, and otherwise does what the real one does. */
const ffmpegThat = async (name: string, encodes: string): Promise<string> => {
  const file = at(`ffmpeg-${name}.mjs`);
  const script = `import { spawnSync } from 'node:child_process';
    const args = process.argv.slice(2);
    const encode = () => { process.exitCode = spawnSync(${JSON.stringify(ffmpeg)}, args, { stdio: 'inherit' }).status; };
    if (args.includes('-i')) { ${encodes} } else encode();`;
  await writeFile(file, `#!${process.execPath}\n${script}\n`, { mode: 0o755 });
  return file;
};
const frames = async (file: string) => (await frameTable(ffmpeg, file, 12)).map(({ hash }) => hash);

afterAll(() => place.remove());

describe('animate', () => {
  it('saves an MP4 in the working directory and leaves nothing else behind', async () => {
    const { stdout, stderr } = await place.succeeds('animate', photo('cat.jpg'), ...SMALL, '--motion', 'pan-l', '--seed', '7');
    expect({ files: await place.files(), logs: await place.logs() }).toEqual({ files: ['cat.mp4'], logs: [] });
    for (const fact of ['cat.mp4', '480×360', '36', 'PREVIEW, PAN_L', 'seed     7', 'seconds', 'cropped  11 % of'])
      expect(stdout).toContain(fact);
    expect(stderr).toContain('Starting database, API and worker\n');
    expect(await boxes(at('cat.mp4'))).toEqual([
      'ftyp',
      'moov',
      expect.stringMatching(/free|mdat/),
      ...(await boxes(at('cat.mp4'))).slice(3),
    ]);
    expect(await describeStream(ffmpeg, at('cat.mp4'))).toMatch(/h264 \(High\).*yuv420p.*480x360.*12 fps/);
    expect(await frames(at('cat.mp4'))).toHaveLength(36);
    expect(await place.leftovers()).toEqual([]);
  });

  describe('twice at the same time in one folder', () => {
    let again: Output;
    let portrait: Output;
    beforeAll(async () => {
      await mkdir(at('videos'));
      [again, portrait] = await Promise.all([
        place.succeeds('animate', photo('cat.jpg'), '--from-video', 'cat.mp4', '--out', 'again.mp4', '--json'),
        place.succeeds('animate', photo('portrait.jpg'), ...SMALL, '--out', 'videos', '--json', '--quiet'),
      ]);
    });

    it('leaves no process behind', async () => {
      expect(await place.leftovers()).toEqual([]);
    });

    it('renders the same frames again from a video and its photo', async () => {
      expect(again.stderr).not.toContain('Warning');
      const { options } = await readVideoMetadata(at('cat.mp4'));
      expect(JSON.parse(again.stdout)).toMatchObject({ path: at('again.mp4'), seed: 7, engine: 'PREVIEW', options });
      expect(await frames(at('again.mp4'))).toEqual(await frames(at('cat.mp4')));
    });

    it('prints one JSON object and nothing else with --json --quiet, and saves into the folder of --out', async () => {
      expect(portrait.stderr).toBe('');
      const bytes = await readFile(at('videos/portrait.mp4'));
      expect(JSON.parse(portrait.stdout)).toMatchObject({
        path: at('videos/portrait.mp4'),
        width: 360,
        height: 480,
        frameCount: 36,
        framesPerSecond: 12,
        durationSeconds: 3,
        engine: 'PREVIEW',
        sizeBytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        seed: expect.any(Number),
        renderSeconds: expect.any(Number),
      });
      expect(portrait.stdout.trim().split('\n')).toHaveLength(1);
    });
  });

  it('cancels its job, stops what it started and leaves nothing behind when it is interrupted', async () => {
    await Promise.all(
      [/Starting database/, /Rendering frames/].map(async (moment) => {
        const run = place.start('animate', photo('coffee.jpg'), ...LARGE, '--json');
        await run.says(moment);
        run.pressCtrlC();
        expect(await run.code).toBe(130);
        expect(JSON.parse(run.stdout)).toMatchObject({ error: { code: 'INTERRUPTED' } });
      }),
    );
    expect(await place.leftovers()).toEqual([]);
    expect((await place.files()).filter((name) => name.startsWith('coffee'))).toEqual([]);
    expect(await place.logs()).toEqual([]);
    expect(await place.query('SELECT status FROM job ORDER BY "createdAt" DESC LIMIT 1')).toEqual([{ status: 'CANCELLED' }]);
  });

  it('does not block the next run when it is killed', async () => {
    const run = place.start('animate', photo('coffee.jpg'), ...LARGE);
    await run.says(/Rendering frames/);
    await run.kill();
    await place.succeeds('animate', photo('coffee.jpg'), ...SMALL);
    expect(await place.leftovers()).toEqual([]);
    expect(
      (await place.query<{ status: string }>('SELECT status FROM job ORDER BY "createdAt" DESC LIMIT 2')).map(({ status }) => status),
    ).toEqual(['COMPLETED', 'CANCELLED']);
  });

  it('reports why an attempt failed, gives up after the last attempt, and names the log', async () => {
    const broken = await ffmpegThat('broken', "console.error('it is broken'); process.exit(1);");
    const { code, stdout, stderr } = await place.runWith(
      { FFMPEG_PATH: broken, MAX_ATTEMPTS: '2', RETRY_DELAY_SECONDS: '1' },
      'animate',
      photo('rocket.jpg'),
      ...SMALL,
      '--json',
    );
    expect(code).toBe(1);
    expect(stderr).toContain('\nAttempt 1 of 2 failed: ffmpeg could not write the video.\n');
    const log = (await place.logs()).toSorted().at(-1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'ENCODER_FAILED', retry: 'SAME_REQUEST', hint: expect.stringContaining(log!) },
    });
    expect(await readFile(path.join(place.storage, 'logs', log!), 'utf8')).toContain('it is broken');
  });

  it.skipIf(process.platform === 'win32')('fails immediately without ffmpeg or a database', async () => {
    const [encoder, database] = await Promise.all([
      place.runWith({ FFMPEG_PATH: '/there/is/none' }, 'animate', photo('cat.jpg'), '--json', '--out', 'x.mp4'),
      place.runWith({ DATABASE_URL: 'postgresql://a:b@127.0.0.1:9/c' }, 'animate', photo('cat.jpg'), '--json', '--out', 'x.mp4'),
    ]);
    expect([encoder.code, database.code]).toEqual([1, 1]);
    expect(JSON.parse(encoder.stdout)).toMatchObject({
      error: { code: 'ENCODER_FAILED', message: expect.stringContaining('/there/is/none') },
    });
    expect(JSON.parse(database.stdout)).toMatchObject({
      error: { code: 'CANNOT_START', message: expect.stringContaining('127.0.0.1:9'), hint: expect.stringContaining('DATABASE_URL') },
    });
  });

  it('exits 1 for an invalid configuration and names the variable', async () => {
    const { code, stderr } = await place.runWith({ QUEUE_LIMIT: 'many' }, 'animate', photo('cat.jpg'), '--out', 'x.mp4');
    expect(code).toBe(1);
    expect(stderr).toContain('QUEUE_LIMIT: "many"');
  });
});

describe('animate, before it starts anything', () => {
  it.concurrent.each([
    ['an unknown option', () => [photo('cat.jpg'), '--frobnicate']],
    ['a photo that does not exist', () => ['nowhere.jpg']],
    ['a folder instead of a photo', () => [place.work]],
    ['a folder that does not exist', () => [photo('cat.jpg'), '--out', 'nowhere/x.mp4']],
    ['a video that does not exist', () => [photo('cat.jpg'), '--from-video', 'nowhere.mp4']],
  ])('exits 2 for %s', async (_what, args) => {
    const { code, stdout, stderr } = await place.run('animate', ...args(), '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'BAD_ARGUMENTS', message: expect.any(String), hint: expect.any(String), fault: 'CLIENT', retry: 'NEVER' },
    });
    expect(stderr).not.toContain('Starting');
  });

  it('does not replace a video of another program unless --out names it', async () => {
    await copyFile(photo('cat.jpg'), at('mine.jpg'));
    await writeFile(at('mine.mp4'), 'a video of another program');
    const { code, stderr } = await place.run('animate', 'mine.jpg', ...SMALL);
    expect(code).toBe(2);
    expect(stderr).toContain('--out');
    expect(await readFile(at('mine.mp4'), 'utf8')).toBe('a video of another program');
  });

  it('does not replace the photo', async () => {
    await copyFile(photo('cat.jpg'), at('self.jpg'));
    expect((await place.run('animate', 'self.jpg', '--out', 'self.jpg')).code).toBe(2);
    expect(await readFile(at('self.jpg'))).toEqual(await readFile(photo('cat.jpg')));
  });

  it('exits 1 for another photo than the one the video was made from', async () => {
    const { code, stdout } = await place.run('animate', photo('coffee.jpg'), '--from-video', 'cat.mp4', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'PHOTO_DIFFERS', retry: 'NEVER' } });
  });

  it('exits 1 for a video without a record of how it was made', async () => {
    const { code, stderr } = await place.run('animate', photo('cat.jpg'), '--from-video', photo('cat.jpg'), '--out', 'x.mp4');
    expect(code).toBe(1);
    expect(stderr).toContain('has no record of how it was made');
  });
});
