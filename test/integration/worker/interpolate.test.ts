import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodePhoto } from '../../../src/infra/media/photo.ts';
import type { Picture } from '../../../worker/engine.ts';
import { flowBetween } from '../../../worker/video/between.ts';
import type { Flow } from '../../../worker/video/flow.ts';
import { flowInterpolator, type Interpolator } from '../../../worker/video/interpolate.ts';
import { pyramid } from '../../../worker/video/pyramid.ts';
import { resolveOcclusions } from '../../../worker/video/visibility.ts';
import { canvasOf, shoot, type Layer } from '../../support/scene.ts';

const WIDTH = 512;
const HEIGHT = 288;
const never = new AbortController().signal;

async function collect(interpolator: Interpolator, keyframes: readonly Picture[], frameCount: number): Promise<Picture[]> {
  const frames: Picture[] = [];
  for await (const frame of interpolator.interpolate(keyframes, frameCount, never)) frames.push(frame);
  return frames;
}

/** Fills the time between keyframes without motion compensation: each value is computed from the two keyframes by `mix`. */
function withoutMotion(mix: (first: number, second: number, time: number) => number): Interpolator {
  return {
    async *interpolate(keyframes, frameCount) {
      for (let frame = 0; frame < frameCount; frame++) {
        const position = (frame * (keyframes.length - 1)) / (frameCount - 1);
        const index = Math.min(keyframes.length - 2, Math.floor(position));
        const [first, second] = [keyframes[index]!, keyframes[index + 1]!];
        yield { ...first, data: first.data.map((value, i) => Math.round(mix(value, second.data[i]!, position - index))) };
      }
    },
  };
}

const blend = withoutMotion((first, second, time) => first + time * (second - first));
const duplicate = withoutMotion((first, second, time) => (time < 0.5 ? first : second));

const canvases = new Map<string, Picture>();
beforeAll(async () => {
  const load = (name: string) => decodePhoto(path.join(import.meta.dirname, '../../fixtures/photos', name), { maxPixels: 50e6 });
  for (const name of ['galaxies.jpg', 'coffee.jpg', 'cat.jpg', 'rocket.jpg']) canvases.set(name, canvasOf(await load(name), 660, 380));
  canvases.set('small cat', canvasOf(await load('cat.jpg'), 300, 200));
});

const canvas = (name: string) => canvases.get(name)!;
const at = (scene: readonly Layer[], time: number) => shoot(scene, WIDTH, HEIGHT, time);
const keyframesOf = (scene: readonly Layer[], count: number) => Array.from({ length: count }, (_, time) => at(scene, time));

/** Mean squared difference between two pictures in a square of `side` pixels. */
function difference(a: Picture, b: Picture, left: number, top: number, side: number): number {
  let sum = 0;
  for (let y = top; y < top + side; y++) {
    for (let i = (y * a.width + left) * 3; i < (y * a.width + left + side) * 3; i++) sum += (a.data[i]! - b.data[i]!) ** 2;
  }
  return sum / (side * side * 3);
}

/** Mean squared difference from its mean. */
function contrast({ width, data }: Picture, left: number, top: number, side: number): number {
  let sum = 0;
  let squares = 0;
  for (let y = top; y < top + side; y++) {
    for (let i = (y * width + left) * 3; i < (y * width + left + side) * 3; i++) {
      sum += data[i]!;
      squares += data[i]! ** 2;
    }
  }
  const count = side * side * 3;
  return squares / count - (sum / count) ** 2;
}

/** Peak signal-to-noise ratio in dB. */
function psnr(a: Picture, b: Picture): number {
  const sum = a.data.reduce((total, value, i) => total + (value - b.data[i]!) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (sum / a.data.length));
}

/** Deterministic numbers between −1 and 1 (T. Neumann's Mulberry32). */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

const plain = (width: number, height: number, value: (x: number, y: number) => number): Picture => {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++) for (let c = 0; c < 3; c++) data[i++] = value(x, y);
  return { width, height, data };
};

