/** What the parts of a render take: reckoned from their operations and the device's rate until they have been measured. */
import { FRAMES_PER_SECOND, RESOLUTIONS, names, type Resolution, type Size } from '../../src/catalog/catalog.ts';
import type { Pace, Paces } from '../../src/jobs/estimates.ts';
import type { Network, Networks } from './runtime/networks.ts';

/** How much of the rate of plain convolutions whole networks reach; docs/performance.md has the figures. */
const EFFICIENCY = 0.6;
/** Making one frame in between, bringing it to size and encoding it, in seconds, and for each megapixel of it. */
const FRAME_SECONDS = { fixed: 0.02, perMegapixel: 0.12 } as const;
/** Bringing a network into memory: in any case, and bytes of its weights a second where they are read at once. */
const LOAD = { seconds: 1, bytesPerSecond: 100e6 } as const;

export class Costs {
  readonly #networks: Networks;
  readonly #rate: number;
  readonly #chunk: number;
  readonly #measured = new Map<string, number>();

  /**
   * @param rate floating-point operations a second in convolutions
   * @param chunk frames decoded at once
   */
  constructor(networks: Networks, rate: number, chunk: number) {
    this.#networks = networks;
    this.#rate = rate;
    this.#chunk = chunk;
  }

  /** Bringing `network` into memory. A CPU reads weights only when it uses them. */
  load(network: Network): number {
    const { backend } = this.#networks.runtime;
    return LOAD.seconds + (backend.isGpu ? this.#networks.weightBytes(network) / LOAD.bytesPerSecond : 0);
  }

  /** Image encoder and encoder together. */
  encode(size: Size): number {
    return this.#known('encode', size, () => [{ name: 'image encoder' }, { name: 'encoder', size }]);
  }

  /** One call of the UNet. */
  call(size: Size): number {
    return this.#known('call', size, () => [{ name: 'unet', size, frames: this.#frames, batch: 1 }]);
  }

  /** One chunk of frames. */
  decode(size: Size): number {
    return this.#known('decode', size, () => [{ name: 'decoder', size, frames: Math.min(this.#chunk, this.#frames) }]);
  }

  /** One frame of the video. */
  frame(size: Size): number {
    const pixels = size.width * size.height;
    return this.#measured.get(keyOf('frame', size)) ?? FRAME_SECONDS.fixed + (FRAME_SECONDS.perMegapixel * pixels) / 1e6;
  }

  /** The newest measurement counts: machines get busy and clocks change. */
  measured(part: 'encode' | 'call' | 'decode' | 'frame', size: Size, seconds: number): void {
    this.#measured.set(keyOf(part, size), seconds);
  }

  /** What renders cost by resolution, for the estimates of jobs to come. @param render the size at which a resolution is rendered */
  paces(render: (resolution: Resolution) => Size): Paces {
    return Object.fromEntries(
      names(RESOLUTIONS).map((resolution) => {
        const size = render(resolution);
        const chunks = Math.ceil(this.#frames / this.#chunk);
        const pace: Pace = {
          fixed: this.encode(size) + chunks * this.decode(size),
          perCall: this.call(size),
          perFrame: this.frame(RESOLUTIONS[resolution]),
        };
        return [resolution, pace];
      }),
    );
  }

  get #frames(): number {
    return this.#networks.checkpoint.unet.config.numFrames;
  }

  /** Portrait and landscape cost the same. */
  #known(part: string, size: Size, networks: () => Network[]): number {
    const key = keyOf(part, size);
    const known = this.#measured.get(key);
    if (known !== undefined) return known;
    const flops = networks().reduce((sum, network) => sum + this.#networks.graph(network).flops, 0);
    const seconds = flops / (this.#rate * EFFICIENCY);
    this.#measured.set(key, seconds);
    return seconds;
  }
}

function keyOf(part: string, { width, height }: Size): string {
  return `${part} ${Math.max(width, height)}×${Math.min(width, height)}`;
}

/** Key frames a second in a video of `frames`, if they are spread over all of it. */
export function keyframeRate(keyframes: number, frames: number): number {
  return (FRAMES_PER_SECOND * (keyframes - 1)) / (frames - 1);
}
