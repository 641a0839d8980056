import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FRAMES_PER_SECOND, frameCount, frameSize, MOTIONS, names, type Motion } from '../../../src/catalog/catalog.ts';
import type { PreviewOptions } from '../../../src/catalog/engines/preview.ts';
import { readConfig } from '../../../src/config.ts';
import { findFfmpeg } from '../../../src/infra/media/ffmpeg.ts';
import { decodePhoto } from '../../../src/infra/media/photo.ts';
import type { Picture, Report } from '../../../worker/engine.ts';
import { preview } from '../../../worker/preview/preview.ts';
import { resample } from '../../../worker/preview/resample.ts';
import { variationOf } from '../../../worker/preview/variation.ts';
import { cameraPath } from '../../../worker/video/camera.ts';
import { encodeVideo } from '../../../worker/video/encode.ts';
import { decodeFrames, motionBetween } from '../../support/video.ts';

const photos = path.join(import.meta.dirname, '../../fixtures/photos');
const photo = (name: string) => decodePhoto(path.join(photos, name), { maxPixels: 50e6 });
const silent: Report = { progress() {}, preview() {} };
const never = new AbortController().signal;

const config = readConfig({});

function options(given: Partial<PreviewOptions> = {}): PreviewOptions {
  return {
    engine: 'PREVIEW',
    resolution: 'P360',
    orientation: 'LANDSCAPE',
    fit: 'COVER',
    crop: null,
    motion: 'PAN_L',
    durationSeconds: 3,
    tuning: null,
    seed: 1,
    ...given,
  };
}

async function frames(source: Picture, given: Partial<PreviewOptions> = {}): Promise<Picture[]> {
  const all: Picture[] = [];
  for await (const frame of preview.create('cpu', config).render(source, options(given), silent, never)) all.push(frame);
  return all;
}

async function firstFrame(source: Picture, given: Partial<PreviewOptions>): Promise<Picture> {
  for await (const frame of preview.create('cpu', config).render(source, options(given), silent, never)) return frame;
  throw new Error('no frame was rendered');
}

function flat(width: number, height: number, colour: (x: number, y: number) => [number, number, number]): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(colour(x, y), (y * width + x) * 3);
  return { width, height, data };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'preview-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Frames as a viewer sees them, in greyscale: rendered, encoded to H.264 and decoded again. */
async function watch(name: string, given: Partial<PreviewOptions>): Promise<{ shown: Uint8Array[]; width: number; height: number }> {
  const all = options(given);
  const size = frameSize(all);
  const ffmpeg = await findFfmpeg({ FFMPEG_PATH: undefined });
  const file = path.join(folder, `${name}-${all.motion}-${all.orientation}-${all.fit}.mp4`);
  const count = frameCount(all.durationSeconds);
  const spec = { ffmpeg: ffmpeg.path, ...size, framesPerSecond: FRAMES_PER_SECOND, frameCount: count, metadata: {} };
  await encodeVideo(preview.create('cpu', config).render(await photo(name), all, silent, never), file, spec, never);
  const shown = await decodeFrames(ffmpeg.path, file, 'gray', size.width * size.height);
  expect(shown).toHaveLength(count);
  return { shown, ...size };
}

const SCENES: readonly (Pick<PreviewOptions, 'orientation' | 'fit' | 'seed'> & { name: string; motions?: readonly Motion[] })[] = [
  { name: 'coffee.jpg', orientation: 'LANDSCAPE', fit: 'COVER', seed: 1 },
  { name: 'portrait.jpg', orientation: 'PORTRAIT', fit: 'COVER', seed: 2_147_483_647, motions: ['PAN_L', 'TILT_UP', 'DOLLY_IN'] },
  { name: 'rocket.jpg', orientation: 'PORTRAIT', fit: 'CONTAIN', seed: 3, motions: ['DOLLY_IN'] },
];

