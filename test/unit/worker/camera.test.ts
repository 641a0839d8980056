import { describe, expect, it } from 'vitest';
import { DURATIONS, frameCount, MOTIONS, names, type Motion } from '../../../src/catalog/catalog.ts';
import { variationOf } from '../../../worker/preview/variation.ts';
import { cameraAt, cameraPath, PLAIN, type CameraVariation } from '../../../worker/video/camera.ts';

const FRAME_COUNTS = DURATIONS.map(frameCount);
const differences = (values: number[]) => values.slice(1).map((value, i) => value - values[i]!);

/** Speed between frames, in fractions of the frame's width: the longest distance that the middle or a corner of the picture moves. */
function speeds(motion: Motion, frames: number, aspect: number, variation: CameraVariation): number[] {
  const path = cameraPath(motion, frames, variation);
  return path.slice(1).map((after, i) => {
    const before = path[i]!;
    const distances = [
      [0, 0],
      [0.5, 0.5],
      [-0.5, 0.5],
      [0.5, -0.5],
      [-0.5, -0.5],
    ].map(([u, v]) => {
      const ratio = after.zoom / before.zoom;
      return Math.hypot((u! + before.x) * ratio - after.x - u!, ((v! + before.y) * ratio - after.y - v!) / aspect);
    });
    return Math.max(...distances);
  });
}

/** The plain path and variations of enough seeds to come close to every combination of extremes. */
const VARIATIONS = [PLAIN, ...Array.from({ length: 60 }, (_, seed) => variationOf(seed * 35_791_393))];

/** Minimum and maximum travel of a pan or tilt, and magnification of a dolly. */
const LIMITS = { travel: [0.12, 0.18], growth: [1.2, 1.33] } as const;

describe.each(names(MOTIONS))('the camera of %s, in every variation,', (motion) => {
  it.each(FRAME_COUNTS)('stays inside the picture in all of %i frames', (frames) => {
    const cameras = VARIATIONS.flatMap((variation) => cameraPath(motion, frames, variation));
    expect(Math.min(...cameras.map(({ zoom }) => zoom))).toBeGreaterThanOrEqual(1);
    const room = cameras.map(({ x, y, zoom }) => (zoom - 1) / 2 - Math.max(Math.abs(x), Math.abs(y)));
    expect(Math.min(...room)).toBeGreaterThanOrEqual(-1e-12);
  });

  it.each([[16 / 9], [9 / 16], [4 / 3], [3 / 4]])('never slows below a third of its mean speed at aspect %f', (aspect) => {
    for (const [frames, variation] of FRAME_COUNTS.flatMap((count) => VARIATIONS.map((each) => [count, each] as const))) {
      const all = speeds(motion, frames, aspect, variation);
      expect(Math.min(...all)).toBeGreaterThanOrEqual(all.reduce((a, b) => a + b) / all.length / 3);
    }
  });

  it('is slower at the start and end than in between', () => {
    for (const variation of VARIATIONS) {
      const all = speeds(motion, 36, 1, variation);
      const [first, last, fastest] = [all[0]!, all.at(-1)!, Math.max(...all)];
      expect(Math.max(first, last)).toBeLessThan(0.7 * fastest);
    }
  });

  it('changes speed smoothly', () => {
    for (const variation of VARIATIONS) {
      const all = speeds(motion, 72, 1, variation);
      expect(Math.max(...differences(all).map(Math.abs))).toBeLessThan(0.1 * Math.max(...all));
    }
  });
});

describe('a camera path', () => {
  it.each<[motion: Motion, axis: 'x' | 'y', sign: number]>([
    ['PAN_L', 'x', -1],
    ['PAN_R', 'x', 1],
    ['TILT_UP', 'y', -1],
    ['TILT_DOWN', 'y', 1],
  ])('of %s moves only along %s, in one direction, by 12–18 %% of the frame, in every variation', (motion, axis, sign) => {
    for (const variation of VARIATIONS) {
      const path = cameraPath(motion, 72, variation);
      expect(differences(path.map((camera) => camera[axis])).every((step) => Math.sign(step) === sign)).toBe(true);
      expect(new Set(path.map((camera) => camera[axis === 'x' ? 'y' : 'x'])).size).toBe(1);
      const travel = sign * (path.at(-1)![axis] - path[0]![axis]);
      expect(travel).toBeGreaterThanOrEqual(LIMITS.travel[0]);
      expect(travel).toBeLessThanOrEqual(LIMITS.travel[1]);
    }
  });

  it('of DOLLY_IN starts at the whole picture and magnifies it by 1.2 to 1.33, without variation towards its centre', () => {
    const path = cameraPath('DOLLY_IN', 72);
    expect(path[0]).toEqual({ x: 0, y: 0, zoom: 1 });
    for (const step of differences(path.map(({ zoom }) => zoom))) expect(step).toBeGreaterThan(0);
    for (const { x, y } of path) expect([x, y]).toEqual([0, 0]);
    for (const variation of VARIATIONS) {
      const { zoom } = cameraPath('DOLLY_IN', 72, variation).at(-1)!;
      expect(zoom).toBeGreaterThanOrEqual(LIMITS.growth[0]);
      expect(zoom).toBeLessThanOrEqual(LIMITS.growth[1]);
    }
  });

  it.each(FRAME_COUNTS)('of DOLLY_IN keeps one point of the picture in place in all of %i frames', (frames) => {
    for (const variation of VARIATIONS) {
      // The point p with p × zoom − x = p in every frame.
      for (const { x, y, zoom } of cameraPath('DOLLY_IN', frames, variation).slice(1)) {
        expect(x / (zoom - 1)).toBeCloseTo(0.12 * variation.focusX);
        expect(y / (zoom - 1)).toBeCloseTo(0.12 * variation.focusY);
      }
    }
  });

  it('of MICRO is a loop that never repeats a position within a breath and stays near the centre', () => {
    for (const variation of VARIATIONS) {
      const path = cameraPath('MICRO', 72, variation);
      expect(new Set(path.slice(0, -1).map((camera) => JSON.stringify(camera))).size).toBe(71);
      for (const axis of ['x', 'y', 'zoom'] as const) expect(path.at(-1)![axis]).toBeCloseTo(path[0]![axis], 10);
      expect(Math.max(...path.map(({ x, y }) => Math.hypot(x, y)))).toBeLessThan(0.03);
      expect(Math.max(...path.map(({ zoom }) => zoom))).toBeLessThan(1.1);
    }
  });

  it('is the same for the same seed and different for another one', () => {
    for (const motion of names(MOTIONS)) {
      const paths = Array.from({ length: 50 }, (_, seed) => cameraPath(motion, 36, variationOf(seed)));
      expect(new Set(paths.map((path) => JSON.stringify(path))).size).toBe(50);
      expect(cameraPath(motion, 36, variationOf(7))).toEqual(paths[7]);
    }
  });

  it('of one frame is its first position', () => {
    expect(cameraAt('PAN_L', 0, 1)).toEqual(cameraAt('PAN_L', 0, 36));
  });
});
