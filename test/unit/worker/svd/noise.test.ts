import { describe, expect, it } from 'vitest';
import { normalQuantile, NoiseSource, philox4x32 } from '../../../../worker/svd/noise.ts';

const ONES = 0xffffffff;
const COUNT = 250_000;
const drawn = new NoiseSource(1).normal('latents', COUNT);

const mean = (values: Float32Array, of: (value: number, i: number) => number) =>
  values.reduce((sum, value, i) => sum + of(value, i), 0) / values.length;

/** Cumulative distribution function of the standard normal distribution, to 10⁻⁷ (Abramowitz and Stegun 7.1.26). */
function below(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const erf =
    1 - t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp((-x * x) / 2);
  return (1 + Math.sign(x) * erf) / 2;
}

describe('Philox', () => {
  it.each([
    // test vectors that its authors publish with Random123
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[ONES, ONES, ONES, ONES], [ONES, ONES], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ] as [number[], number[], string][])('maps counter %j and key %j to the published words', ([c0, c1, c2, c3], [k0, k1], words) => {
    const out = new Uint32Array(4);
    philox4x32(out, c0!, c1!, c2!, c3!, k0!, k1!);
    expect([...out].map((word) => word.toString(16).padStart(8, '0')).join(' ')).toBe(words);
  });
});

describe('the normal quantile', () => {
  it.each([
    [0.5, 0],
    [0.25, -0.6744897501960817],
    [0.001, -3.090232306167814],
    [2 ** -33, -6.337957754553789],
    [1 - 2 ** -33, 6.337957754553789],
  ])('at %d is %d', (p, quantile) => {
    expect(normalQuantile(p)).toBeCloseTo(quantile, 14);
  });
});

describe('noise', () => {
  it('is the same for a seed on any machine', () => {
    expect([...new NoiseSource(42).normal('latents', 6)]).toEqual([
      -2.324145555496216, -1.1442989110946655, -0.7320593595504761, 0.5581023097038269, -1.131608009338379, 2.3861613273620605,
    ]);
    expect([...new NoiseSource(2 ** 40 + 5).normal('latents', 3)]).toEqual([-0.8936101794242859, 1.225102424621582, -1.9360612630844116]);
  });

  it('for the latents does not depend on other draws', () => {
    const source = new NoiseSource(1);
    source.normal('augmentation', 1001);
    expect(source.normal('latents', 5)).toEqual(drawn.subarray(0, 5));
    expect(source.normal('latents', 500)).toEqual(drawn.subarray(0, 500));
  });

  it('has the moments of a standard normal distribution', () => {
    // Within four standard errors.
    expect(Math.abs(mean(drawn, (z) => z))).toBeLessThan(4 / Math.sqrt(COUNT));
    expect(Math.abs(mean(drawn, (z) => z ** 2) - 1)).toBeLessThan(4 * Math.sqrt(2 / COUNT));
    expect(Math.abs(mean(drawn, (z) => z ** 3))).toBeLessThan(4 * Math.sqrt(15 / COUNT));
    expect(Math.abs(mean(drawn, (z) => z ** 4) - 3)).toBeLessThan(4 * Math.sqrt(96 / COUNT));
  });

  it('passes the Kolmogorov–Smirnov test for a standard normal distribution', () => {
    const sorted = drawn.toSorted();
    let apart = 0;
    for (let i = 0; i < COUNT; i++) apart = Math.max(apart, Math.abs(below(sorted[i]!) - (i + 0.5) / COUNT));
    expect(apart * Math.sqrt(COUNT)).toBeLessThan(1.63);
  });

  it('is uncorrelated with shifted noise, another seed and another stream', () => {
    const others = [
      drawn.subarray(1),
      drawn.subarray(4),
      new NoiseSource(2).normal('latents', COUNT),
      new NoiseSource(1 + 2 ** 32).normal('latents', COUNT),
      new NoiseSource(1).normal('augmentation', COUNT),
    ];
    for (const other of others) expect(Math.abs(mean(other, (z, i) => z * drawn[i]!))).toBeLessThan(4 / Math.sqrt(other.length));
  });
});
