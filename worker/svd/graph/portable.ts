/**
 * Ops for the CPU and WebGPU providers of onnxruntime: channels first (Frames are [images, channels, height, width], Clips [batch,
 * channels, frames, height × width], Tokens [sequences × length, channels]), standard operators, and few of onnxruntime's own that
 * both providers have. Weights keep the type of their file and are cast where they are used, so that no second copy of them stays in
 * memory.
 */
import path from 'node:path';
import type { TensorInfo } from '../safetensors.ts';
import { ELEMENT_BYTES, OnnxWriter, TYPE, type ElementType, type TensorSpec } from './onnx.ts';
import type { Clip, ClipConvOptions, ConvOptions, Dialect, Frames, Graph, Tokens, VectorInput, Vectors } from './ops.ts';
import type { Weights } from './weights.ts';

const GROUPS = 32;
/**
 * A feed-forward's widest tensor is kept below this many bytes by working on a part of the tokens at a time: on the CPU what its cache
 * holds (twice as fast as through memory), within a number of parts that keeps the graph small.
 */
const WIDEST = { cpu: { bytes: 4e6, parts: 64 }, webgpu: { bytes: 128e6, parts: Infinity } } as const;
/** Attention written out keeps its scores below this many bytes by working on some of the sequences, or of the queries, at a time. */
const SCORES_BYTES = 256e6;

export interface PortableOptions {
  /** Of activations and of the arithmetic; inputs and outputs are float32 either way. */
  readonly type: 'f32' | 'f16';
  readonly provider: 'cpu' | 'webgpu';
}

export class PortableOps implements Dialect {
  readonly #writer: OnnxWriter;
  readonly #name: string;
  readonly #file: string;
  readonly #type: PortableOptions['type'];
  readonly #provider: PortableOptions['provider'];
  readonly #inputs: TensorSpec[] = [];
  readonly #outputs: Graph['outputs'][number][] = [];
  readonly #parameters = new Map<string, string>();
  /** Frames by id → the same channels last, so that queries, keys and values turn them once. */
  readonly #rows = new Map<string, string>();
  #multiplyAdds = 0;

  constructor(name: string, weights: Weights, { type, provider }: PortableOptions) {
    this.#writer = new OnnxWriter(name);
    this.#name = name;
    this.#file = weights.source.file;
    this.#type = type;
    this.#provider = provider;
  }

  finish(): Graph {
    return {
      name: this.#name, model: this.#writer.finish(), folder: path.dirname(this.#file),
      inputs: this.#inputs, outputs: this.#outputs, flops: 2 * this.#multiplyAdds, nodes: this.#writer.nodes,
    };
  }

  frames(name: string, images: number, channels: number, height: number, width: number): Frames {
    return { id: this.#input(name, [images, channels, height, width]), images, channels, height, width };
  }

  vectors(name: string, { rows, widths }: VectorInput): Vectors[] {
    const all = this.#input(name, [rows, widths.reduce((sum, width) => sum + width, 0)]);
    return this.#pieces(all, 1, widths).map((id, i) => ({ id, rows, channels: widths[i]! }));
  }

  sequence(name: string, length: number, channels: number): Tokens {
    return { id: this.#input(name, [length, channels]), sequences: 1, length, channels };
  }

  output(name: string, value: Frames | readonly Tokens[]): void {
    const single = 'id' in value;
    const shape = single
      ? [value.images, value.channels, value.height, value.width]
      : [value[0]!.sequences * value[0]!.length, value.reduce((sum, { channels }) => sum + channels, 0)];
    const joined = single ? value.id : this.#join(value.map(({ id }) => id), 1);
    const id = this.#cast(joined, this.#type, 'f32');
    this.#writer.output(id, shape);
    this.#outputs.push({ name, id, shape });
  }

  conv(x: Frames, weights: Weights, { stride = 1, pads, plus }: ConvOptions = {}): Frames {
    const [channels, , kernel] = weights.tensor('weight').shape as [number, number, number];
    const half = (kernel - 1) / 2;
    const [top, left, bottom, right] = pads ?? [half, half, half, half];
    const height = Math.floor((x.height + top + bottom - kernel) / stride) + 1;
    const width = Math.floor((x.width + left + right - kernel) / stride) + 1;
    const id = this.#writer.op('Conv', [x.id, this.#parameter(weights, 'weight'), ...this.#bias(weights, plus)], {
      kernel_shape: [kernel, kernel], pads: [top, left, bottom, right], strides: [stride, stride],
    });
    this.#multiplyAdds += x.images * channels * height * width * x.channels * kernel ** 2;
    return { id, images: x.images, channels, height, width };
  }

