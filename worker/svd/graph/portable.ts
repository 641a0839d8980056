/**
 * What the ops for onnxruntime's CPU and WebGPU providers have in common: channels first (Frames are [images, channels, height, width],
 * Clips [batch, channels, frames, height × width], Tokens [sequences × length, channels]) and standard operators. Weights keep the type
 * of their file and are cast where they are used, so that no second copy of them stays in memory.
 */
import path from 'node:path';
import type { TensorInfo } from '../checkpoint/safetensors.ts';
import { ELEMENT_BYTES, OnnxWriter, type Attribute, type ElementType, type Precision, type TensorSpec } from './onnx.ts';
import type { Clip, ClipConvOptions, ConvOptions, Dialect, Frames, Graph, Tokens, VectorInput, Vectors } from './ops.ts';
import type { Weights } from './weights.ts';

/** Of every group norm. */
export const GROUPS = 32;

export abstract class PortableOps implements Dialect {
  protected readonly writer: OnnxWriter;
  readonly #name: string;
  readonly #file: string;
  protected readonly precision: Precision;
  readonly #inputs: TensorSpec[] = [];
  readonly #outputs: Graph['outputs'][number][] = [];
  readonly #parameters = new Map<string, string>();
  /** Frames by id → the same channels last, so that queries, keys and values turn them once. */
  readonly #rows = new Map<string, string>();
  #multiplyAdds = 0;

