/** The checkpoint's networks, ready to be called: graphs are written and brought into onnxruntime when first needed, for one size each. */
import type { Size } from '../../../src/catalog/catalog.ts';
import { AppError } from '../../../src/jobs/errors.ts';
import type { Checkpoint } from '../checkpoint/files.ts';
import { clipGraph } from '../graph/clip.ts';
import { conditioningGraph, frameWidths, sinusoids } from '../graph/conditioning.ts';
import { CpuOps } from '../graph/cpu.ts';
import type { Precision } from '../graph/onnx.ts';
import type { DialectFactory, Graph } from '../graph/ops.ts';
import { unetGraph } from '../graph/unet.ts';
import { decoderGraph, encoderGraph, vaeScale } from '../graph/vae.ts';
import { WebgpuOps } from '../graph/webgpu.ts';
import { Weights } from '../graph/weights.ts';
import { Session, type Runtime, type Tensors } from './session.ts';

/** Which networks stay in memory: all, or only the one at work. */
export type Residency = 'keep' | 'swap';

/** One network, for one size. Sizes are of pictures, in pixels. */
export type Network =
  | { readonly name: 'image encoder' }
  | { readonly name: 'encoder'; readonly size: Size }
  | { readonly name: 'unet'; readonly size: Size; readonly frames: number; readonly batch: number }
  | { readonly name: 'decoder'; readonly size: Size; readonly frames: number };

/** Everything the UNet is told beside its sample. */
export interface Conditioning {
  /** One for each step: [1, …] */
  readonly times: readonly Float32Array[];
  /** One for each row of context: [1, …] */
  readonly contexts: readonly Float32Array[];
  /** [frames, …] */
  readonly positions: Float32Array;
}

export interface ConditioningRequest {
  readonly timesteps: readonly number[];
  /** fps − 1, motion bucket, noise augmentation. */
  readonly ids: readonly number[];
  /** [rows, cross-attention width] */
  readonly context: Float32Array;
  readonly frames: number;
}

export class Networks {
  readonly checkpoint: Checkpoint;
  readonly runtime: Runtime;
  #residency: Residency;
  /** By network; each is for one size. */
  readonly #sessions = new Map<string, { readonly key: string; readonly session: Promise<Session> }>();
  readonly #weights: Readonly<Record<'unet' | 'vae' | 'imageEncoder', Weights>>;