describe('on a pan of 8 px between keyframes', () => {
  const SIDE = 32;
  const PIXELS = 8;
  const TIMES = [0.25, 0.5, 0.75, 1.25, 1.5, 1.75];
  /** Distances from the true position, in pixels. */
  const OFFSETS = [0, 0.5, -0.5, 1, -1, 1.5, -1.5, 2, -2, 3, -3, 4, -4];
  let keyframes: Picture[];
  /** [times, offsets] */
  let places: Picture[][];

  beforeAll(() => {
    const pan: Layer[] = [{ canvas: canvas('galaxies.jpg'), pose: (time) => ({ dx: PIXELS * (time - 1) }) }];
    keyframes = keyframesOf(pan, 3);
    places = TIMES.map((time) => OFFSETS.map((offset) => at(pan, time + offset / PIXELS)));
  });

  /**
   * The share of squares of all in-between frames that are misplaced: most similar to the scene at more than 1 px from the true position,
   * or similar to no position (differing by more than a quarter of the square's own contrast, for example because content appears twice).
   */
  async function misplaced(interpolator: Interpolator): Promise<number> {
    const frames = (await collect(interpolator, keyframes, 9)).filter((_, i) => i % 4 !== 0);
    let wrong = 0;
    let all = 0;
    for (const [i, frame] of frames.entries()) {
      // Not at the edges: content that enters or leaves the frame is in one keyframe only.
      for (let top = SIDE; top + 2 * SIDE <= HEIGHT; top += SIDE) {
        for (let left = SIDE; left + 2 * SIDE <= WIDTH; left += SIDE) {
          const differences = places[i]!.map((place) => difference(frame, place, left, top, SIDE));
          const least = Math.min(...differences);
          all++;
          if (Math.abs(OFFSETS[differences.indexOf(least)]!) > 1 || least > contrast(places[i]![0]!, left, top, SIDE) / 4) wrong++;
        }
      }
    }
    return wrong / all;
  }

  it('places all content within 1 px of its true position, at every time', async () => {
    expect(await misplaced(flowInterpolator)).toBe(0);
  });

  it.each([
    ['blended', blend],
    ['duplicated', duplicate],
  ])('is told apart from %s keyframes by that measure', async (_, interpolator) => {
    expect(await misplaced(interpolator)).toBeGreaterThan(0.6);
  });
});

const SCENES: Record<string, () => Layer[]> = {
  'a pan of 40 px': () => [{ canvas: canvas('cat.jpg'), pose: (time) => ({ dx: 40 * (time - 1), dy: 6 * time }) }],
  'a pan by fractions of a pixel': () => [{ canvas: canvas('coffee.jpg'), pose: (time) => ({ dx: 14.3 * (time - 1), dy: -5.7 * time }) }],
  'a zoom': () => [{ canvas: canvas('coffee.jpg'), pose: (time) => ({ zoom: 1.06 ** time }) }],
  'a rotation': () => [{ canvas: canvas('galaxies.jpg'), pose: (time) => ({ degrees: 4 * time, dx: 5 * time }) }],
  'a thing before a background that moves otherwise': () => [
    { canvas: canvas('coffee.jpg'), pose: (time) => ({ dx: -8 * (time - 1) }) },
    { canvas: canvas('small cat'), pose: (time) => ({ dx: 16 * (time - 1), dy: 5 * time, degrees: 2 * time }), ellipse: { x: 110, y: 75 } },
  ],
};

describe.each(Object.keys(SCENES))('in %s', (name) => {
  it('reproduces omitted frames, unlike blending and duplicating', async () => {
    const scene = SCENES[name]!();
    const keyframes = keyframesOf(scene, 3);
    const fidelity = async (interpolator: Interpolator) => {
      const frames = await collect(interpolator, keyframes, 7);
      return Math.min(...[1, 2, 4, 5].map((i) => psnr(frames[i]!, at(scene, i / 3))));
    };
    const ours = await fidelity(flowInterpolator);
    expect(ours).toBeGreaterThan(30);
    expect(ours).toBeGreaterThan((await fidelity(blend)) + 10);
    expect(ours).toBeGreaterThan((await fidelity(duplicate)) + 10);
  });

  it('tolerates flicker and grain', async () => {
    const scene = SCENES[name]!();
    const keyframes = keyframesOf(scene, 3).map((picture, seed) => {
      const next = noise(seed);
      const brightness = 1 + 0.03 * next();
      const data = new Uint8ClampedArray(picture.data);
      for (let i = 0; i < data.length; i++) data[i] = data[i]! * brightness + 12 * next();
      return { ...picture, data: new Uint8Array(data.buffer) };
    });
    const frames = await collect(flowInterpolator, keyframes, 5);
    expect(Math.min(psnr(frames[1]!, at(scene, 0.5)), psnr(frames[3]!, at(scene, 1.5)))).toBeGreaterThan(28);
  });
});