  /** @param type of activations and of the arithmetic; inputs and outputs are float32 either way */
  constructor(name: string, weights: Weights, precision: Precision) {
    this.writer = new OnnxWriter(name);
    this.#name = name;
    this.#file = weights.source.file;
    this.precision = precision;
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

  frames(name: string, images: number, channels: number, height: number, width: number): Frames {
    return { id: this.#input(name, [images, channels, height, width]), images, channels, height, width };
  }

  vectors(name: string, { rows, widths }: VectorInput): Vectors[] {
    const all = this.#input(name, [rows, widths.reduce((sum, width) => sum + width, 0)]);
    return this.pieces(all, 1, widths).map((id, i) => ({ id, rows, channels: widths[i]! }));
  }

  sequence(name: string, length: number, channels: number): Tokens {
    return { id: this.#input(name, [length, channels]), sequences: 1, length, channels };
  }

  output(name: string, value: Frames | readonly Tokens[]): void {
    const single = 'id' in value;
    const shape = single
      ? [value.images, value.channels, value.height, value.width]
      : [value[0]!.sequences * value[0]!.length, value.reduce((sum, { channels }) => sum + channels, 0)];
    const joined = single
      ? value.id
      : this.writer.concat(
          value.map(({ id }) => id),
          1,
        );
    const id = this.writer.cast(joined, this.precision, 'fp32');
    this.writer.output(id, shape);
    this.#outputs.push({ name, id, shape });
  }

  conv(x: Frames, weights: Weights, { stride = 1, pads, plus }: ConvOptions = {}): Frames {
    const [channels, , kernel] = weights.tensor('weight').shape as [number, number, number];
    const half = (kernel - 1) / 2;
    const [top, left, bottom, right] = pads ?? [half, half, half, half];
    const height = Math.floor((x.height + top + bottom - kernel) / stride) + 1;
    const width = Math.floor((x.width + left + right - kernel) / stride) + 1;
    const id = this.product('Conv', [x.id, this.parameter(weights, 'weight'), ...this.bias(weights, plus)], {
      kernel_shape: [kernel, kernel],
      pads: [top, left, bottom, right],
      strides: [stride, stride],
    });
    this.#multiplyAdds += x.images * channels * height * width * x.channels * kernel ** 2;
    return { id, images: x.images, channels, height, width };
  }

  groupNorm(x: Frames, weights: Weights, epsilon: number, silu: boolean): Frames {
    return { ...x, id: this.normalize(x.id, [x.images, x.channels, x.height, x.width], weights, epsilon, silu) };
  }

  upsample(x: Frames): Frames {
    const id = this.writer.op('Resize', [x.id, '', this.writer.floats([1, 1, 2, 2])], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
    return { ...x, id, height: 2 * x.height, width: 2 * x.width };
  }

  concat(x: Frames, y: Frames): Frames {
    return { ...x, id: this.writer.op('Concat', [x.id, y.id], { axis: 1 }), channels: x.channels + y.channels };
  }

  add(x: Frames, y: Frames): Frames {
    return { ...x, id: this.writer.op('Add', [x.id, y.id]) };
  }

  clip(x: Frames, batch: number): Clip {
    const { channels, height, width } = x;
    const frames = x.images / batch;
    const id = this.writer.transpose(this.writer.reshape(x.id, [batch, frames, channels, height * width]), [0, 2, 1, 3]);
    return { id, batch, channels, frames, height, width };
  }

  unclip(x: Clip): Frames {
    const { batch, channels, frames, height, width } = x;
    const images = batch * frames;
    return {
      id: this.writer.reshape(this.writer.transpose(x.id, [0, 2, 1, 3]), [images, channels, height, width]),
      images,
      channels,
      height,
      width,
    };
  }

  clipNorm(x: Clip, weights: Weights, epsilon: number): Clip {
    return { ...x, id: this.normalize(x.id, [x.batch, x.channels, x.frames, x.height * x.width], weights, epsilon, true) };
  }

  clipConv(x: Clip, weights: Weights, { plus, scale = 1 }: ClipConvOptions = {}): Clip {
    const [channels, into] = weights.tensor('weight').shape as [number, number];
    // Scaled with long rows, and shaped afterwards: where the last side is 1, onnxruntime multiplies value by value.
    const inputs = [this.parameter(weights, 'weight', [channels, into * 3]), ...this.bias(weights, plus)];
    const [weight, ...bias] = inputs.map((input) => this.times(input, scale));
    const id = this.product('Conv', [x.id, this.writer.reshape(weight!, [channels, into, 3, 1]), ...bias], {
      kernel_shape: [3, 1],
      pads: [1, 0, 1, 0],
      strides: [1, 1],
    });
    this.#multiplyAdds += x.batch * x.frames * x.height * x.width * channels * into * 3;
    return { ...x, id, channels };
  }

  patches(x: Frames, weights: Weights): Tokens {
    const kernel = weights.tensor('weight').shape[2]!;
    return this.#channelsLast(this.conv(x, weights, { stride: kernel, pads: [0, 0, 0, 0] }));
  }

  tokens(x: Frames, weights: Weights): Tokens {
    return this.linear(this.#channelsLast(x), weights);
  }

  untokens(x: Tokens, weights: Weights, height: number, width: number): Frames {
    const { id, sequences: images, length, channels } = this.linear(x, weights);
    const planes = this.writer.transpose(this.writer.reshape(id, [images, length, channels]), [0, 2, 1]);
    return { id: this.writer.reshape(planes, [images, channels, height, width]), images, channels, height, width };
  }

  linear(x: Tokens, weights: Weights): Tokens {
    const [channels, into] = weights.tensor('weight').shape as [number, number];
    const id = this.#gemm(x.id, this.parameter(weights, 'weight'), this.bias(weights));
    this.#multiplyAdds += x.sequences * x.length * channels * into;
    return { ...x, id, channels };
  }

  attention(query: Tokens, key: Tokens, value: Tokens, heads: number): Tokens {
    const { sequences, length, channels } = query;
    this.#multiplyAdds += 2 * sequences * length * length * channels;
    return { ...query, id: this.attend(query, key, value, heads) };
  }

  feedForward(x: Tokens, weights: Weights): Tokens {
    const [inner, outer] = [weights.at('net.0.proj'), weights.at('net.2')];
    const [channels, width] = outer.tensor('weight').shape as [number, number];
    // Rows [0, width) of the inner layer make a, the rest the gate: two products need no cutting of a large result.
    const halves = ([0, width] as const).map((start) => {
      const half = (name: string, shape: number[]) => this.parameter(inner, name, shape, start);
      return { weight: half('weight', [width, x.channels]), bias: half('bias', [width]) };
    });
    const outerWeight = this.parameter(outer, 'weight');
    const outerBias = this.bias(outer);
    const part = (id: string) => {
      const [a, gate] = halves.map(({ weight, bias }) => this.#gemm(id, weight, [bias]));
      return this.#gemm(this.writer.op('Mul', [a!, this.writer.op('Gelu', [gate!])]), outerWeight, outerBias);
    };
    const rows = x.sequences * x.length;
    this.#multiplyAdds += rows * width * (2 * x.channels + channels);
    const parts = Math.min(this.widest.parts, Math.ceil((rows * width * ELEMENT_BYTES[this.precision]) / this.widest.bytes));
    return { ...x, id: this.writer.concat(this.pieces(x.id, 0, evenly(rows, parts)).map(part), 0), channels };
  }

  gelu(x: Tokens): Tokens {
    return { ...x, id: this.writer.op('Gelu', [x.id]) };
  }

  silu(x: Tokens): Tokens {
    return { ...x, id: this.activate(x.id) };
  }

  sum(x: Tokens, y: Tokens): Tokens {
    return { ...x, id: this.writer.op('Add', [x.id, y.id]) };
  }

  addPerItem(x: Tokens, rows: Vectors): Tokens {
    const { sequences, length, channels } = x;
    if (rows.rows === 1) return { ...x, id: this.writer.op('Add', [x.id, rows.id]) };
    const items = this.writer.reshape(x.id, [rows.rows, (sequences / rows.rows) * length, channels]);
    const sum = this.writer.op('Add', [items, this.writer.reshape(rows.id, [rows.rows, 1, channels])]);
    return { ...x, id: this.writer.reshape(sum, [sequences * length, channels]) };
  }

  addPerToken(x: Tokens, rows: Vectors): Tokens {
    const { sequences, length, channels } = x;
    const sum = this.writer.op('Add', [this.writer.reshape(x.id, [sequences, length, channels]), rows.id]);
    return { ...x, id: this.writer.reshape(sum, [sequences * length, channels]) };
  }

  mix(weight: number, x: Tokens, y: Tokens): Tokens {
    return { ...x, id: this.writer.op('Add', [this.times(x.id, weight), this.times(y.id, 1 - weight)]) };
  }

  exchange(x: Tokens, batch: number): Tokens {
    const { sequences, length, channels } = x;
    const turned = this.writer.transpose(this.writer.reshape(x.id, [batch, sequences / batch, length, channels]), [0, 2, 1, 3]);
    return {
      id: this.writer.reshape(turned, [sequences * length, channels]),
      sequences: batch * length,
      length: sequences / batch,
      channels,
    };
  }

  prepend(x: Tokens, weights: Weights, name: string): Tokens {
    const { sequences, length, channels } = x;
    if (sequences !== 1) throw new RangeError('a token is prepended to a single sequence');
    const id = this.writer.op('Concat', [this.parameter(weights, name, [1, channels]), x.id], { axis: 0 });
    return { id, sequences, length: length + 1, channels };
  }

  rows(weights: Weights, name: string): Vectors {
    const [rows, channels] = weights.tensor(name).shape as [number, number];
    return { id: this.parameter(weights, name), rows, channels };
  }

  first(x: Tokens): Tokens {
    if (x.sequences !== 1) throw new RangeError('the first token is taken of a single sequence');
    const [from, to, axis] = [[0], [1], [0]].map((values) => this.writer.ints(values));
    return { ...x, id: this.writer.op('Slice', [x.id, from!, to!, axis!]), length: 1 };
  }

  /**
   * A feed-forward's widest tensor is kept below so many bytes by working on a part of the tokens at a time, in so many parts at most.
   */
  protected abstract readonly widest: { readonly bytes: number; readonly parts: number };
  abstract layerNorm(x: Tokens, weights: Weights, epsilon: number): Tokens;
  /** Group norm of [images or items, channels, …, …], statistics in float32, then SiLU if asked for. */
  protected abstract normalize(
    id: string,
    shape: readonly [number, number, number, number],
    weights: Weights,
    epsilon: number,
    silu: boolean,
  ): string;
  /** @returns [sequences × length, channels] */
  protected abstract attend(query: Tokens, key: Tokens, value: Tokens, heads: number): string;
  /** `id` cut along `axis` into pieces of `sizes`, two or more. */
  protected abstract cut(id: string, axis: number, sizes: readonly number[]): string[];
  /** x · sigmoid(x) */
  protected abstract activate(id: string): string;

  protected pieces(id: string, axis: number, sizes: readonly number[]): string[] {
    return sizes.length === 1 ? [id] : this.cut(id, axis, sizes);
  }

  #channelsLast({ id, images, channels, height, width }: Frames): Tokens {
    const length = height * width;
    const rows =
      this.#rows.get(id) ??
      this.writer.reshape(this.writer.transpose(this.writer.reshape(id, [images, channels, length]), [0, 2, 1]), [
        images * length,
        channels,
      ]);
    this.#rows.set(id, rows);
    return { id: rows, sequences: images, length, channels };
  }

  /** a [rows, in] · weight [out, in]ᵀ + bias [out] */
  #gemm(a: string, weight: string, bias: readonly string[]): string {
    return this.product('Gemm', [a, weight, ...bias], { transB: 1 });
  }

  /** A sum of products of the type of the arithmetic. */
  protected product(operator: 'Conv' | 'Gemm', inputs: readonly string[], attributes: Readonly<Record<string, Attribute>>): string {
    return this.writer.op(operator, inputs, attributes);
  }

  protected times(id: string, factor: number, type: ElementType = this.precision): string {
    return factor === 1 ? id : this.writer.op('Mul', [id, this.writer.cast(this.writer.floats([factor]), 'fp32', type)]);
  }

  #input(name: string, shape: readonly number[]): string {
    this.#inputs.push({ name, shape });
    return this.writer.cast(this.writer.input(name, shape), 'fp32', this.precision);
  }

  /** The bias [out] of `weights`, if it has one, with `plus` [1, out] added. */
  protected bias(weights: Weights, plus?: Vectors): string[] {
    const bias = weights.has('bias') ? this.parameter(weights, 'bias') : null;
    if (!plus) return bias === null ? [] : [bias];
    const flat = this.writer.reshape(plus.id, [plus.channels]);
    return [bias === null ? flat : this.writer.op('Add', [bias, flat])];
  }

  /** A tensor of `weights` in the type of the arithmetic; `start` skips that many rows of its first dimension. */
  protected parameter(weights: Weights, name: string, shape?: readonly number[], start = 0): string {
    const info = weights.tensor(name);
    const key = `${info.name} ${start} ${shape?.join() ?? ''}`;
    const known = this.#parameters.get(key);
    if (known) return known;
    const type = elementTypeOf(info);
    const rowBytes = info.sizeBytes / info.shape[0]!;
    const stored = this.writer.external(type, shape ?? info.shape, {
      location: path.basename(this.#file),
      offset: info.offset + start * rowBytes,
    });
    const id = this.writer.cast(stored, type, this.precision);
    this.#parameters.set(key, id);
    return id;
  }
}

/** `total` as `parts` whole numbers that differ by 1 at most. */
export function evenly(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, i) => Math.floor(((i + 1) * total) / parts) - Math.floor((i * total) / parts));
}

function elementTypeOf({ name, dtype }: TensorInfo): 'fp32' | 'fp16' {
  if (dtype === 'F16') return 'fp16';
  if (dtype === 'F32') return 'fp32';
  throw new RangeError(`${name} is ${dtype}; weights are F16 or F32`);
}