describe.each(names(MOTIONS))('%s, measured in decoded frames', (motion) => {
  it.each(SCENES.filter(({ motions }) => motions === undefined || motions.includes(motion)))(
    'moves $name along its camera path in $orientation, $fit, seed $seed',
    async ({ name, orientation, fit, seed }) => {
      const { shown, width, height } = await watch(name, { motion, orientation, fit, seed });
      const camera = cameraPath(motion, shown.length, variationOf(seed));
      const measured = shown.slice(1).map((frame, i) => motionBetween(shown[i]!, frame, width, height));
      const expected = camera.slice(1).map((after, i) => {
        const before = camera[i]!;
        const growth = after.zoom / before.zoom;
        return { dx: (before.x * growth - after.x) * width, dy: (before.y * growth - after.y) * height, growth };
      });

      // Smooth and without stutter: every single step is accurate to a small fraction of a pixel.
      for (const [i, { dx, dy, growth }] of measured.entries()) {
        expect(Math.abs(dx - expected[i]!.dx)).toBeLessThan(0.15);
        expect(Math.abs(dy - expected[i]!.dy)).toBeLessThan(0.15);
        expect((Math.abs(growth - expected[i]!.growth) * width) / 2).toBeLessThan(0.3);
      }
      const promise = PROMISES[motion];
      const steps = measured.map(({ dx, dy, growth }) => promise.of({ across: dx / width, down: dy / height, growth }));
      const total = steps.reduce((sum, step) => sum + step, 0);
      expect(steps.filter((step) => step > 0.2 * (total / steps.length)).length / steps.length).toBeGreaterThanOrEqual(0.95);
      expect(total).toBeGreaterThan(promise.min);
      expect(total).toBeLessThan(promise.max);
      expect(new Set(shown.map((frame) => Buffer.from(frame).toString('latin1'))).size).toBe(shown.length);
    },
  );
});

/** Measured motion between two frames: right and down in fractions of the frame, and magnification. */
interface Step {
  readonly across: number;
  readonly down: number;
  readonly growth: number;
}

/** What a motion's name alone implies, whatever its camera path: a quantity that grows with every step, and limits of its total. */
const PROMISES: Record<Motion, { of: (step: Step) => number; min: number; max: number }> = {
  MICRO: { of: ({ across, down, growth }) => Math.abs(across) + Math.abs(down) + Math.abs(growth - 1), min: 0.02, max: 0.15 },
  PAN_L: { of: ({ across }) => across, min: 0.12, max: 0.18 },
  PAN_R: { of: ({ across }) => -across, min: 0.12, max: 0.18 },
  TILT_UP: { of: ({ down }) => down, min: 0.12, max: 0.18 },
  TILT_DOWN: { of: ({ down }) => -down, min: 0.12, max: 0.18 },
  DOLLY_IN: { of: ({ growth }) => Math.log(growth), min: Math.log(1.2), max: Math.log(1.33) },
};

describe('COVER', () => {
  it.each(names(MOTIONS))('fills every pixel of every frame with the photo under %s', async (motion) => {
    for (const [width, height] of [
      [500, 120],
      [90, 300],
    ] as const) {
      const full = flat(480, 360, () => [200, 30, 60]).data;
      for (const frame of await frames(
        flat(width, height, () => [200, 30, 60]),
        { motion },
      )) {
        expect(Buffer.compare(frame.data, full)).toBe(0);
      }
    }
  });

  it.each(names(MOTIONS))('shows nothing outside the crop under %s', async (motion) => {
    const crop = { x: 40, y: 150, width: 400, height: 300 };
    const isInside = (x: number, y: number) => x >= 40 && x < 440 && y >= 150 && y < 450;
    const source = flat(500, 600, (x, y) => (isInside(x, y) ? [200, 30, 60] : [0, 255, 0]));
    const full = flat(480, 360, () => [200, 30, 60]).data;
    for (const seed of [1, 2_147_483_647])
      for (const frame of await frames(source, { motion, crop, seed })) expect(Buffer.compare(frame.data, full)).toBe(0);
  });
});

describe('CONTAIN', () => {
  const marked = (width: number, height: number) =>
    flat(width, height, (x, y) => {
      const edge = x < width * 0.04 || y < height * 0.04 || x >= width * 0.96 || y >= height * 0.96;
      return edge ? [0, 0, 255] : [230, 120, 40];
    });

  it.each(names(MOTIONS))('shows all four edges of the photo in every frame of %s', async (motion) => {
    for (const source of [marked(400, 300), marked(200, 400)]) {
      for (const { data, width, height } of await frames(source, { motion, fit: 'CONTAIN' })) {
        const strong = (x: number, y: number) => data[(y * width + x) * 3 + 2]! > 215 && data[(y * width + x) * 3]! < 40;
        const column = (from: number, to: number) => range(from, to).some((x) => strong(x, height >> 1));
        const row = (from: number, to: number) => range(from, to).some((y) => strong(width >> 1, y));
        expect([column(0, width >> 1), column(width >> 1, width), row(0, height >> 1), row(height >> 1, height)]).toEqual([
          true,
          true,
          true,
          true,
        ]);
      }
    }
  });

  it('surrounds the photo with a blurred copy of itself instead of bars', async () => {
    const { data, width, height } = await firstFrame(await photo('portrait.jpg'), { motion: 'MICRO', fit: 'CONTAIN' });
    const left = range(0, height).map((y) => data[(y * width + 20) * 3]!);
    expect(Math.max(...left) - Math.min(...left)).toBeGreaterThan(30);
    const steepest = Math.max(...left.slice(1).map((value, i) => Math.abs(value - left[i]!)));
    expect(steepest).toBeLessThan(8);
  });
});

