import { describe, expect, it } from 'vitest';
import { fromHalf, toHalf } from '../../../../worker/svd/runtime/half.ts';

const ALL = Uint16Array.from({ length: 0x1_0000 }, (_, bits) => bits);

/** By the definition of binary16. */
function valueOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
}

const neighbour = (value: number, steps: number): number => {
  const bits = new Int32Array(new Float32Array([value]).buffer);
  bits[0]! += steps;
  return new Float32Array(bits.buffer)[0]!;
};

describe('float16', () => {
  it('becomes the float32 of the same value, for all 65536', () => {
    const values = fromHalf(ALL);
    expect(ALL.filter((bits, index) => !Object.is(values[index], valueOf(bits)))).toEqual(new Uint16Array());
  });

  it('comes back from float32 as it was, not-a-numbers as such', () => {
    const isNan = (bits: number) => (bits & 0x7fff) > 0x7c00;
    const back = toHalf(fromHalf(ALL));
    expect(ALL.filter((bits, index) => (isNan(bits) ? !isNan(back[index]!) : back[index] !== bits))).toEqual(new Uint16Array());
  });

  it('is the nearest to a float32, and the even one halfway between two', () => {
    const lower = ALL.filter((bits) => (bits & 0x7fff) < 0x7bff);
    const halfway = Float32Array.from(lower, (bits) => (valueOf(bits) + valueOf(bits + 1)) / 2);
    expect(toHalf(halfway)).toEqual(lower.map((bits) => bits + (bits & 1)));
    expect(toHalf(halfway.map((value) => neighbour(value, -1)))).toEqual(lower);
    expect(toHalf(halfway.map((value) => neighbour(value, 1)))).toEqual(lower.map((bits) => bits + 1));
  });

  it('becomes infinite from 65520 on, and zero up to 2^-25, with the sign kept', () => {
    const from = [neighbour(65520, -1), 65520, 3e38, Infinity, 2 ** -25, 1e-45, 0];
    const to = [0x7bff, 0x7c00, 0x7c00, 0x7c00, 0, 0, 0];
    expect([...toHalf(Float32Array.from(from))]).toEqual(to);
    expect([...toHalf(Float32Array.from(from, (value) => -value))]).toEqual(to.map((bits) => bits | 0x8000));
  });

  it('is made of a part of an array too', () => {
    expect([...toHalf(Float32Array.of(9, 1, -2).subarray(1))]).toEqual([0x3c00, 0xc000]);
    expect([...fromHalf(Uint16Array.of(9, 0x3c00, 0xc000).subarray(1))]).toEqual([1, -2]);
  });
});
