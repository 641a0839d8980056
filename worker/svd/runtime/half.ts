/** IEEE 754 binary16 to binary32 and back, on arrays of millions of numbers. */

/** The float32 bits of each float16. */
const WIDENED = Uint32Array.from({ length: 0x1_0000 }, (_, half) => widen(half));

/** Float16 bits as float32; exact. */
export function fromHalf(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = WIDENED[halves[i]!]!;
  return new Float32Array(bits.buffer);
}

/** Float32 as the nearest float16, ties to even; beyond 65504 (by half a step or more) it becomes infinite. */
export function toHalf(floats: Float32Array): Uint16Array {
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
  if (exponent > 0) return sign + (exponent + 112) * 0x80_0000 + fraction * 0x2000; // 112: 127 less 15, the two biases
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21; // brings the leading one to bit 10, where it is implied
  return sign + (113 - shift) * 0x80_0000 + ((fraction << shift) & 0x3ff) * 0x2000;
}

/** Float16 bits of a float32 without its sign, both as integers. */
function narrow(bits: number): number {
  if (bits > 0x7f80_0000) return 0x7e00 | ((bits >>> 13) & 0x3ff);
  if (bits >= 0x477f_f000) return 0x7c00; // 65520, halfway to what would come after 65504
  const shifted = bits < 0x3880_0000 ? subnormal(bits) : bits - 0x3800_0000;
  return (shifted + 0xfff + ((shifted >>> 13) & 1)) >>> 13;
}

/** A float32 below 2^-14 in units of 2^-37, so that 13 bits are left to round away as for the larger ones. */
function subnormal(bits: number): number {
  const exponent = bits >>> 23;
  if (exponent < 102) return 0; // below 2^-25
  const shift = 113 - exponent;
  const significand = (bits & 0x7f_ffff) | 0x80_0000;
  const sticky = (significand & ((1 << shift) - 1)) === 0 ? 0 : 1;
  return (significand >>> shift) | sticky;
}
