import { describe, expect, it } from 'vitest';
import {
  applyGuidance,
  predictOriginalSample,
  eulerStep,
  guidanceScales,
  initNoiseSigma,
  modelInputScale,
  karrasSigmas,
  timestepOf,
} from '../../../../worker/svd/scheduler.ts';
import golden from '../../../fixtures/svd/scheduler.json' with { type: 'json' };

const SVD = { sigmaMin: 0.002, sigmaMax: 700 };

/** Relative difference. */
const apart = (value: number, expected: number) => Math.abs(value - expected) / Math.abs(expected);

describe.each(Object.entries(golden))('a schedule of %s steps', (steps, official) => {
  const sigmas = karrasSigmas(SVD, Number(steps));

  it('has the official sigmas and ends at 0', () => {
    expect(sigmas).toHaveLength(official.sigmas.length);
    expect(Math.max(...official.sigmas.slice(0, -1).map((sigma, i) => apart(sigmas[i]!, sigma)))).toBeLessThan(1e-6);
    expect(sigmas.at(-1)).toBe(0);
  });

  it('has the official timesteps and initial noise sigma', () => {
    expect(Math.max(...official.timesteps.map((timestep, i) => Math.abs(timestepOf(sigmas[i]!) - timestep)))).toBeLessThan(1e-6);
    expect(apart(initNoiseSigma(sigmas), official.init_noise_sigma)).toBeLessThan(1e-6);
  });
});

it('a schedule of one step goes from sigmaMax to 0', () => {
  const [first, last] = karrasSigmas(SVD, 1);
  expect(first).toBeCloseTo(700, 9);
  expect(last).toBe(0);
});

describe('a step', () => {
  /** Latents of a picture x₀ with noise n at σ, and the velocity that a perfect UNet would predict. */
  const clean = Float32Array.of(-1.5, 0, 0.25, 3);
  const noise = Float32Array.of(0.3, -2, 1.1, 0.7);
  const noisyAt = (sigma: number) => clean.map((x, i) => x + sigma * noise[i]!);
  const velocityAt = (sigma: number) => clean.map((x, i) => modelInputScale(sigma) * (noise[i]! - sigma * x));
  const furthest = (actual: Float32Array, expected: Float32Array) => Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!)));

  it.each([0.002, 0.5, 1, 20])('recovers the picture from the noise at σ = %d', (sigma) => {
    expect(furthest(predictOriginalSample(noisyAt(sigma), velocityAt(sigma), sigma), clean)).toBeLessThan(2e-5);
  });

  it.each([
    [20, 7],
    [1, 0.5],
    [0.5, 0.002],
  ])('from σ = %d leads to the same noise at %d', (sigma, next) => {
    expect(furthest(eulerStep(noisyAt(sigma), clean, sigma, next), noisyAt(next))).toBeLessThan(2e-6);
  });

  it('to σ = 0 arrives at the picture exactly', () => {
    expect(eulerStep(noisyAt(0.002), clean, 0.002, 0)).toEqual(clean);
  });

  it('gives the UNet latents of unit variance, whatever the noise', () => {
    for (const sigma of karrasSigmas(SVD, 25)) expect(modelInputScale(sigma) ** 2 * (1 + sigma ** 2)).toBeCloseTo(1, 12);
  });

  it('can work in place', () => {
    const [latents, velocity] = [noisyAt(2), velocityAt(2)];
    const expected = predictOriginalSample(latents, velocity, 2);
    expect(predictOriginalSample(latents, velocity, 2, velocity)).toBe(velocity);
    expect(velocity).toEqual(expected);
    const stepped = eulerStep(latents, velocity, 2, 1);
    expect(eulerStep(latents, velocity, 2, 1, latents)).toBe(latents);
    expect(latents).toEqual(stepped);
  });
});

describe('guidance', () => {
  it('rises linearly from the first frame to the last', () => {
    expect([...guidanceScales(1, 3, 5)]).toEqual([1, 1.5, 2, 2.5, 3]);
    expect([...guidanceScales(1.5, 3, 1)]).toEqual([1.5]);
  });

  it('extrapolates from the output without the photo through the one with it, frame by frame', () => {
    const without = Float32Array.of(1, 2, 1, 2, 1, 2);
    const withPhoto = Float32Array.of(2, 0, 2, 0, 2, 0);
    expect([...applyGuidance(without, withPhoto, Float64Array.of(0, 1, 3))]).toEqual([1, 2, 2, 0, 4, -4]);
    applyGuidance(without, withPhoto, Float64Array.of(0, 1, 3), without);
    expect([...without]).toEqual([1, 2, 2, 0, 4, -4]);
  });
});
