import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import installer from '@ffmpeg-installer/ffmpeg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RenderOptions } from '../../../src/catalog/engines.ts';
import { findFfmpeg } from '../../../src/infra/media/ffmpeg.ts';
import { readVideoMetadata, videoTags, type VideoMetadata } from '../../../src/infra/media/video-metadata.ts';
import { VERSION } from '../../../src/process/version.ts';
import { encodeVideo } from '../../../worker/video/encode.ts';
import { card } from '../../support/video.ts';

const OPTIONS: RenderOptions = {
  engine: 'SVD_XT',
  resolution: 'P720',
  orientation: 'PORTRAIT',
  fit: 'CONTAIN',
  crop: null,
  motion: 'TILT_UP',
  durationSeconds: 8,
  tuning: { numInferenceSteps: 24, minGuidanceScale: 1, maxGuidanceScale: 3.25, noiseAugStrength: 0.1, motionBucketId: 100 },
  seed: 2_147_483_647,
};
const METADATA: VideoMetadata = {
  photoSha256: '0123456789abcdef'.repeat(4),
  options: OPTIONS,
  engineVersion: '1',
  software: `FanslyMotion ${VERSION}`,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'metadata-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function video(ffmpeg: string, metadata: Record<string, string>): Promise<string> {
  const file = path.join(folder, `${Math.random()}.mp4`);
  const spec = { ffmpeg, width: 64, height: 64, framesPerSecond: 12, frameCount: 2, metadata };
  await encodeVideo(
    (async function* () {
      yield card(64, 64, 0);
      yield card(64, 64, 1);
    })(),
    file,
    spec,
    new AbortController().signal,
  );
  return file;
}

describe("a video's metadata", () => {
  it.each([
    ['found', async () => (await findFfmpeg({ FFMPEG_PATH: undefined })).path],
    ['npm', async () => installer.path],
  ])('comes back as it went in (%s ffmpeg)', async (_, ffmpeg) => {
    expect(await readVideoMetadata(await video(await ffmpeg(), videoTags(METADATA)))).toEqual(METADATA);
  });

  it('has a title for people', () => {
    expect(videoTags(METADATA).title).toBe('TILT_UP, 8 s, SVD_XT');
  });

  it.each<[string, Record<string, string>]>([
    ['no comment', {}],
    ["somebody's comment", { comment: 'holiday' }],
    ['a motion that does not exist', { comment: JSON.stringify({ ...METADATA, options: { ...OPTIONS, motion: 'LOOPING' } }) }],
    [
      'a number out of range',
      { comment: JSON.stringify({ ...METADATA, options: { ...OPTIONS, tuning: { ...OPTIONS.tuning, numInferenceSteps: 5000 } } }) },
    ],
    ["another engine's tuning", { comment: JSON.stringify({ ...METADATA, options: { ...OPTIONS, engine: 'PREVIEW' } }) }],
    ['no tuning where the engine has some', { comment: JSON.stringify({ ...METADATA, options: { ...OPTIONS, tuning: null } }) }],
    ['no photo hash', { comment: JSON.stringify({ ...METADATA, photoSha256: 'abc' }) }],
  ])('with %s is BAD_INPUT', async (_, tags) => {
    await expect(readVideoMetadata(await video(installer.path, tags))).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('of a file that is no video is BAD_INPUT', async () => {
    await expect(readVideoMetadata(path.join(import.meta.dirname, '../../fixtures/photos/cat.jpg'))).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
  });

  it('of a file that is not there says so', async () => {
    await expect(readVideoMetadata(path.join(folder, 'nothing.mp4'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.skipIf(!onPath('ffprobe'))('is readable with ffprobe', async () => {
    const file = await video(installer.path, videoTags(METADATA));
    const comment = execFileSync('ffprobe', ['-v', 'error', '-show_entries', 'format_tags=comment', '-of', 'csv=p=0:escape=none', file], {
      encoding: 'utf8',
    });
    expect(comment).toContain(METADATA.photoSha256);
    expect(comment).toContain('"seed":2147483647');
  });
});

function onPath(command: string): boolean {
  try {
    execFileSync(command, ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
