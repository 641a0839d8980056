/** Converts between IEEE 754 binary16 and binary32, fast enough for arrays of millions of numbers. */

/** float32 bits of every float16 bit pattern. */
const WIDENED = Uint32Array.from({ length: 0x1_0000 }, (_, half) => widen(half));

/** Converts float16 bits to float32. Exact. */
export function toFloat32(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = WIDENED[halves[i]!]!;
  return new Float32Array(bits.buffer);
}

/** Rounds float32 to the nearest float16, ties to even. Magnitudes from 65520, halfway beyond the largest float16, become infinite. */
export function toFloat16(floats: Float32Array): Uint16Array {
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const halves = new Uint16Array(floats.length);
  for (let i = 0; i < floats.length; i++) halves[i] = ((bits[i]! >>> 16) & 0x8000) | narrow(bits[i]! & 0x7fff_ffff);
  return halves;
}

function widen(half: number): number {
  const sign = (half & 0x8000) * 0x1_0000;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign + 0x7f80_0000 + fraction * 0x2000;
  if (exponent > 0) return sign + (exponent + 112) * 0x80_0000 + fraction * 0x2000; // 112 = 127 − 15, the difference of the exponent biases
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21; // moves the leading one to bit 10, where it is implicit
  return sign + (113 - shift) * 0x80_0000 + ((fraction << shift) & 0x3ff) * 0x2000;
}

/** float16 bits of a float32 magnitude (its bits without the sign). */
function narrow(bits: number): number {
  if (bits > 0x7f80_0000) return 0x7e00 | ((bits >>> 13) & 0x3ff);
  if (bits >= 0x477f_f000) return 0x7c00; // 65520, halfway between the largest float16, 65504, and 65536
  const shifted = bits < 0x3880_0000 ? subnormal(bits) : bits - 0x3800_0000;
  return (shifted + 0xfff + ((shifted >>> 13) & 1)) >>> 13;
}

/** A float32 below 2^-14 in units of 2^-37, which leaves 13 bits to round off, as for normal numbers. */
function subnormal(bits: number): number {
  const exponent = bits >>> 23;
  if (exponent < 102) return 0; // below 2^-25
  const shift = 113 - exponent;
  const significand = (bits & 0x7f_ffff) | 0x80_0000;
  const sticky = (significand & ((1 << shift) - 1)) === 0 ? 0 : 1;
  return (significand >>> shift) | sticky;
}
