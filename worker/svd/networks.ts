/** The checkpoint's networks, ready to be called: graphs are written and brought into onnxruntime when first needed, for one size each. */
import type { Checkpoint } from './checkpoint.ts';
import { clipGraph } from './graph/clip.ts';
import { conditioningGraph, frameWidths, sinusoids } from './graph/conditioning.ts';
import type { DialectFactory, Graph } from './graph/ops.ts';
import { PortableOps } from './graph/portable.ts';
import { unetGraph, type UnetSize } from './graph/unet.ts';
import { decoderGraph, encoderGraph, vaeScale } from './graph/vae.ts';
import { Weights } from './graph/weights.ts';
import { Session, type Runtime, type Tensors } from './session.ts';

/** Which networks stay in memory: all, or only the one at work. */
export type Residency = 'keep' | 'swap';

/** Pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

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
  readonly #residency: Residency;
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

  /** Pixels a latent cell covers in each direction. */
  get scale(): number {
    return vaeScale(this.checkpoint.vae.config);
  }

  /** What the image encoder says of a picture. @param pixels [3, 224, 224], normalised @returns [cross-attention width] */
  async embed(pixels: Float32Array): Promise<Float32Array> {
    const session = await this.#session('image encoder', '', this.runtime.type, (dialect) => clipGraph(dialect, this.#weights.imageEncoder, this.checkpoint.imageEncoder.config));
    return (await session.run({ pixels }))['embedding']!;
  }

  /** The latents of a picture: the mean, unscaled. @param image [3, height, width] in −1…1 @returns [4, height / 8, width / 8] */
  async encode(image: Float32Array, { height, width }: Size): Promise<Float32Array> {
    const { config } = this.checkpoint.vae;
    const session = await this.#session('encoder', `${height}×${width}`, config.forceUpcast ? 'f32' : this.runtime.type, (dialect) =>
      encoderGraph(dialect, this.#weights.vae, config, height, width));
    const moments = (await session.run({ image }))['moments']!;
    return moments.slice(0, moments.length / 2);
  }

  /** @param latents [frames, 4, height / 8, width / 8] of one chunk, unscaled @returns [frames, 3, height, width] in about −1…1 */
  async decode(latents: Float32Array, frames: number, { height, width }: Size, type = this.runtime.type): Promise<Float32Array> {
    const { config } = this.checkpoint.vae;
    const session = await this.#session(`decoder of ${frames}`, `${height}×${width}`, type, (dialect) =>
      decoderGraph(dialect, this.#weights.vae, config, frames, height / this.scale, width / this.scale));
    return (await session.run({ latents }))['images']!;
  }

  /** Runs everything of the UNet that does not see the latents, for all steps of a clip. */
  async condition({ timesteps, ids, context, frames }: ConditioningRequest): Promise<Conditioning> {
    const { config } = this.checkpoint.unet;
    const rows = context.length / config.crossAttentionDim;
    const steps = timesteps.length;
    const graph = conditioningGraph(this.#dialect(this.runtime.type), this.#weights.unet, config, { steps, frames, batch: rows });
    const idEmbedding = sinusoids(ids, config.additionTimeEmbedDim); // [3, width], side by side for the network
    const session = await Session.open(graph, this.runtime);
    try {
      const { time, context: contexts, positions } = await session.run({
        timesteps: sinusoids(timesteps, config.blockOutChannels[0]!),
        ids: Float32Array.from({ length: steps * idEmbedding.length }, (_, i) => idEmbedding[i % idEmbedding.length]!),
        context,
        ...Object.fromEntries(frameWidths(config).map((width) => [`frames${width}`, sinusoids(Array.from({ length: frames }, (_, frame) => frame), width)])),
      });
      return { times: cut(time!, steps), contexts: cut(contexts!, rows), positions: positions! };
    } finally {
      await session.release();
    }
  }

  /** The UNet. @param inputs as unetGraph describes them @returns the velocity, [batch × frames, 4, height, width] */
  async velocity(inputs: Tensors, size: UnetSize): Promise<Float32Array> {
    return (await (await this.unet(size)).run(inputs))['velocity']!;
  }

  /** The UNet's session for `size`, opened if it is not. */
  async unet(size: UnetSize): Promise<Session> {
    const { batch, frames, height, width } = size;
    return await this.#session('unet', `${batch}×${frames}×${height}×${width}`, this.runtime.type, (dialect) =>
      unetGraph(dialect, this.#weights.unet, this.checkpoint.unet.config, size));
  }

  async dispose(): Promise<void> {
    const open = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(open.map(async ({ session }) => (await session).release()));
  }

  async #session(network: string, size: string, type: Runtime['type'], build: (dialect: DialectFactory) => Graph): Promise<Session> {
    const key = `${size} ${type}`;
    const known = this.#sessions.get(network);
    if (known?.key === key) return await known.session;
    if (this.#residency === 'swap') await this.dispose();
    else if (known) {
      this.#sessions.delete(network);
      await (await known.session).release();
    }
    const session = Session.open(build(this.#dialect(type)), { ...this.runtime, type });
    this.#sessions.set(network, { key, session });
    session.catch(() => this.#sessions.delete(network));
    return await session;
  }

  #dialect(type: Runtime['type']): DialectFactory {
    return (name, weights) => new PortableOps(name, weights, { type, provider: this.runtime.provider });
  }
}

/** `values` as `rows` pieces. */
function cut(values: Float32Array, rows: number): Float32Array[] {
  const length = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * length, (row + 1) * length));
}
