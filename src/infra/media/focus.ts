/**
 * The point of a photo that a crop should keep: where people are, preferring heads to feet. It is derived from colour alone, which is fast
 * and deterministic. docs/video.md compares it with the strategies of libvips.
 */
import type { FocusPoint } from '../../catalog/crop.ts';
import type { Picture } from './picture.ts';

/** Longest side, in pixels, of the picture that `focusOf` should be given. */
export const FOCUS_SIDE = 128;

/**
 * Colour of skin as its shares of red and green, r / (r + g + b) and g / (r + g + b): unlike brightness, nearly the same for light and dark
 * skin, in sun and shade. Mean and standard deviation.
 */
const SKIN = { red: { mean: 0.415, deviation: 0.035 }, green: { mean: 0.32, deviation: 0.015 } } as const;
/** Likelihoods below this count as 0, so that large grey areas do not add up. */
const LIKELIHOOD_MIN = 0.1;
/** Sums of the three channels below this are too dark to have a colour. */
const DARK = 90;

/** Share of the skin that lies left of the focus point. */
const ACROSS = 0.5;
/** Share of the skin that lies above the focus point, which puts it near the forehead: neck, arms and hands are below the face. */
const DOWN = 0.15;
/** Focus point of a photo without skin. Photos that are not wider than tall mostly show people, whose heads are in the upper part. */
const UNKNOWN = { across: 0.5, downWide: 0.5, downTall: 1 / 3 } as const;
/** Share of skin pixels at which the skin has the same weight as the default point above. */
const HALF_TRUSTED = 0.02;

/** @param picture upright, in sRGB, at most `FOCUS_SIDE` pixels on its longest side */
export function focusOf({ width, height, data }: Picture): FocusPoint {
  const columns = new Float64Array(width);
  const rows = new Float64Array(height);
  let skin = 0;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 3) {
      const likelihood = skinLikelihood(data[i]!, data[i + 1]!, data[i + 2]!);
      columns[x]! += likelihood;
      rows[y]! += likelihood;
      skin += likelihood;
    }
  }
  const unknown = { x: UNKNOWN.across, y: width > height ? UNKNOWN.downWide : UNKNOWN.downTall };
  if (skin === 0) return unknown;
  const trust = skin / (skin + HALF_TRUSTED * width * height);
  return {
    x: unknown.x + trust * (quantile(columns, ACROSS * skin) - unknown.x),
    y: unknown.y + trust * (quantile(rows, DOWN * skin) - unknown.y),
  };
}

/** How likely a colour is to be skin, 0–1. */
function skinLikelihood(red: number, green: number, blue: number): number {
  const sum = red + green + blue;
  if (sum < DARK) return 0;
  const r = (red / sum - SKIN.red.mean) / SKIN.red.deviation;
  const g = (green / sum - SKIN.green.mean) / SKIN.green.deviation;
  const likelihood = Math.exp(-(r * r + g * g) / 2);
  return likelihood < LIKELIHOOD_MIN ? 0 : likelihood;
}

/** Position at which the running sum of `weights` reaches `sum`, as a fraction of their number. */
function quantile(weights: Float64Array, sum: number): number {
  let before = 0;
  for (const [i, weight] of weights.entries()) {
    if (weight > 0 && before + weight >= sum) return (i + (sum - before) / weight) / weights.length;
    before += weight;
  }
  return 1;
}
