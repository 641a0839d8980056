/**
 * The part of writing a graph that does not depend on a dialect's data layout: inputs and outputs, weights as byte ranges of their file,
 * convolution geometry, and the count of floating-point operations.
 *
 * Weights keep the type of their file and are cast where they are used, so no second copy of them stays in memory.
 */
import path from 'node:path';
import { OnnxWriter, type ElementType, type Precision, type TensorSpec } from './onnx.ts';
import type { ConvOptions, Frames, Graph, Tokens, Vectors } from './ops.ts';
import type { Weights } from './weights.ts';

/** Number of groups in every group norm. */
export const GROUPS = 32;

/** Settings that a compute backend chooses for its graphs. */
export interface DialectOptions {
  /** Type of activations and arithmetic. Inputs and outputs are float32 either way. */
  readonly precision: Precision;
  readonly feedForward: FeedForwardSlicing;
  /** See OnnxWriter. Default: true. */
  readonly staticShapes?: boolean;
}

/** Feed-forward layers work on slices of the tokens, so that their widest tensor stays below `bytes`, in at most `maxSlices` slices. */
interface FeedForwardSlicing {
  readonly bytes: number;
  readonly maxSlices: number;
}

/** Sizes of a 2-D convolution. */
interface Convolution {
  readonly kernel: number;
  readonly stride: number;
  /** [top, left, bottom, right] */
  readonly pads: readonly [number, number, number, number];
  /** Output channels. */
  readonly channels: number;
  /** Output height. */
  readonly height: number;
  /** Output width. */
  readonly width: number;
}

export abstract class GraphBuilder {
  protected readonly writer: OnnxWriter;
  protected readonly precision: Precision;
  protected readonly feedForwardSlicing: FeedForwardSlicing;
  readonly #name: string;
  readonly #file: string;
  readonly #inputs: TensorSpec[] = [];
  readonly #outputs: Graph['outputs'][number][] = [];
  readonly #parameters = new Map<string, string>();
  #multiplyAdds = 0;

  constructor(name: string, weights: Weights, { precision, feedForward, staticShapes = true }: DialectOptions) {
    this.writer = new OnnxWriter(name, { staticShapes });
    this.precision = precision;
    this.feedForwardSlicing = feedForward;
    this.#name = name;
    this.#file = weights.file;
  }

  finish(): Graph {
    return {
      name: this.#name,
      model: this.writer.finish(),
      folder: path.dirname(this.#file),
      inputs: this.#inputs,
      outputs: this.#outputs,
      flops: 2 * this.#multiplyAdds,
      nodes: this.writer.nodes,
    };
  }

  /** Declares a float32 input and returns it in the graph's precision. */
  protected input(name: string, shape: readonly number[]): string {
    this.#inputs.push({ name, shape });
    return this.writer.cast(this.writer.input(name, shape), 'fp32', this.precision);
  }

  /** Makes `value` a float32 output. */
  protected declareOutput(name: string, value: string, shape: readonly number[]): void {
    const id = this.writer.cast(value, this.precision, 'fp32');
    this.writer.output(id, shape);
    this.#outputs.push({ name, id, shape });
  }

  /** Adds to the count of operations that `finish` reports. */
  protected countMultiplyAdds(count: number): void {
    this.#multiplyAdds += count;
  }

  /** Output size and attributes of a convolution of `x`; counts its operations. */
  protected convolution(x: Frames, weights: Weights, { stride = 1, pads: given }: ConvOptions): Convolution {
    const [channels, , kernel] = weights.tensor('weight').shape as [number, number, number];
    const half = (kernel - 1) / 2;
    const pads = given ?? ([half, half, half, half] as const);
    const [top, left, bottom, right] = pads;
    const height = Math.floor((x.height + top + bottom - kernel) / stride) + 1;
    const width = Math.floor((x.width + left + right - kernel) / stride) + 1;
    this.countMultiplyAdds(x.images * channels * height * width * x.channels * kernel ** 2);
    return { kernel, stride, pads, channels, height, width };
  }

  /**
   * A tensor of `weights`.
   * @param shape another shape for the same bytes, or for `shape[0]` rows of them
   * @param firstRow index of the first row to take, along the tensor's first dimension
   * @param type default: the graph's precision
   */
  protected parameter(weights: Weights, name: string, shape?: readonly number[], firstRow = 0, type: Precision = this.precision): string {
    const tensor = weights.tensor(name);
    const key = `${tensor.name} ${firstRow} ${shape?.join() ?? ''} ${type}`;
    const known = this.#parameters.get(key);
    if (known) return known;
    const rowBytes = tensor.sizeBytes / tensor.shape[0]!;
    const stored = this.writer.external(tensor.type, shape ?? tensor.shape, {
      location: path.basename(this.#file),
      offset: tensor.offset + firstRow * rowBytes,
    });
    const id = this.writer.cast(stored, tensor.type, type);
    this.#parameters.set(key, id);
    return id;
  }

  /** The bias [out] of `weights`, plus `plus` [1, out]; empty if there is neither. */
  protected bias(weights: Weights, plus?: Vectors): string[] {
    const bias = weights.has('bias') ? this.parameter(weights, 'bias') : null;
    if (!plus) return bias === null ? [] : [bias];
    const flat = this.writer.reshape(plus.id, [plus.channels]);
    return [bias === null ? flat : this.writer.op('Add', [bias, flat])];
  }

  /** `id` × `factor`. */
  protected times(id: string, factor: number, type: ElementType = this.precision): string {
    return factor === 1 ? id : this.writer.op('Mul', [id, this.writer.cast(this.writer.floats([factor]), 'fp32', type)]);
  }

  /** `id` split along `axis` into pieces of `sizes`. */
  protected pieces(id: string, axis: number, sizes: readonly number[]): string[] {
    return sizes.length === 1 ? [id] : this.split(id, axis, sizes);
  }

  /** `id` split along `axis` into two or more pieces of `sizes`. */
  protected abstract split(id: string, axis: number, sizes: readonly number[]): string[];
}

/** Divides `total` into `parts` whole numbers that differ by at most 1. */
export function evenly(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, i) => Math.floor(((i + 1) * total) / parts) - Math.floor((i * total) / parts));
}

/** Number of rows in `tokens`, over all sequences. */
export const rowsOf = ({ sequences, length }: Tokens): number => sequences * length;
