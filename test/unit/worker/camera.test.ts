import { describe, expect, it } from 'vitest';
import { DURATIONS, frameCount, MOTIONS, names, type Motion } from '../../../src/catalog/catalog.ts';
import { cameraAt, cameraPath } from '../../../worker/video/camera.ts';

const FRAME_COUNTS = DURATIONS.map(frameCount);
const differences = (values: number[]) => values.slice(1).map((value, i) => value - values[i]!);

/** Speed between frames, in fractions of the frame's width: the longest way that the middle or a corner of the picture makes. */
function speeds(motion: Motion, frames: number, aspect = 16 / 9): number[] {
  const path = cameraPath(motion, frames);
  return path.slice(1).map((after, i) => {
    const before = path[i]!;
    const ways = [
      [0, 0],
      [0.5, 0.5],
      [-0.5, 0.5],
      [0.5, -0.5],
      [-0.5, -0.5],
    ].map(([u, v]) => {
      const ratio = after.zoom / before.zoom;
      return Math.hypot((u! + before.x) * ratio - after.x - u!, ((v! + before.y) * ratio - after.y - v!) / aspect);
    });
    return Math.max(...ways);
  });
}

describe.each(names(MOTIONS))('the camera of %s', (motion) => {
  it.each(FRAME_COUNTS)('stays inside the picture in all of %i frames', (frames) => {
    for (const { x, y, zoom } of cameraPath(motion, frames)) {
      expect(zoom).toBeGreaterThanOrEqual(1);
      expect(Math.max(Math.abs(x), Math.abs(y))).toBeLessThanOrEqual((zoom - 1) / 2 + 1e-12);
    }
  });

  it.each([[16 / 9], [9 / 16], [4 / 3], [3 / 4]])('never slows below a third of its mean speed at aspect %f', (aspect) => {
    for (const frames of FRAME_COUNTS) {
      const all = speeds(motion, frames, aspect);
      expect(Math.min(...all)).toBeGreaterThanOrEqual(all.reduce((a, b) => a + b) / all.length / 3);
    }
  });

  it('starts and ends more slowly than it goes in between', () => {
    const all = speeds(motion, 36, 1);
    const [first, last, fastest] = [all[0]!, all.at(-1)!, Math.max(...all)];
    expect(Math.max(first, last)).toBeLessThan(0.7 * fastest);
  });

  it('changes speed without a jolt', () => {
    const all = speeds(motion, 72, 1);
    for (const change of differences(all)) expect(Math.abs(change)).toBeLessThan(0.1 * Math.max(...all));
  });
});

describe('a camera path', () => {
  it.each<[motion: Motion, axis: 'x' | 'y', sign: number]>([
    ['PAN_L', 'x', -1],
    ['PAN_R', 'x', 1],
    ['TILT_UP', 'y', -1],
    ['TILT_DOWN', 'y', 1],
  ])('of %s goes along %s only, one way, 12–18 hundredths of the frame', (motion, axis, sign) => {
    const path = cameraPath(motion, 72);
    for (const step of differences(path.map((camera) => camera[axis]))) expect(Math.sign(step)).toBe(sign);
    for (const camera of path) expect(camera[axis === 'x' ? 'y' : 'x']).toBe(0);
    const travel = sign * (path.at(-1)![axis] - path[0]![axis]);
    expect(travel).toBeGreaterThanOrEqual(0.12);
    expect(travel).toBeLessThanOrEqual(0.18);
  });

  it('of DOLLY_IN grows from the whole picture by 1.2 to 1.33, straight in', () => {
    const path = cameraPath('DOLLY_IN', 72);
    expect(path[0]).toEqual({ x: 0, y: 0, zoom: 1 });
    for (const step of differences(path.map(({ zoom }) => zoom))) expect(step).toBeGreaterThan(0);
    for (const { x, y } of path) expect([x, y]).toEqual([0, 0]);
    expect(path.at(-1)!.zoom).toBeGreaterThanOrEqual(1.2);
    expect(path.at(-1)!.zoom).toBeLessThanOrEqual(1.33);
  });

  it('of MICRO is never in the same place twice within a breath, and never far away', () => {
    const path = cameraPath('MICRO', 72);
    expect(new Set(path.slice(0, -1).map((camera) => JSON.stringify(camera))).size).toBe(71);
    for (const { x, y, zoom } of path) {
      expect(Math.hypot(x, y)).toBeLessThan(0.03);
      expect(zoom).toBeLessThan(1.1);
    }
  });

  it('of one frame is a still', () => {
    expect(cameraAt('PAN_L', 0, 1)).toEqual(cameraAt('PAN_L', 0, 36));
  });
});
