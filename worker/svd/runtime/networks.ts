/** A checkpoint's networks, ready to call. Each graph is written and loaded into onnxruntime when first needed, for one size at a time. */
import type { Size } from '../../../src/catalog/catalog.ts';
import { AppError } from '../../../src/jobs/errors.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { clipGraph } from '../graph/clip.ts';
import { conditioningGraph, frameWidths, sinusoids } from '../graph/conditioning.ts';
import type { Precision } from '../graph/onnx.ts';
import type { DialectFactory, Graph } from '../graph/ops.ts';
import { unetGraph } from '../graph/unet.ts';
import { decoderGraph, encoderGraph, vaeScale } from '../graph/vae.ts';
import type { Weights } from '../graph/weights.ts';
import type { MemoryProfile } from './memory.ts';
import { Session, type Runtime, type Tensors } from './session.ts';
import { SafetensorsWeights } from './weights.ts';

/** One network, for one size. Sizes are image sizes in pixels. */
export type Network =
  | { readonly name: 'image encoder' }
  | { readonly name: 'encoder'; readonly size: Size }
  | { readonly name: 'unet'; readonly size: Size; readonly frames: number; readonly batch: number }
  | { readonly name: 'decoder'; readonly size: Size; readonly frames: number };

/** The UNet's inputs other than its sample, see unetGraph. */
export interface Conditioning {
  /** One per step: [1, …] */
  readonly times: readonly Float32Array[];
  /** One per row of context: [1, …] */
  readonly contexts: readonly Float32Array[];
  /** [frames, …] */
  readonly positions: Float32Array;
}

interface ConditioningRequest {
  readonly timesteps: readonly number[];
  /** Added time ids: fps − 1, motion bucket id, noise augmentation strength. */
  readonly ids: readonly number[];
  /** [rows, cross-attention width] */
  readonly context: Float32Array;
  readonly frames: number;
}

export class Networks {
  readonly checkpoint: Checkpoint;
  readonly runtime: Runtime;
  #memory: MemoryProfile;
  /** Open sessions by slot, see slotOf. */
  readonly #sessions = new Map<string, { readonly key: string; readonly session: Promise<Session> }>();
  readonly #weights: Readonly<Record<'unet' | 'vae' | 'imageEncoder', Weights>>;