describe('sampling', () => {
  const wave = (x: number, y: number) => 128 + 60 * Math.sin(x / 2.5) + 50 * Math.cos(y / 3);
  const source = flat(160, 140, (x, y) => [wave(x + 0.5, y + 0.5), wave(x + 0.5, y + 0.5), wave(x + 0.5, y + 0.5)]);

  it.each([0, 0.1, 0.25, 0.5, 0.77])('is accurate to two grey levels at an offset of %f pixels', (offset) => {
    const seen = resample(source, { start: 20 + offset, step: 1, count: 100 }, { start: 20 - offset, step: 1, count: 80 });
    const errors = range(0, 100 * 80).map((i) =>
      Math.abs(seen.data[i * 3]! - wave(20 + offset + (i % 100), 20 - offset + Math.floor(i / 100))),
    );
    expect(Math.max(...errors)).toBeLessThan(2.5);
  });

  it('averages fine detail instead of flickering when shrinking', () => {
    const stripes = flat(400, 50, (x) => (x % 2 ? [255, 255, 255] : [0, 0, 0]));
    for (const start of [0, 0.3, 0.9]) {
      const seen = resample(stripes, { start: 50 + start, step: 2.5, count: 100 }, { start: 10, step: 1, count: 20 });
      expect(Math.max(...seen.data) - Math.min(...seen.data)).toBeLessThan(30);
    }
  });
});

describe('the engine', () => {
  it('can run on the CPU only', async () => {
    expect(await preview.capability('cpu', config)).toEqual({ unavailable: null, byDefault: true, costModel: null });
    expect((await preview.capability('cuda:0', config)).unavailable).toContain('cpu');
  });

  it('renders the same bytes for the same seed', async () => {
    const source = await photo('cat.jpg');
    const [one, two] = [await frames(source, { motion: 'MICRO' }), await frames(source, { motion: 'MICRO' })];
    expect(one.every((frame, i) => Buffer.from(frame.data).equals(two[i]!.data))).toBe(true);
  });

  it.each(names(MOTIONS))('renders a visibly different %s for another seed', async (motion) => {
    const source = await photo('coffee.jpg');
    const [one, two] = [await frames(source, { motion, seed: 1 }), await frames(source, { motion, seed: 2 })];
    const distances = one.map(({ data }, i) => {
      const other = two[i]!.data;
      return data.reduce((sum, value, j) => sum + Math.abs(value - other[j]!), 0) / data.length;
    });
    // Mean difference in grey levels of 255; frames of the same video that follow each other differ by about 2.
    expect(Math.max(...distances)).toBeGreaterThan(4);
  });

  it('reports the stages of its plan in order and each step once', async () => {
    const engine = preview.create('cpu', config);
    const told: [string, number][] = [];
    let previews = 0;
    for await (const frame of engine.render(
      await photo('cat.jpg'),
      options(),
      { progress: (...step) => told.push(step), preview: () => previews++ },
      never,
    )) {
      expect(frame.width * frame.height * 3).toBe(frame.data.length);
    }
    expect(told).toEqual(
      (await engine.plan(options())).flatMap(({ stage, totalSteps }) => range(1, totalSteps + 1).map((step) => [stage, step])),
    );
    expect(previews).toBe(3);
  });

  it('stops at the next frame when aborted, also by a message that arrives through the event loop', async () => {
    const control = new AbortController();
    const seen: Picture[] = [];
    setTimeout(() => control.abort(new Error('cancelled')), 20);
    const render = async () => {
      for await (const frame of preview
        .create('cpu', config)
        .render(await photo('cat.jpg'), options({ durationSeconds: 12, resolution: 'P720' }), silent, control.signal))
        seen.push(frame);
    };
    await expect(render()).rejects.toThrow('cancelled');
    expect(seen.length).toBeLessThan(144);
  });

  it.each([
    [64, 64],
    [64, 2000],
    [3000, 70],
  ])('takes a photo of %i×%i pixels', async (width, height) => {
    const source = flat(width, height, (x, y) => [x % 256, y % 256, 100]);
    for (const fit of ['COVER', 'CONTAIN'] as const) {
      const frame = await firstFrame(source, { fit, motion: 'DOLLY_IN' });
      expect([frame.width, frame.height]).toEqual([480, 360]);
    }
  });
});