  groupNorm(x: Frames, weights: Weights, epsilon: number, silu: boolean): Frames {
    return { ...x, id: this.#normalize(x.id, [x.images, x.channels, x.height, x.width], weights, epsilon, silu) };
  }

  upsample(x: Frames): Frames {
    const id = this.#writer.op('Resize', [x.id, '', this.#writer.floats([1, 1, 2, 2])], {
      mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor',
    });
    return { ...x, id, height: 2 * x.height, width: 2 * x.width };
  }

  concat(x: Frames, y: Frames): Frames {
    return { ...x, id: this.#writer.op('Concat', [x.id, y.id], { axis: 1 }), channels: x.channels + y.channels };
  }

  add(x: Frames, y: Frames): Frames {
    return { ...x, id: this.#writer.op('Add', [x.id, y.id]) };
  }

  clip(x: Frames, batch: number): Clip {
    const { channels, height, width } = x;
    const frames = x.images / batch;
    const id = this.#transpose(this.#reshape(x.id, [batch, frames, channels, height * width]), [0, 2, 1, 3]);
    return { id, batch, channels, frames, height, width };
  }

  unclip(x: Clip): Frames {
    const { batch, channels, frames, height, width } = x;
    const images = batch * frames;
    return { id: this.#reshape(this.#transpose(x.id, [0, 2, 1, 3]), [images, channels, height, width]), images, channels, height, width };
  }

  clipNorm(x: Clip, weights: Weights, epsilon: number): Clip {
    return { ...x, id: this.#normalize(x.id, [x.batch, x.channels, x.frames, x.height * x.width], weights, epsilon, true) };
  }

  clipConv(x: Clip, weights: Weights, { plus, scale = 1 }: ClipConvOptions = {}): Clip {
    const [channels, into] = weights.tensor('weight').shape as [number, number];
    // Scaled with long rows, and shaped afterwards: where the last side is 1, onnxruntime multiplies value by value.
    const inputs = [this.#parameter(weights, 'weight', [channels, into * 3]), ...this.#bias(weights, plus)];
    const [weight, ...bias] = inputs.map((input) => this.#times(input, scale));
    const id = this.#writer.op('Conv', [x.id, this.#reshape(weight!, [channels, into, 3, 1]), ...bias], {
      kernel_shape: [3, 1], pads: [1, 0, 1, 0], strides: [1, 1],
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
    const planes = this.#transpose(this.#reshape(id, [images, length, channels]), [0, 2, 1]);
    return { id: this.#reshape(planes, [images, channels, height, width]), images, channels, height, width };
  }

  linear(x: Tokens, weights: Weights): Tokens {
    const [channels, into] = weights.tensor('weight').shape as [number, number];
    const id = this.#gemm(x.id, this.#parameter(weights, 'weight'), this.#bias(weights));
    this.#multiplyAdds += x.sequences * x.length * channels * into;
    return { ...x, id, channels };
  }

  layerNorm(x: Tokens, weights: Weights, epsilon: number): Tokens {
    const [weight, bias] = [this.#parameter(weights, 'weight'), this.#parameter(weights, 'bias')];
    if (this.#provider === 'webgpu') return { ...x, id: this.#writer.op('LayerNormalization', [this.#centre(x.id), weight, bias], { axis: -1, epsilon: { float: epsilon } }) };
    // The CPU's layer norm works value by value; its instance norm, over rows as channels, is many times faster and more exact.
    const rows = this.#reshape(x.id, [x.sequences * x.length, 1, x.channels]);
    const normalized = this.#writer.op('InstanceNormalization', [rows, this.#writer.floats([1]), this.#writer.floats([0])], { epsilon: { float: epsilon } });
    const scaled = this.#writer.op('Mul', [this.#reshape(normalized, [x.sequences * x.length, x.channels]), weight]);
    return { ...x, id: this.#writer.op('Add', [scaled, bias]) };
  }

  attention(query: Tokens, key: Tokens, value: Tokens, heads: number): Tokens {
    const { sequences, length, channels } = query;
    this.#multiplyAdds += 2 * sequences * length * length * channels;
    if (this.#provider === 'webgpu') return { ...query, id: this.#plainAttention(query, key, value, heads) };
    const inputs = [query, key, value].map(({ id }) => this.#reshape(id, [sequences, length, channels]));
    const id = this.#writer.contrib('MultiHeadAttention', inputs, { num_heads: heads });
    return { ...query, id: this.#reshape(id, [sequences * length, channels]) };
  }

  feedForward(x: Tokens, weights: Weights): Tokens {
    const [inner, outer] = [weights.at('net.0.proj'), weights.at('net.2')];
    const [channels, width] = outer.tensor('weight').shape as [number, number];
    // Rows [0, width) of the inner layer make a, the rest the gate: two products need no cutting of a large result.
    const halves = ([0, width] as const).map((start) => {
      const half = (name: string, shape: number[]) => this.#parameter(inner, name, shape, start);
      return { weight: half('weight', [width, x.channels]), bias: half('bias', [width]) };
    });
    const outerWeight = this.#parameter(outer, 'weight');
    const outerBias = this.#bias(outer);
    const part = (id: string) => {
      const [a, gate] = halves.map(({ weight, bias }) => this.#gemm(id, weight, [bias]));
      return this.#gemm(this.#writer.op('Mul', [a!, this.#writer.op('Gelu', [gate!])]), outerWeight, outerBias);
    };
    const rows = x.sequences * x.length;
    this.#multiplyAdds += rows * width * (2 * x.channels + channels);
    const widest = WIDEST[this.#provider];
    const parts = Math.min(widest.parts, Math.ceil((rows * width * ELEMENT_BYTES[this.#type]) / widest.bytes));
    return { ...x, id: this.#join(this.#pieces(x.id, 0, evenly(rows, parts)).map(part), 0), channels };
  }

  gelu(x: Tokens): Tokens {
    return { ...x, id: this.#writer.op('Gelu', [x.id]) };
  }

  silu(x: Tokens): Tokens {
    return { ...x, id: this.#silu(x.id) };
  }

  sum(x: Tokens, y: Tokens): Tokens {
    return { ...x, id: this.#writer.op('Add', [x.id, y.id]) };
  }

  addPerItem(x: Tokens, rows: Vectors): Tokens {
    const { sequences, length, channels } = x;
    if (rows.rows === 1) return { ...x, id: this.#writer.op('Add', [x.id, rows.id]) };
    const items = this.#reshape(x.id, [rows.rows, (sequences / rows.rows) * length, channels]);
    const sum = this.#writer.op('Add', [items, this.#reshape(rows.id, [rows.rows, 1, channels])]);
    return { ...x, id: this.#reshape(sum, [sequences * length, channels]) };
  }

  addPerToken(x: Tokens, rows: Vectors): Tokens {
    const { sequences, length, channels } = x;
    const sum = this.#writer.op('Add', [this.#reshape(x.id, [sequences, length, channels]), rows.id]);
    return { ...x, id: this.#reshape(sum, [sequences * length, channels]) };
  }

  mix(weight: number, x: Tokens, y: Tokens): Tokens {
    return { ...x, id: this.#writer.op('Add', [this.#times(x.id, weight), this.#times(y.id, 1 - weight)]) };
  }

  exchange(x: Tokens, batch: number): Tokens {
    const { sequences, length, channels } = x;
    const turned = this.#transpose(this.#reshape(x.id, [batch, sequences / batch, length, channels]), [0, 2, 1, 3]);
    return { id: this.#reshape(turned, [sequences * length, channels]), sequences: batch * length, length: sequences / batch, channels };
  }

  prepend(x: Tokens, weights: Weights, name: string): Tokens {
    const { sequences, length, channels } = x;
    if (sequences !== 1) throw new RangeError('a token is prepended to a single sequence');
    const id = this.#writer.op('Concat', [this.#parameter(weights, name, [1, channels]), x.id], { axis: 0 });
    return { id, sequences, length: length + 1, channels };
  }

  rows(weights: Weights, name: string): Vectors {
    const [rows, channels] = weights.tensor(name).shape as [number, number];
    return { id: this.#parameter(weights, name), rows, channels };
  }

  first(x: Tokens): Tokens {
    if (x.sequences !== 1) throw new RangeError('the first token is taken of a single sequence');
    const [from, to, axis] = [[0], [1], [0]].map((values) => this.#writer.ints(values));
    return { ...x, id: this.#writer.op('Slice', [x.id, from!, to!, axis!]), length: 1 };
  }

  #channelsLast({ id, images, channels, height, width }: Frames): Tokens {
    const length = height * width;
    const rows = this.#rows.get(id) ?? this.#reshape(this.#transpose(this.#reshape(id, [images, channels, length]), [0, 2, 1]), [images * length, channels]);
    this.#rows.set(id, rows);
    return { id: rows, sequences: images, length, channels };
  }

  /**
   * Attention written out, in float32: onnxruntime's own for WebGPU is off by 1 % and more from 32 tokens on (1.29, seen with subgroups
   * of 4, 8 and 16 lanes), and probabilities of thousands of tokens are too small for float16.
   */
  #plainAttention(query: Tokens, key: Tokens, value: Tokens, heads: number): string {
    const { sequences, length, channels } = query;
    const bytes = heads * length ** 2 * ELEMENT_BYTES.f32; // scores of one sequence
    const groups = evenly(sequences, Math.min(sequences, Math.ceil((sequences * bytes) / SCORES_BYTES)));
    const queryParts = evenly(length, Math.ceil(bytes / SCORES_BYTES));
    const pieces = [query, key, value].map(({ id }) => this.#pieces(id, 0, groups.map((count) => count * length)));
    const results = groups.map((count, group) => {
      const [q, k, v] = pieces.map((ids, i) => {
        const split = this.#reshape(this.#cast(ids[group]!, this.#type, 'f32'), [count, length, heads, channels / heads]);
        return this.#transpose(split, i === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3]);
      });
      const scaled = this.#times(q!, Math.sqrt(heads / channels), 'f32');
      const parts = this.#pieces(scaled, 2, queryParts).map((part) =>
        this.#writer.op('MatMul', [this.#writer.op('Softmax', [this.#writer.op('MatMul', [part, k!])], { axis: -1 }), v!]));
      return this.#cast(this.#reshape(this.#transpose(this.#join(parts, 2), [0, 2, 1, 3]), [count * length, channels]), 'f32', this.#type);
    });
    return this.#join(results, 0);
  }

  /** `id` cut along `axis` into pieces of `sizes`. A card writes to only a few buffers at once: for it each piece is a node. */
  #pieces(id: string, axis: number, sizes: readonly number[]): string[] {
    if (sizes.length === 1) return [id];
    if (this.#provider !== 'webgpu') return this.#writer.ops('Split', [id, this.#writer.ints(sizes)], sizes.length, { axis });
    let end = 0;
    return sizes.map((size) => this.#writer.op('Slice', [id, ...[end, (end += size), axis].map((value) => this.#writer.ints([value]))]));
  }

  #join(pieces: readonly string[], axis: number): string {
    return pieces.length === 1 ? pieces[0]! : this.#writer.op('Concat', pieces, { axis });
  }

  /** Group norm as instance norm over [images, groups, rest], then weight and bias a channel. Statistics in float32. */
  #normalize(id: string, shape: readonly [number, number, number, number], weights: Weights, epsilon: number, silu: boolean): string {
    if (this.#provider === 'webgpu') return this.#plainNormalize(id, shape, weights, epsilon, silu);
    const [images, channels] = shape;
    const grouped = this.#cast(this.#reshape(id, [images, GROUPS, -1]), this.#type, 'f32');
    const [ones, zeros] = [1, 0].map((value) => this.#writer.floats(Array<number>(GROUPS).fill(value)));
    const normalized = this.#writer.op('InstanceNormalization', [grouped, ones!, zeros!], { epsilon: { float: epsilon } });
    const scaled = this.#writer.op('Mul', [this.#reshape(this.#cast(normalized, 'f32', this.#type), shape), this.#parameter(weights, 'weight', [1, channels, 1, 1])]);
    const shifted = this.#writer.op('Add', [scaled, this.#parameter(weights, 'bias', [1, channels, 1, 1])]);
    return silu ? this.#silu(shifted) : shifted;
  }

  /** Group norm written out: the provider's norms take a variance for E[x²] − E[x]², which cancels where the mean is large. */
  #plainNormalize(id: string, shape: readonly [number, number, number, number], weights: Weights, epsilon: number, silu: boolean): string {
    const [images, channels, height, width] = shape;
    const length = (channels / GROUPS) * height * width; // values of a group
    const [weight, bias] = ['weight', 'bias'].map((name) => this.#cast(this.#parameter(weights, name, [1, GROUPS, channels / GROUPS, 1]), this.#type, 'f32'));
    const centred = this.#centre(this.#cast(this.#reshape(id, [images, GROUPS, length]), this.#type, 'f32'));
    const squares = this.#writer.op('ReduceSumSquare', [centred, this.#writer.ints([-1])], { keepdims: 1 }); // [images, GROUPS, 1]
    const variance = this.#writer.op('Add', [this.#times(squares, 1 / length, 'f32'), this.#writer.floats([epsilon])]);
    const factors = this.#writer.op('Div', [weight!, this.#reshape(this.#writer.op('Sqrt', [variance]), [images, GROUPS, 1, 1])]); // [images, GROUPS, C / GROUPS, 1]
    const scaled = this.#writer.op('Mul', [this.#reshape(centred, [images, GROUPS, channels / GROUPS, height * width]), factors]);
    const shifted = this.#cast(this.#reshape(this.#writer.op('Add', [scaled, bias!]), shape), 'f32', this.#type);
    return silu ? this.#silu(shifted) : shifted;
  }

  /** `id` less its mean along the last axis. */
  #centre(id: string): string {
    return this.#writer.op('Sub', [id, this.#writer.op('ReduceMean', [id, this.#writer.ints([-1])], { keepdims: 1 })]);
  }

  /** x · sigmoid(x), which is what onnxruntime calls QuickGelu with alpha 1. */
  #silu(id: string): string {
    if (this.#provider === 'webgpu') return this.#writer.op('Mul', [id, this.#writer.op('Sigmoid', [id])]);
    return this.#writer.contrib('QuickGelu', [id], { alpha: { float: 1 } });
  }

  /** a [rows, in] · weight [out, in]ᵀ + bias [out] */
  #gemm(a: string, weight: string, bias: readonly string[]): string {
    return this.#writer.op('Gemm', [a, weight, ...bias], { transB: 1 });
  }

  #times(id: string, factor: number, type: ElementType = this.#type): string {
    return factor === 1 ? id : this.#writer.op('Mul', [id, this.#cast(this.#writer.floats([factor]), 'f32', type)]);
  }

  #reshape(id: string, shape: readonly number[]): string {
    return this.#writer.op('Reshape', [id, this.#writer.ints(shape)]);
  }

  #transpose(id: string, perm: readonly number[]): string {
    return this.#writer.op('Transpose', [id], { perm });
  }

  #cast(id: string, from: ElementType, to: ElementType): string {
    return from === to ? id : this.#writer.op('Cast', [id], { to: TYPE[to] });
  }

  #input(name: string, shape: readonly number[]): string {
    this.#inputs.push({ name, shape });
    return this.#cast(this.#writer.input(name, shape), 'f32', this.#type);
  }

  /** The bias [out] of `weights`, if it has one, with `plus` [1, out] added. */
  #bias(weights: Weights, plus?: Vectors): string[] {
    const bias = weights.has('bias') ? this.#parameter(weights, 'bias') : null;
    if (!plus) return bias === null ? [] : [bias];
    const flat = this.#reshape(plus.id, [plus.channels]);
    return [bias === null ? flat : this.#writer.op('Add', [bias, flat])];
  }

  /** A tensor of `weights` in the type of the arithmetic; `start` skips that many rows of its first dimension. */
  #parameter(weights: Weights, name: string, shape?: readonly number[], start = 0): string {
    const info = weights.tensor(name);
    const key = `${info.name} ${start} ${shape?.join() ?? ''}`;
    const known = this.#parameters.get(key);
    if (known) return known;
    const type = elementTypeOf(info);
    const rowBytes = info.sizeBytes / info.shape[0]!;
    const stored = this.#writer.external(type, shape ?? info.shape, { location: path.basename(this.#file), offset: info.offset + start * rowBytes });
    const id = this.#cast(stored, type, this.#type);
    this.#parameters.set(key, id);
    return id;
  }
}

/** `total` as `parts` whole numbers that differ by 1 at most. */
function evenly(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, i) => Math.floor(((i + 1) * total) / parts) - Math.floor((i * total) / parts));
}

function elementTypeOf({ name, dtype }: TensorInfo): 'f32' | 'f16' {
  if (dtype === 'F16') return 'f16';
  if (dtype === 'F32') return 'f32';
  throw new RangeError(`${name} is ${dtype}; weights are F16 or F32`);
}
