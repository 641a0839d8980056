import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import installer from '@ffmpeg-installer/ffmpeg';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DURATIONS, FRAMES_PER_SECOND, frameCount, frameSize, names, RESOLUTIONS } from '../../../src/catalog/catalog.ts';
import { findFfmpeg } from '../../../src/infra/media/ffmpeg.ts';
import { AppError } from '../../../src/jobs/errors.ts';
import type { Picture } from '../../../worker/engine.ts';
import { encodeVideo, type VideoSpec } from '../../../worker/video/encode.ts';
import { writeJpeg } from '../../../worker/video/pixels.ts';
import { boxes, card, decodeFrames, describeStream, frameTable } from '../../support/video.ts';

const run = promisify(execFile);
const runs = (command: string) => {
  try {
    execFileSync(command, ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const hasFfprobe = runs('ffprobe');
const never = new AbortController().signal;
const W = 320;
const H = 240;

async function* cards(count: number, width = W, height = H): AsyncGenerator<Picture> {
  for (let index = 0; index < count; index++) yield card(width, height, index);
}

let ffmpeg: string;
let folder: string;
let serial = 0;
const newFile = () => path.join(folder, `${serial++}.mp4`);
const spec = (given: Partial<VideoSpec> = {}): VideoSpec => ({
  ffmpeg,
  width: W,
  height: H,
  framesPerSecond: FRAMES_PER_SECOND,
  frameCount: 12,
  metadata: {},
  ...given,
});

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'encode-'));
  ffmpeg = (await findFfmpeg({ FFMPEG_PATH: undefined })).path;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A failed or stopped encode must leave neither a file nor a child process. */
async function expectNothingLeft(file: string): Promise<void> {
  expect(existsSync(file)).toBe(false);
  expect(process.getActiveResourcesInfo()).not.toContain('ProcessWrap');
}

describe.each([...(runs('ffmpeg') ? [['the system', 'ffmpeg']] : []), ['npm', installer.path]] as [string, string][])(
  'with the ffmpeg of %s',
  (_, program) => {
    it('writes H.264 High, yuv420p, tagged BT.709, at a constant rate, index first', async () => {
      const file = newFile();
      const video = await encodeVideo(cards(12), file, spec({ ffmpeg: program }), never);
      const stream = await describeStream(ffmpeg, file);
      expect(stream).toMatch(/h264 \(High\)/);
      expect(stream).toMatch(/yuv420p\(tv, bt709(, progressive)?\)/);
      expect(stream).toMatch(/ 320x240/);
      expect(stream).toMatch(/ 12 fps/);
      const table = await frameTable(ffmpeg, file, FRAMES_PER_SECOND);
      expect(table.map(({ time }) => time)).toEqual(Array.from({ length: 12 }, (__, i) => i));
      expect(new Set(table.map(({ hash }) => hash)).size).toBe(12);
      expect((await frameTable(ffmpeg, file, FRAMES_PER_SECOND, 'key'))[0]).toEqual(table[0]);
      const order = await boxes(file);
      expect(order.indexOf('moov')).toBeLessThan(order.indexOf('mdat'));
      const bytes = await readFile(file);
      expect(video).toEqual({ sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    });

    it.each([
      ['red', [255, 0, 0], [63, 102, 240]],
      ['green', [0, 255, 0], [173, 42, 26]],
      ['blue', [0, 0, 255], [32, 240, 118]],
      ['white', [255, 255, 255], [235, 128, 128]],
      ['black', [0, 0, 0], [16, 128, 128]],
      ['grey', [128, 128, 128], [126, 128, 128]],
    ])('turns %s into the numbers BT.709 has for it', async (__, rgb, yuv) => {
      const file = newFile();
      const data = new Uint8Array(64 * 64 * 3).map((___, i) => rgb[i % 3]!);
      await encodeVideo(
        (async function* () {
          yield { width: 64, height: 64, data };
        })(),
        file,
        spec({ ffmpeg: program, width: 64, height: 64, frameCount: 1 }),
        never,
      );
      const [frame] = await decodeFrames(ffmpeg, file, 'yuv420p', 64 * 64 * 1.5);
      const middle = [32 * 64 + 32, 64 * 64 + 16 * 32 + 16, 64 * 64 * 1.25 + 16 * 32 + 16].map((at) => frame![at]!);
      for (const [i, value] of middle.entries()) expect(Math.abs(value - yuv[i]!)).toBeLessThanOrEqual(2);
    });

    it.skipIf(!hasFfprobe)('matches what ffprobe reports', async () => {
      const file = newFile();
      const metadata = { title: 'Ein "Titel"; äöü = 1', comment: JSON.stringify({ a: ['b', "c'"], d: '\\ # ;' }) };
      await encodeVideo(cards(24), file, spec({ ffmpeg: program, frameCount: 24, metadata }), never);
      const { stdout } = await run('ffprobe', [
        '-v',
        'error',
        '-show_streams',
        '-show_format',
        '-show_entries',
        'frame=key_frame,pict_type',
        '-of',
        'json',
        file,
      ]);
      const { streams, format, frames } = JSON.parse(stdout) as { streams: object[]; format: { tags: object }; frames: object[] };
      expect(streams).toHaveLength(1);
      expect(streams[0]).toMatchObject({
        codec_name: 'h264',
        profile: 'High',
        pix_fmt: 'yuv420p',
        width: W,
        height: H,
        color_range: 'tv',
        color_space: 'bt709',
        color_transfer: 'bt709',
        color_primaries: 'bt709',
        r_frame_rate: '12/1',
        avg_frame_rate: '12/1',
        nb_frames: '24',
        start_time: '0.000000',
        duration: '2.000000',
      });
      expect(format.tags).toMatchObject(metadata);
      expect(frames[0]).toMatchObject({ key_frame: 1, pict_type: 'I' });
    });
  },
);

describe('every format of the catalogue is encoded exactly', () => {
  const sizes = names(RESOLUTIONS).flatMap((resolution) =>
    (['LANDSCAPE', 'PORTRAIT'] as const).map((orientation) => ({ resolution, orientation })),
  );

  it.each(sizes)('$resolution $orientation', async ({ resolution, orientation }) => {
    const size = frameSize({ resolution, orientation });
    const file = newFile();
    await encodeVideo(cards(3, size.width, size.height), file, spec({ ...size, frameCount: 3 }), never);
    expect(await describeStream(ffmpeg, file)).toContain(` ${size.width}x${size.height}`);
    expect(await decodeFrames(ffmpeg, file, 'gray', size.width * size.height)).toHaveLength(3);
  });

  it.each(DURATIONS)('%i s', async (seconds) => {
    const count = frameCount(seconds);
    const file = newFile();
    await encodeVideo(cards(count), file, spec({ frameCount: count }), never);
    const table = await frameTable(ffmpeg, file, FRAMES_PER_SECOND);
    expect(table.map(({ time }) => time)).toEqual(Array.from({ length: seconds * 12 }, (_, i) => i));
  });
});

describe('a failing encode', () => {
  it("stops when aborted, with the signal's reason, and removes the file", async () => {
    const control = new AbortController();
    const file = newFile();
    let closed = false;
    const pictures = async function* () {
      try {
        for (let index = 0; ; index++) {
          if (index === 20) control.abort(new Error('cancelled'));
          yield card(W, H, index);
        }
      } finally {
        closed = true;
      }
    };
    await expect(encodeVideo(pictures(), file, spec({ frameCount: 144 }), control.signal)).rejects.toThrow('cancelled');
    expect(closed).toBe(true);
    await expectNothingLeft(file);
  });

  it('starts no process if it was aborted before', async () => {
    const file = newFile();
    await expect(encodeVideo(cards(12), file, spec(), AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
    await expectNothingLeft(file);
  });

  it('rethrows an error of the engine, and removes the file', async () => {
    const file = newFile();
    const pictures = async function* () {
      yield* cards(5);
      throw new AppError('OUT_OF_MEMORY');
    };
    await expect(encodeVideo(pictures(), file, spec(), never)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
    await expectNothingLeft(file);
  });

  it.each([
    [11, 'instead of 12'],
    [13, 'instead of 12'],
  ])('refuses %i pictures for 12 frames', async (count, message) => {
    const file = newFile();
    await expect(encodeVideo(cards(count), file, spec(), never)).rejects.toThrow(message);
    await expectNothingLeft(file);
  });

  it('rejects a picture of the wrong size', async () => {
    const file = newFile();
    await expect(encodeVideo(cards(12, W, H + 2), file, spec(), never)).rejects.toThrow('320×242');
    await expectNothingLeft(file);
  });

  it("reports a missing ffmpeg as ENCODER_FAILED with the system's error as cause", async () => {
    const file = newFile();
    const error = await encodeVideo(cards(12), file, spec({ ffmpeg: path.join(folder, 'no-ffmpeg') }), never).catch(
      (thrown: AppError) => thrown,
    );
    expect(error).toMatchObject({ code: 'ENCODER_FAILED', cause: { message: expect.stringContaining('ENOENT') } });
    await expectNothingLeft(file);
  });

  it("keeps the last lines of ffmpeg's output for the log and out of the message", async () => {
    const file = path.join(folder, 'no', 'such', 'folder.mp4');
    const error = await encodeVideo(cards(12), file, spec(), never).catch((thrown: AppError) => thrown);
    expect(error).toMatchObject({
      code: 'ENCODER_FAILED',
      message: 'ffmpeg could not write the video.',
      cause: { message: expect.stringContaining('No such file or directory') },
    });
    await expectNothingLeft(file);
  });

  it.skipIf(process.platform !== 'linux')('notices an ffmpeg that is killed in the middle', async () => {
    const file = newFile();
    const pictures = async function* () {
      for (let index = 0; index < 144; index++) {
        if (index === 20) process.kill(await childOf(process.pid), 'SIGKILL');
        yield card(W, H, index);
      }
    };
    const error = await encodeVideo(pictures(), file, spec({ frameCount: 144 }), never).catch((thrown: AppError) => thrown);
    expect(error).toMatchObject({ code: 'ENCODER_FAILED', cause: { message: expect.stringContaining('SIGKILL') } });
    await expectNothingLeft(file);
  });
});

/** The one child process of `pid`. */
async function childOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const children = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8')));
  const ids = children.join(' ').trim().split(/\s+/).map(Number);
  expect(ids).toHaveLength(1);
  return ids[0]!;
}

describe('a poster', () => {
  it('is a JPEG of the picture', async () => {
    const file = path.join(folder, 'poster.jpg');
    const picture = card(W, H, 3);
    await writeJpeg(picture, file);
    expect(await sharp(file).metadata()).toMatchObject({ format: 'jpeg', width: W, height: H });
    const pixels = await sharp(file).raw().toBuffer();
    const error = pixels.reduce((sum, value, i) => sum + Math.abs(value - picture.data[i]!), 0) / pixels.length;
    expect(error).toBeLessThan(6);
  });
});