  constructor(checkpoint: Checkpoint, runtime: Runtime, memory = runtime.backend.memory.medium) {
    this.checkpoint = checkpoint;
    this.runtime = runtime;
    this.#memory = memory;
    this.#weights = {
      unet: new SafetensorsWeights(checkpoint.unet.weights),
      vae: new SafetensorsWeights(checkpoint.vae.weights),
      imageEncoder: new SafetensorsWeights(checkpoint.imageEncoder.weights),
    };
  }

  get memory(): MemoryProfile {
    return this.#memory;
  }

  /** Frees all memory and uses `memory` from now on. */
  async changeMemory(memory: MemoryProfile): Promise<void> {
    this.#memory = memory;
    await this.dispose();
  }

  /** Width and height of a latent cell, in pixels. */
  get scale(): number {
    return vaeScale(this.checkpoint.vae.config);
  }

  /** Image sides must be multiples of this many pixels, because VAE and UNet halve them repeatedly: 64 in the published models. */
  get granularity(): number {
    return this.scale * 2 ** (this.checkpoint.unet.config.blockOutChannels.length - 1);
  }

  /** Image embedding. @param pixels [3, 224, 224], normalized @returns [cross-attention width] */
  async embed(pixels: Float32Array): Promise<Float32Array> {
    return (await this.#run({ name: 'image encoder' }, { pixels }))['embedding']!;
  }

  /** Latents of an image: the mean, unscaled. @param image [3, height, width] in −1…1 @returns [4, height / 8, width / 8] */
  async encode(image: Float32Array, size: Size): Promise<Float32Array> {
    const moments = (await this.#run({ name: 'encoder', size }, { image }))['moments']!;
    return moments.slice(0, moments.length / 2);
  }

  /** @param latents [frames, 4, height / 8, width / 8] of one chunk, unscaled @returns [frames, 3, height, width] in about −1…1 */
  async decode(latents: Float32Array, frames: number, size: Size, precision = this.runtime.precision): Promise<Float32Array> {
    return (await this.#run({ name: 'decoder', frames, size }, { latents }, precision))['images']!;
  }

  /** Runs the parts of the UNet that do not depend on the latents, for all steps of a clip. */
  async condition({ timesteps, ids, context, frames }: ConditioningRequest): Promise<Conditioning> {
    const { config } = this.checkpoint.unet;
    const rows = context.length / config.crossAttentionDim;
    const steps = timesteps.length;
    const graph = conditioningGraph(this.#dialect(this.runtime.precision), this.#weights.unet, config, {
      steps,
      frames,
      batch: rows,
    });
    const idEmbedding = sinusoids(ids, config.additionTimeEmbedDim); // [3, width], concatenated for the network
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
      return { times: splitRows(time!, steps), contexts: splitRows(contexts!, rows), positions: positions! };
    } finally {
      await session.release();
    }
  }

  /** The UNet. @param inputs as unetGraph describes them @returns the velocity, [batch × frames, 4, height / 8, width / 8] */
  async velocity(inputs: Tensors, frames: number, size: Size, batch = 1): Promise<Float32Array> {
    return (await this.#run({ name: 'unet', frames, size, batch }, inputs))['velocity']!;
  }

  /** Whether `network` is loaded. */
  isOpen(network: Network): boolean {
    return this.#sessions.get(slotOf(network))?.key === this.#keyOf(network, this.#precisionOf(network));
  }

  /** Loads `network` unless it is loaded. Unloads the same network for another size, and those that the memory profile does not keep. */
  async open(network: Network, precision = this.#precisionOf(network)): Promise<Session> {
    const [slot, key] = [slotOf(network), this.#keyOf(network, precision)];
    const known = this.#sessions.get(slot);
    if (known?.key === key) return await known.session;
    const { residency } = this.#memory;
    await this.#release((other) => other === slot || residency === 'swap' || (residency === 'unet' && other !== 'unet'));
    const session = Session.open(this.graph(network, precision), { ...this.runtime, precision });
    this.#sessions.set(slot, { key, session });
    session.catch(() => this.#sessions.delete(slot));
    return await session;
  }

  /** The graph of `network`, not loaded. @throws AppError BAD_INPUT for a size that is not a multiple of `granularity` */
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

  /** Size in bytes of all weights in the file that holds this network's weights. */
  weightBytes({ name }: Network): number {
    const { unet, vae, imageEncoder } = this.checkpoint;
    const { weights } = name === 'unet' ? unet : name === 'image encoder' ? imageEncoder : vae;
    return [...weights.tensors.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Frees all memory. Networks can be opened again afterwards. */
  async dispose(): Promise<void> {
    await this.#release(() => true);
  }

  /** Unloads the networks whose slots `includes` accepts. */
  async #release(includes: (slot: string) => boolean): Promise<void> {
    const released = [...this.#sessions].filter(([slot]) => includes(slot));
    for (const [slot] of released) this.#sessions.delete(slot);
    await Promise.all(released.map(async ([, { session }]) => (await session).release()));
  }

  async #run(network: Network, inputs: Tensors, precision?: Precision): Promise<Tensors> {
    return await (await this.open(network, precision)).run(inputs);
  }

  #dialect(precision: Precision): DialectFactory {
    return this.runtime.backend.dialect(precision, this.#memory, this.runtime.layout);
  }

  /** The published VAE encoder overflows in float16; its configuration says so (force_upcast). */
  #precisionOf({ name }: Network): Precision {
    return name === 'encoder' && this.checkpoint.vae.config.forceUpcast ? 'fp32' : this.runtime.precision;
  }

  #keyOf(network: Network, precision: Precision): string {
    const { size, frames, batch } = { size: null, frames: null, batch: null, ...network };
    return JSON.stringify([size?.width, size?.height, frames, batch, precision]);
  }

  #checkSize({ width, height }: Size): void {
    const fits = (side: number) => side > 0 && side % this.granularity === 0; // false for NaN
    if (!fits(width) || !fits(height))
      throw new AppError(
        'BAD_INPUT',
        `The model cannot render ${width}×${height} pixels: both sides must be multiples of ${this.granularity}.`,
      );
  }

  #latentSize({ width, height }: Size): Size {
    return { width: width / this.scale, height: height / this.scale };
  }
}

/** Networks with the same slot replace each other. Decoders of a full chunk and of the shorter last one do not: both are needed. */
function slotOf(network: Network): string {
  return network.name === 'decoder' ? `decoder of ${network.frames}` : network.name;
}

/** `values` as `rows` pieces of equal length. */
function splitRows(values: Float32Array, rows: number): Float32Array[] {
  const length = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * length, (row + 1) * length));
}