  constructor(checkpoint: Checkpoint, runtime: Runtime, residency: Residency = 'keep') {
    this.checkpoint = checkpoint;
    this.runtime = runtime;
    this.#residency = residency;
    this.#weights = {
      unet: new Weights(checkpoint.unet.weights),
      vae: new Weights(checkpoint.vae.weights),
      imageEncoder: new Weights(checkpoint.imageEncoder.weights),
    };
  }

  get residency(): Residency {
    return this.#residency;
  }

  /** Frees all memory and holds one network at a time from now on. */
  async economize(): Promise<void> {
    this.#residency = 'swap';
    await this.dispose();
  }

  /** Pixels a latent cell covers in each direction. */
  get scale(): number {
    return vaeScale(this.checkpoint.vae.config);
  }

  /** Sides of pictures are multiples of this: 64 pixels in the published models. The VAE and then the UNet halve them again and again. */
  get granularity(): number {
    return this.scale * 2 ** (this.checkpoint.unet.config.blockOutChannels.length - 1);
  }

  /** What the image encoder says of a picture. @param pixels [3, 224, 224], normalised @returns [cross-attention width] */
  async embed(pixels: Float32Array): Promise<Float32Array> {
    return (await this.#run({ name: 'image encoder' }, { pixels }))['embedding']!;
  }

  /** The latents of a picture: the mean, unscaled. @param image [3, height, width] in −1…1 @returns [4, height / 8, width / 8] */
  async encode(image: Float32Array, size: Size): Promise<Float32Array> {
    const moments = (await this.#run({ name: 'encoder', size }, { image }))['moments']!;
    return moments.slice(0, moments.length / 2);
  }

  /** @param latents [frames, 4, height / 8, width / 8] of one chunk, unscaled @returns [frames, 3, height, width] in about −1…1 */
  async decode(latents: Float32Array, frames: number, size: Size, precision = this.runtime.precision): Promise<Float32Array> {
    return (await this.#run({ name: 'decoder', frames, size }, { latents }, precision))['images']!;
  }

  /** Runs everything of the UNet that does not see the latents, for all steps of a clip. */
  async condition({ timesteps, ids, context, frames }: ConditioningRequest): Promise<Conditioning> {
    const { config } = this.checkpoint.unet;
    const rows = context.length / config.crossAttentionDim;
    const steps = timesteps.length;
    const graph = conditioningGraph(this.#dialect(this.runtime.precision), this.#weights.unet, config, { steps, frames, batch: rows });
    const idEmbedding = sinusoids(ids, config.additionTimeEmbedDim); // [3, width], side by side for the network
    const session = await Session.open(graph, this.runtime);
    try {
      const {
        time,
        context: contexts,
        positions,
      } = await session.run({
        timesteps: sinusoids(timesteps, config.blockOutChannels[0]!),
        ids: Float32Array.from({ length: steps * idEmbedding.length }, (_, i) => idEmbedding[i % idEmbedding.length]!),
        context,
        ...Object.fromEntries(
          frameWidths(config).map((width) => [
            `frames${width}`,
            sinusoids(
              Array.from({ length: frames }, (_, frame) => frame),
              width,
            ),
          ]),
        ),
      });
      return { times: cut(time!, steps), contexts: cut(contexts!, rows), positions: positions! };
    } finally {
      await session.release();
    }
  }

  /** The UNet. @param inputs as unetGraph describes them @returns the velocity, [batch × frames, 4, height / 8, width / 8] */
  async velocity(inputs: Tensors, frames: number, size: Size, batch = 1): Promise<Float32Array> {
    return (await this.#run({ name: 'unet', frames, size, batch }, inputs))['velocity']!;
  }

  /** Whether `network` is in memory. */
  isOpen(network: Network): boolean {
    return this.#sessions.get(slotOf(network))?.key === this.#keyOf(network, this.#precisionOf(network));
  }

  /** Brings `network` into memory, unless it is there. One network of another size makes room for it; with `swap` all others do. */
  async open(network: Network, precision = this.#precisionOf(network)): Promise<Session> {
    const [slot, key] = [slotOf(network), this.#keyOf(network, precision)];
    const known = this.#sessions.get(slot);
    if (known?.key === key) return await known.session;
    if (this.#residency === 'swap') await this.dispose();
    else if (known) {
      this.#sessions.delete(slot);
      await (await known.session).release();
    }
    const session = Session.open(this.graph(network, precision), { ...this.runtime, precision });
    this.#sessions.set(slot, { key, session });
    session.catch(() => this.#sessions.delete(slot));
    return await session;
  }

  /** The graph of `network`, not yet in memory. @throws AppError BAD_INPUT for a size that cannot be halved as often as needed */
  graph(network: Network, precision = this.#precisionOf(network)): Graph {
    if ('size' in network) this.#checkSize(network.size);
    const dialect = this.#dialect(precision);
    const { unet, vae, imageEncoder } = this.checkpoint;
    switch (network.name) {
      case 'image encoder':
        return clipGraph(dialect, this.#weights.imageEncoder, imageEncoder.config);
      case 'encoder':
        return encoderGraph(dialect, this.#weights.vae, vae.config, network.size.height, network.size.width);
      case 'unet':
        return unetGraph(dialect, this.#weights.unet, unet.config, { ...network, ...this.#latentSize(network.size) });
      case 'decoder': {
        const { height, width } = this.#latentSize(network.size);
        return decoderGraph(dialect, this.#weights.vae, vae.config, network.frames, height, width);
      }
    }
  }

  /** Of the file that holds its weights. */
  weightBytes({ name }: Network): number {
    const { unet, vae, imageEncoder } = this.checkpoint;
    const { weights } = name === 'unet' ? unet : name === 'image encoder' ? imageEncoder : vae;
    return [...weights.tensors.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Frees all memory; whatever is needed again is opened again. */
  async dispose(): Promise<void> {
    const open = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(open.map(async ({ session }) => (await session).release()));
  }

  async #run(network: Network, inputs: Tensors, precision?: Precision): Promise<Tensors> {
    return await (await this.open(network, precision)).run(inputs);
  }

  /** The encoder of SVD overflows in half precision; its configuration says so. */
  #precisionOf({ name }: Network): Precision {
    return name === 'encoder' && this.checkpoint.vae.config.forceUpcast ? 'fp32' : this.runtime.precision;
  }

  #keyOf(network: Network, precision: Precision): string {
    const { size, frames, batch } = { size: null, frames: null, batch: null, ...network };
    return JSON.stringify([size?.width, size?.height, frames, batch, precision]);
  }

  #checkSize({ width, height }: Size): void {
    const fits = (side: number) => side > 0 && side % this.granularity === 0; // not so for NaN
    if (!fits(width) || !fits(height))
      throw new AppError(
        'BAD_INPUT',
        `The model cannot render ${width}×${height} pixels: both sides must be multiples of ${this.granularity}.`,
      );
  }

  #latentSize({ width, height }: Size): Size {
    return { width: width / this.scale, height: height / this.scale };
  }

  #dialect(precision: Precision): DialectFactory {
    const Ops = this.runtime.provider === 'cpu' ? CpuOps : WebgpuOps;
    return (name, weights) => new Ops(name, weights, precision);
  }
}

/** What makes room for each other; a chunk of frames and the shorter last one are both needed. */
function slotOf(network: Network): string {
  return network.name === 'decoder' ? `decoder of ${network.frames}` : network.name;
}

/** `values` as `rows` pieces. */
function cut(values: Float32Array, rows: number): Float32Array[] {
  const length = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * length, (row + 1) * length));
}