describe('behind a moving object', () => {
  it('shows the background where one of the keyframes hides it', async () => {
    const size = 200;
    const thing = { pose: (time: number) => ({ dx: 30 * (time - 0.5), dy: 8 * time }), ellipse: { x: 90, y: 60 } };
    const scene: Layer[] = [
      { canvas: canvas('rocket.jpg'), pose: (time) => ({ dx: -12 * time }) },
      { canvas: canvas('small cat'), ...thing },
    ];
    const silhouette: Layer[] = [
      { canvas: plain(size, size, () => 0), pose: () => ({}) },
      { canvas: plain(size, size, () => 255), ...thing },
    ];
    const keyframes = keyframesOf(scene, 2);
    const hidden = keyframesOf(silhouette, 2);
    const now = at(silhouette, 0.5);
    const bared = (_: number, i: number) => now.data[i] === 0 && hidden.some(({ data }) => data[i] === 255);
    const truth = at(scene, 0.5).data.filter(bared);
    expect(truth.length).toBeGreaterThan(5000);
    const fidelity = async (interpolator: Interpolator) => {
      const shown = (await collect(interpolator, keyframes, 3))[1]!.data.filter(bared);
      return psnr({ ...now, data: shown }, { ...now, data: truth });
    };
    expect(await fidelity(flowInterpolator)).toBeGreaterThan(24);
    expect(await fidelity(blend)).toBeLessThan(18);
  });

  it('moves content that will be hidden with the background, and takes it from the keyframe that still shows it', () => {
    const [width, height, step] = [48, 32, 6];
    const inSquare = (x: number, y: number, left: number) => x >= left && x < left + 16 && y >= 8 && y < 24;
    const luma = (left: number) => pyramid(plain(width, height, (x, y) => (inSquare(x, y, left) ? 200 : 50)))[0]!.luma;
    /** True flow of the square; a nonsense flow for the background that the square hides in the other picture. */
    const flow = (left: number, distance: number): Flow => {
      const [x, y] = [new Float32Array(width * height), new Float32Array(width * height)];
      for (let row = 0, i = 0; row < height; row++) {
        for (let column = 0; column < width; column++, i++) {
          const square = inSquare(column, row, left);
          const hidden = !square && inSquare(column, row, left + distance);
          x[i] = square ? distance : hidden ? -9 : 0;
          y[i] = hidden ? 5 : 0;
        }
      }
      return { width, height, x, y };
    };
    const { forward, backward } = resolveOcclusions(flow(12, step), flow(12 + step, -step), luma(12), luma(12 + step));
    /** Values along row 16, the middle of the square, rounded to a tenth. */
    const across = (of: Float32Array, from: number, to: number) =>
      Array.from(of.subarray(16 * width + from, 16 * width + to), (value) => Math.round(value * 10) / 10 + 0);
    expect(across(forward.x, 12, 34)).toEqual([...Array(16).fill(step), ...Array(step).fill(0)]);
    expect(across(forward.y, 12, 34)).toEqual(Array(22).fill(0));
    expect(across(forward.trust, 26, 34)).toEqual([1, 1, ...Array(step).fill(0)]);
    const { x, share } = flowBetween(forward, backward, 0.5);
    // Halfway the square covers columns 15 to 30. To its right only the first picture shows the background, to its left only the second.
    expect(across(x, 12, 34)).toEqual([0, 0, 0, ...Array(16).fill(step), 0, 0, 0]);
    expect(across(share, 12, 34)).toEqual([1, 1, 1, ...Array(16).fill(0.5), 0, 0, 0]);
  });
});

