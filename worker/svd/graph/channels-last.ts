/**
 * Operations on images and clips with channels last. Every value is a matrix [positions, channels] in memory, so frames, clips and tokens
 * are views of the same data: changing between them moves nothing, and a Reshape is written only where an operator needs another shape.
 * The data is transposed only where it enters or leaves the graph, and between space and time.
 */
import { rowsOf } from './builder.ts';
import type { Attributes } from './onnx.ts';
import type { Clip, ConvOptions, Dialect, Frames, TemporalConvOptions, Tokens, Vectors } from './ops.ts';
import { TokenOps } from './token-ops.ts';
import type { Weights } from './weights.ts';

type Shape = readonly number[];

/** [images, height, width, channels], or for a clip [batch, frames, height × width, channels]. */
export type ImageShape = readonly [number, number, number, number];

/** Inputs of a 2-D convolution. */
export interface ConvolutionCall {
  readonly x: string;
  readonly from: ImageShape;
  readonly to: ImageShape;
  /** [out, in, height, width] */
  readonly weight: string;
  /** kernel_shape, pads, strides */
  readonly attributes: Attributes;
}

export abstract class ChannelsLastOps extends TokenOps implements Dialect {
  /** Shapes of values that are not matrices [positions, channels]. */
  readonly #shapes = new Map<string, Shape>();
  /** Reshaped values by origin and shape. */
  readonly #reshaped = new Map<string, string>();
  /** Origins of reshaped values. */
  readonly #origins = new Map<string, string>();

  inputFrames(name: string, images: number, channels: number, height: number, width: number): Frames {
    const id = this.writer.transpose(this.input(name, [images, channels, height, width]), [0, 2, 3, 1]);
    return { id: this.withShape(id, [images, height, width, channels]), images, channels, height, width };
  }

  output(name: string, value: Frames | readonly Tokens[]): void {
    if (!('id' in value)) return this.outputTokens(name, value);
    const { images, channels, height, width } = value;
    const id = this.writer.transpose(this.inShape(value.id, imageShape(value)), [0, 3, 1, 2]);
    this.declareOutput(name, id, [images, channels, height, width]);
  }

  conv(x: Frames, weights: Weights, options: ConvOptions = {}): Frames {
    const { kernel, stride, pads, channels, height, width } = this.convolution(x, weights, options);
    const result = { images: x.images, channels, height, width };
    const vectors = this.#vectors(weights, options.plus);
    // A 1×1 convolution is a linear layer.
    if (kernel === 1 && stride === 1) {
      const id = this.gemm(this.positions(x), this.parameter(weights, 'weight', [channels, x.channels]), vectors);
      return { id, ...result };
    }
    const call = {
      x: x.id,
      from: imageShape(x),
      to: imageShape(result),
      weight: this.parameter(weights, 'weight'),
      attributes: { kernel_shape: [kernel, kernel], pads, strides: [stride, stride] },
    };
    return { id: this.convolve(call, vectors), ...result };
  }

  groupNorm(x: Frames, weights: Weights, epsilon: number, silu: boolean): Frames {
    return { ...x, id: this.normalize(x.id, imageShape(x), weights, epsilon, silu) };
  }

