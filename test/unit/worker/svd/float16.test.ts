import { describe, expect, it } from 'vitest';
import { toFloat32, toFloat16 } from '../../../../worker/svd/checkpoint/float16.ts';

const ALL = Uint16Array.from({ length: 0x1_0000 }, (_, bits) => bits);

/** Value of a float16 by the definition of binary16. */
function valueOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
}

const neighbor = (value: number, steps: number): number => {
  const bits = new Int32Array(new Float32Array([value]).buffer);
  bits[0]! += steps;
  return new Float32Array(bits.buffer)[0]!;
};

describe('float16', () => {
  it('converts to the float32 of the same value, for all 65536 bit patterns', () => {
    const values = toFloat32(ALL);
    expect(ALL.filter((bits, index) => !Object.is(values[index], valueOf(bits)))).toEqual(new Uint16Array());
  });

  it('survives a round trip through float32; NaN stays NaN', () => {
    const isNan = (bits: number) => (bits & 0x7fff) > 0x7c00;
    const back = toFloat16(toFloat32(ALL));
    expect(ALL.filter((bits, index) => (isNan(bits) ? !isNan(back[index]!) : back[index] !== bits))).toEqual(new Uint16Array());
  });

  it('is the nearest to a float32, ties to even', () => {
    const lower = ALL.filter((bits) => (bits & 0x7fff) < 0x7bff);
    const halfway = Float32Array.from(lower, (bits) => (valueOf(bits) + valueOf(bits + 1)) / 2);
    const expectEach = (values: Float32Array, expected: (bits: number) => number) => {
      const rounded = toFloat16(values);
      expect(lower.filter((bits, i) => rounded[i] !== expected(bits))).toHaveLength(0);
    };
    expectEach(halfway, (bits) => bits + (bits & 1));
    expectEach(
      halfway.map((value) => neighbor(value, -1)),
      (bits) => bits,
    );
    expectEach(
      halfway.map((value) => neighbor(value, 1)),
      (bits) => bits + 1,
    );
  });

  it('overflows to infinity from 65520 and underflows to zero up to 2^-25, keeping the sign', () => {
    const from = [neighbor(65520, -1), 65520, 3e38, Infinity, 2 ** -25, 1e-45, 0];
    const to = [0x7bff, 0x7c00, 0x7c00, 0x7c00, 0, 0, 0];
    expect([...toFloat16(Float32Array.from(from))]).toEqual(to);
    expect([...toFloat16(Float32Array.from(from, (value) => -value))]).toEqual(to.map((bits) => bits | 0x8000));
  });

  it('is converted correctly in a subarray', () => {
    expect([...toFloat16(Float32Array.of(9, 1, -2).subarray(1))]).toEqual([0x3c00, 0xc000]);
    expect([...toFloat32(Uint16Array.of(9, 0x3c00, 0xc000).subarray(1))]).toEqual([1, -2]);
  });
});