describe('the frames', () => {
  const small = (count: number): Picture[] =>
    Array.from({ length: count }, (_, time) => plain(64, 48, (x, y) => 128 + 60 * Math.sin((x - 2 * time) / 3) * Math.cos(y / 4)));

  it.each([
    [14, 36],
    [14, 144],
    [25, 36],
    [25, 72],
    [25, 144],
    [25, 25],
    [25, 24],
    [25, 9],
    [5, 2],
    [2, 3],
  ])(
    'are spread evenly over %i keyframes and number exactly %i; a frame that falls on a keyframe is that keyframe',
    async (count, frameCount) => {
      const keyframes = small(count);
      const frames = await collect(flowInterpolator, keyframes, frameCount);
      expect(frames).toHaveLength(frameCount);
      const positions = frames.map((_, i) => (i * (count - 1)) / (frameCount - 1));
      const given = frames.filter((_, i) => Number.isInteger(positions[i]));
      expect(given).toEqual(positions.filter(Number.isInteger).map((position) => keyframes[position]));
      expect(given[0]).toBe(keyframes[0]);
      expect(given.at(-1)).toBe(keyframes.at(-1));
    },
  );

  it('move by the same step up to the last one', async () => {
    const scene: Layer[] = [{ canvas: canvas('galaxies.jpg'), pose: (time) => ({ dx: 12 * time - 20 }) }];
    const frames = await collect(flowInterpolator, keyframesOf(scene, 4), 11);
    // Consecutive frames differ equally, so none is repeated.
    const steps = frames.slice(1).map((frame, i) => difference(frame, frames[i]!, 48, 0, HEIGHT));
    expect(Math.min(...steps)).toBeGreaterThan(0.85 * Math.max(...steps));
    for (const [i, frame] of frames.entries()) expect(psnr(frame, at(scene, (3 * i) / 10)), `frame ${i}`).toBeGreaterThan(36);
  });

  it('are the first keyframe if only one is requested', async () => {
    const keyframes = small(3);
    expect(await collect(flowInterpolator, keyframes, 1)).toEqual([keyframes[0]]);
  });

  it('are deterministic', async () => {
    const keyframes = small(3);
    expect(await collect(flowInterpolator, keyframes, 8)).toEqual(await collect(flowInterpolator, keyframes, 8));
  });

  it('equal the keyframes if nothing moves', async () => {
    const still = at(SCENES['a zoom']!(), 0);
    for (const frame of await collect(flowInterpolator, [still, { ...still }, { ...still }], 6))
      expect(frame.data.every((value, i) => value === still.data[i])).toBe(true);
  });

  it('fade evenly if there is no structure to follow', async () => {
    const frames = await collect(flowInterpolator, [plain(128, 96, () => 100), plain(128, 96, () => 140)], 5);
    expect(frames.map(({ data }) => [Math.min(...data), Math.max(...data)])).toEqual(
      [100, 110, 120, 130, 140].map((value) => [value, value]),
    );
  });

  it('fade from one picture into an unrelated one', async () => {
    const keyframes = ['cat.jpg', 'galaxies.jpg'].map((name) => at([{ canvas: canvas(name), pose: () => ({}) }], 0));
    const [cut, mixed] = await Promise.all([flowInterpolator, blend].map((interpolator) => collect(interpolator, keyframes, 4)));
    for (const [i, frame] of cut!.entries()) expect(frame.data.every((value, j) => Math.abs(value - mixed![i]!.data[j]!) <= 1)).toBe(true);
  });
});

describe('any input', () => {
  it.each([
    [1, 1],
    [2, 3],
    [7, 5],
    [8, 40],
    [17, 129],
    [128, 64],
    [131, 97],
    [576, 40],
  ])('of %i × %i pixels gives pictures within what the keyframes show', async (width, height) => {
    const [first, second] = [noise(1), noise(2)];
    const keyframes = [plain(width, height, () => 150 + 20 * first()), plain(width, height, (x) => 150 + 20 * Math.sin(x) * second())];
    for (const frame of await collect(flowInterpolator, keyframes, 4)) {
      expect([frame.width, frame.height, frame.data.length]).toEqual([width, height, width * height * 3]);
      expect(frame.data.every((value) => value > 100 && value < 200)).toBe(true);
    }
  });

  it('tolerates motion too far to follow', async () => {
    const scene: Layer[] = [{ canvas: canvas('rocket.jpg'), pose: (time) => ({ dx: 400 * time, degrees: 90 * time }) }];
    const frames = await collect(flowInterpolator, keyframesOf(scene, 2), 4);
    const blended = await collect(blend, keyframesOf(scene, 2), 4);
    for (const i of [1, 2]) expect(psnr(frames[i]!, blended[i]!)).toBeGreaterThan(20);
  });

  it.each([
    ['no keyframes', [], 5],
    ['one keyframe', [plain(8, 8, () => 1)], 5],
    ['no frames', [plain(8, 8, () => 1), plain(8, 8, () => 2)], 0],
    ['half a frame', [plain(8, 8, () => 1), plain(8, 8, () => 2)], 2.5],
    ['keyframes of two sizes', [plain(8, 8, () => 1), plain(8, 9, () => 2)], 5],
  ])('of %s is refused at once', (_, keyframes, frameCount) => {
    expect(() => flowInterpolator.interpolate(keyframes, frameCount, never)).toThrow(RangeError);
  });
});

describe('interpolation', () => {
  const keyframes = () => keyframesOf(SCENES['a zoom']!(), 3);

  it('yields to the event loop between frames', async () => {
    let turns = 0;
    const others = new AbortController();
    const running = (async () => {
      while (!others.signal.aborted) turns += (await turn(), 1);
    })();
    const seen: number[] = [];
    for await (const _ of flowInterpolator.interpolate(keyframes(), 9, never)) seen.push(turns);
    others.abort();
    await running;
    expect(seen.slice(1).every((count, i) => count > seen[i]!)).toBe(true);
  });

  it("stops at the next frame when aborted, with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let frames = 0;
    const working = (async () => {
      for await (const _ of flowInterpolator.interpolate(keyframes(), 9, controller.signal)) if (++frames === 3) controller.abort(reason);
    })();
    await expect(working).rejects.toBe(reason);
    expect(frames).toBe(3);
  });
});
