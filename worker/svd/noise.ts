/**
 * Reproducible Gaussian noise. Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) turns a counter into
 * random bits, and Wichura's AS241 (Applied Statistics 37, 1988) turns bits into a Gaussian. Number i of a stream depends only on seed,
 * stream and i.
 *
 * The numbers are the same on every machine: they use integer arithmetic, IEEE's + − × ÷ √, and for one value in seven `Math.log`, of
 * which V8 includes its own port (fdlibm). Box–Muller would need `Math.sin` and `Math.cos`, which differ between builds of V8.
 */

/** Purposes of noise. Draws from one stream never affect another. */
const STREAMS = { augmentation: 0, latents: 1 } as const;

type NoiseStream = keyof typeof STREAMS;

/** Standard normal noise determined by a seed. */
export class NoiseSource {
  /** @param seed 0 to 2⁵³ − 1 */
  constructor(readonly seed: number) {}

  /** The first `count` numbers of `stream`. Repeated calls return the same numbers; a larger count only appends to them. */
  normal(stream: NoiseStream, count: number): Float32Array {
    const numbers = new Float32Array(count);
    const words = new Uint32Array(4);
    const [low, high] = [this.seed >>> 0, Math.floor(this.seed / 2 ** 32)];
    for (let i = 0; i < count; i++) {
      if (i % 4 === 0) philox4x32(words, i / 4, 0, STREAMS[stream], 0, low, high);
      numbers[i] = normalQuantile((words[i % 4]! + 0.5) / 2 ** 32);
    }
    return numbers;
  }
}

/** Philox4x32 with ten rounds: writes the four words for counter `c0…c3` and key `k0, k1` to `out`. All words are 32-bit. */
export function philox4x32(out: Uint32Array, c0: number, c1: number, c2: number, c3: number, k0: number, k1: number): void {
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high2 = multiplyHigh(0xcd9e8d57, c2);
    const low2 = Math.imul(0xcd9e8d57, c2);
    c0 = (high2 ^ c1 ^ k0) >>> 0;
    c1 = low2;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Upper 32 bits of the unsigned product `a × b`. */
function multiplyHigh(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle % 65536);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) | 0;
}

/**
 * Quantile function of the standard normal distribution, to about 16 digits.
 *
 * @param p from 2⁻³³ to 1 − 2⁻³³, so AS241's third pair of polynomials, for the far tails, is not needed
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(CENTER_NUMERATOR, r)) / polynomial(CENTER_DENOMINATOR, r);
  }
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p)) - 1.6;
  const distance = polynomial(TAIL_NUMERATOR, r) / polynomial(TAIL_DENOMINATOR, r);
  return q < 0 ? -distance : distance;
}

function polynomial(coefficients: Float64Array, x: number): number {
  let sum = 0;
  for (let i = 0; i < coefficients.length; i++) sum = sum * x + coefficients[i]!;
  return sum;
}

// Coefficients of AS241's PPND16, highest power first.
const CENTER_NUMERATOR = Float64Array.of(
  2509.0809287301227,
  33430.57558358813,
  67265.7709270087,
  45921.95393154987,
  13731.69376550946,
  1971.5909503065513,
  133.14166789178438,
  3.3871328727963665,
);
const CENTER_DENOMINATOR = Float64Array.of(
  5226.495278852854,
  28729.085735721943,
  39307.89580009271,
  21213.794301586597,
  5394.196021424751,
  687.1870074920579,
  42.31333070160091,
  1,
);
const TAIL_NUMERATOR = Float64Array.of(
  0.0007745450142783414,
  0.022723844989269184,
  0.2417807251774506,
  1.2704582524523684,
  3.6478483247632045,
  5.769497221460691,
  4.630337846156546,
  1.4234371107496835,
);
const TAIL_DENOMINATOR = Float64Array.of(
  1.0507500716444169e-9,
  0.0005475938084995345,
  0.015198666563616457,
  0.14810397642748008,
  0.6897673349851,
  1.6763848301838038,
  2.053191626637759,
  1,
);