  upsample(x: Frames): Frames {
    const id = this.writer.op('Resize', [this.inShape(x.id, imageShape(x)), '', this.writer.floats([1, 2, 2, 1])], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
    const result = { ...x, id, height: 2 * x.height, width: 2 * x.width };
    this.withShape(id, imageShape(result));
    return result;
  }

  concat(x: Frames, y: Frames): Frames {
    const id = this.writer.op('Concat', [this.positions(x), this.positions(y)], { axis: 1 });
    return { ...x, id, channels: x.channels + y.channels };
  }

  add(x: Frames, y: Frames): Frames {
    return { ...x, id: this.plus(x.id, y.id, [x.images * x.height * x.width, x.channels]) };
  }

  toClip({ id, images, channels, height, width }: Frames, batch: number): Clip {
    return { id, batch, channels, frames: images / batch, height, width };
  }

  toFrames({ id, batch, channels, frames, height, width }: Clip): Frames {
    return { id, images: batch * frames, channels, height, width };
  }

  temporalNorm(x: Clip, weights: Weights, epsilon: number): Clip {
    return { ...x, id: this.normalize(x.id, clipShape(x), weights, epsilon, true) };
  }

  temporalConv(x: Clip, weights: Weights, { plus, scale = 1 }: TemporalConvOptions = {}): Clip {
    const [channels, into] = weights.tensor('weight').shape as [number, number];
    const result = { ...x, channels };
    const call = {
      x: x.id,
      from: clipShape(x),
      to: clipShape(result),
      weight: this.scaled(weights, 'weight', scale, [channels, into, 3, 1]),
      attributes: { kernel_shape: [3, 1], pads: [1, 0, 1, 0], strides: [1, 1] },
    };
    const vectors =
      scale === 1 || plus ? this.#vectors(weights, plus).map((id) => this.times(id, scale)) : [this.scaled(weights, 'bias', scale)];
    this.countMultiplyAdds(x.batch * x.frames * x.height * x.width * channels * into * 3);
    return { ...result, id: this.convolve(call, vectors) };
  }

  patches(x: Frames, weights: Weights): Tokens {
    const kernel = weights.tensor('weight').shape[2]!;
    return tokensOf(this.conv(x, weights, { stride: kernel, pads: [0, 0, 0, 0] }));
  }

  toTokens(x: Frames, weights: Weights): Tokens {
    return this.linear(tokensOf(x), weights);
  }

  fromTokens(x: Tokens, weights: Weights, height: number, width: number): Frames {
    const { id, sequences: images, channels } = this.linear(x, weights);
    return { id, images, channels, height, width };
  }

  override sum(x: Tokens, y: Tokens): Tokens {
    return { ...x, id: this.plus(x.id, y.id, [rowsOf(x), x.channels]) };
  }

  override swapSpaceAndTime(x: Tokens, batch: number): Tokens {
    const { sequences, length, channels } = x;
    const id = this.writer.transpose(this.inShape(x.id, [batch, sequences / batch, length, channels]), [0, 2, 1, 3]);
    this.withShape(id, [batch, length, sequences / batch, channels]);
    return { id, sequences: batch * length, length: sequences / batch, channels };
  }

  protected override matrix(x: Tokens): string {
    return this.inShape(x.id, [rowsOf(x), x.channels]);
  }

  /** Frames as a matrix [images × height × width, channels]. */
  protected positions({ id, images, channels, height, width }: Frames): string {
    return this.inShape(id, [images * height * width, channels]);
  }

  /** Records that `id` has another shape than [positions, channels]. @returns `id` */
  protected withShape(id: string, shape: Shape): string {
    this.#shapes.set(id, shape);
    return id;
  }

  /** `id` in the given shape, with the same order of values. */
  protected inShape(id: string, shape: Shape): string {
    const origin = this.#origins.get(id) ?? id;
    const known = this.#shapes.get(origin);
    if (known ? known.join() === shape.join() : shape.length === 2) return origin;
    const key = `${origin} ${shape.join()}`;
    const reshaped = this.#reshaped.get(key) ?? this.writer.reshape(origin, shape);
    this.#reshaped.set(key, reshaped);
    this.#origins.set(reshaped, origin);
    return reshaped;
  }

  /** The shape that `id` has, given its shape as a matrix. */
  protected shapeOf(id: string, matrix: Shape): Shape {
    return this.#shapes.get(id) ?? matrix;
  }

  /** The bias of `weights` and `plus`, as vectors [out]. */
  #vectors(weights: Weights, plus?: Vectors): string[] {
    return [...this.bias(weights), ...(plus ? [this.inShape(plus.id, [plus.channels])] : [])];
  }

  /** A tensor of `weights` × `factor`, computed in float32. */
  protected scaled(weights: Weights, name: string, factor: number, shape?: Shape): string {
    if (factor === 1) return this.parameter(weights, name, shape);
    return this.writer.cast(this.times(this.parameter(weights, name, shape, 0, 'fp32'), factor, 'fp32'), 'fp32', this.precision);
  }

  /** x + y. @param matrix shape of both as matrices: [positions, channels] */
  protected abstract plus(x: string, y: string, matrix: readonly [number, number]): string;
  /** @param vectors to be added to every position: [out] each */
  protected abstract convolve(call: ConvolutionCall, vectors: readonly string[]): string;
  /** Group norm of each [height, width, channels], statistics in float32, then SiLU if `silu`. */
  protected abstract normalize(id: string, shape: ImageShape, weights: Weights, epsilon: number, silu: boolean): string;
}

const imageShape = ({ images, height, width, channels }: Omit<Frames, 'id'>): ImageShape => [images, height, width, channels];
const clipShape = ({ batch, frames, height, width, channels }: Clip): ImageShape => [batch, frames, height * width, channels];

/** One token per position. */
function tokensOf({ id, images, channels, height, width }: Frames): Tokens {
  return { id, sequences: images, length: height * width, channels };
}
