/** Duration of each part of a render, in seconds: measured, or until then estimated from its operations and the device's rate. */
import { FRAMES_PER_SECOND, RESOLUTIONS, names, type Resolution, type Size } from '../../src/catalog/catalog.ts';
import type { SvdXtCostModel } from '../../src/catalog/engines/svd-xt.ts';
import type { Network, Networks } from './runtime/networks.ts';

/** Fraction of the rate of plain convolutions that whole networks reach; docs/performance.md has the figures. */
const EFFICIENCY = 0.6;
/** Interpolating, resizing and encoding one frame: seconds per frame and per megapixel. */
const FRAME_SECONDS = { fixed: 0.02, perMegapixel: 0.12 } as const;
/** Loading a network: fixed seconds, and bytes of weights per second on devices that read the weights while loading. */
const LOAD = { seconds: 1, bytesPerSecond: 100e6 } as const;

export class Costs {
  readonly #networks: Networks;
  readonly #rate: number;
  readonly #measured = new Map<string, number>();

  /** @param rate floating-point operations per second in convolutions */
  constructor(networks: Networks, rate: number) {
    this.#networks = networks;
    this.#rate = rate;
  }

  /** Loading `network` into memory. A CPU reads weights only when it uses them. */
  load(network: Network): number {
    const { backend } = this.#networks.runtime;
    return LOAD.seconds + (backend.isGpu ? this.#networks.weightBytes(network) / LOAD.bytesPerSecond : 0);
  }

  /** Image encoder and VAE encoder together. */
  encode(size: Size): number {
    return this.#duration('encode', size, () => [{ name: 'image encoder' }, { name: 'encoder', size }]);
  }

  /** One call of the UNet for one half of guidance. */
  call(size: Size): number {
    return this.#duration('call', size, () => [{ name: 'unet', size, frames: this.#frames, batch: 1 }]);
  }

  /** One chunk of frames. */
  decode(size: Size): number {
    return this.#duration('decode', size, () => [{ name: 'decoder', size, frames: this.#chunk }]);
  }

  /** One frame of the video. */
  frame(size: Size): number {
    const pixels = size.width * size.height;
    return this.#measured.get(this.#keyOf('frame', size)) ?? FRAME_SECONDS.fixed + (FRAME_SECONDS.perMegapixel * pixels) / 1e6;
  }

  /** Records a measurement. It replaces earlier ones, since load and clock rates change. */
  measured(part: 'encode' | 'call' | 'decode' | 'frame', size: Size, seconds: number): void {
    this.#measured.set(this.#keyOf(part, size), seconds);
  }

  /** Costs by resolution, for estimates. @param renderSize landscape size at which a resolution is rendered */
  costModel(renderSize: (resolution: Resolution) => Size): SvdXtCostModel {
    return Object.fromEntries(
      names(RESOLUTIONS).map((resolution) => {
        const size = renderSize(resolution);
        const chunks = Math.ceil(this.#frames / this.#chunk);
        const costs = {
          fixed: this.encode(size) + chunks * this.decode(size),
          perUnetCall: this.call(size),
          perFrame: this.frame(RESOLUTIONS[resolution]),
        };
        return [resolution, costs];
      }),
    );
  }

  /** Frames decoded at once. */
  get #chunk(): number {
    return Math.min(this.#networks.memory.decodeChunkSize, this.#frames);
  }

  get #frames(): number {
    return this.#networks.checkpoint.unet.config.numFrames;
  }

  /** The measured duration, or an estimate. Portrait and landscape cost the same. */
  #duration(part: string, size: Size, networks: () => Network[]): number {
    const key = this.#keyOf(part, size);
    const known = this.#measured.get(key);
    if (known !== undefined) return known;
    const flops = networks().reduce((sum, network) => sum + this.#networks.graph(network).flops, 0);
    const seconds = flops / (this.#rate * EFFICIENCY);
    this.#measured.set(key, seconds);
    return seconds;
  }

  /** The memory profile, which may change, decides how many frames a chunk has. */
  #keyOf(part: string, { width, height }: Size): string {
    return `${part === 'decode' ? `decode ${this.#chunk}` : part} ${Math.max(width, height)}×${Math.min(width, height)}`;
  }
}

/** Keyframes per second in a video of `frames` frames over which `keyframes` keyframes are evenly spread. */
export function keyframeRate(keyframes: number, frames: number): number {
  return (FRAMES_PER_SECOND * (keyframes - 1)) / (frames - 1);
}
