/** Derives the variation of a camera path from a seed. */
import type { CameraVariation } from '../video/camera.ts';

/**
 * The same seed always gives the same variation; neighbouring seeds give unrelated ones.
 * @param seed 0–2147483647
 */
export function variationOf(seed: number): CameraVariation {
  const next = randomNumbers(seed);
  const draw = () => 2 * next() - 1;
  return {
    travel: draw(),
    zoom: draw(),
    focusX: draw(),
    focusY: draw(),
    easing: draw(),
    skew: draw(),
    side: Math.sign(draw()) || 1,
    turn: Math.sign(draw()) || 1,
    breath: Math.sign(draw()) || 1,
  };
}

/** Pseudorandom numbers in [0, 1) by splitmix32 (https://github.com/bryc/code/blob/master/jshash/PRNGs.md), which needs no warm-up. */
function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}
