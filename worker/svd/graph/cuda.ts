/**
 * Dialect for onnxruntime's CUDA provider: few, large kernels over channels-last data. docs/cuda.md has the reasons for its choices.
 *
 * Sums are fused with what follows them. A bias or sum is first written by itself; if a norm or another sum turns out to be the first to use
 * it, the node is withdrawn and its terms become inputs of the norm, which then also gives the sum (SkipGroupNorm,
 * SkipLayerNormalization), or of one node for all terms (BiasAdd).
 */
import { GROUPS, rowsOf, type DialectOptions } from './builder.ts';
import { ChannelsLastOps, type ConvolutionCall, type ImageShape } from './channels-last.ts';
import { convolution, groupNorm } from './expansions.ts';
import { DOMAIN, ELEMENT_BYTES } from './onnx.ts';
import type { Tokens, Vectors } from './ops.ts';
import type { Weights } from './weights.ts';

/**
 * How convolutions are written: `nhwc`, as the operator on channels-last data that onnxruntime's layout transformation uses internally, or
 * `plain`, with public operators only and two Transposes each.
 */
export type CudaLayout = 'nhwc' | 'plain';

interface CudaOptions extends DialectOptions {
  readonly layout: CudaLayout;
}

/** A sum: one or two values [positions, channels] and vectors [channels]. */
interface Terms {
  readonly x: string;
  readonly y?: string;
  readonly vectors: readonly string[];
}

interface Sum {
  /** Number of values, without vectors. */
  readonly values: 1 | 2;
  /** Writes what computes the terms, once the sum's own node is withdrawn. */
  terms(): Terms;
}

/** Largest number of values that the provider's kernels address: they compute with 32-bit integers. */
const INT32_VALUES = 2 ** 31 - 1;

/** Widths of [a | gate] that the kernel of BiasSplitGelu is compiled for. */
const SPLIT_GELU_WIDTHS: readonly number[] = [2560, 5120, 10_240];

export class CudaOps extends ChannelsLastOps {
  readonly #layout: CudaLayout;
  readonly #sums = new Map<string, Sum>();
  /** Tokens plus a row for each token of a sequence, by id of the sum. */
  readonly #sumsPerToken = new Map<string, { readonly x: string; readonly rows: Vectors }>();
  /** Weighted sums, by id: the same value as `factor` × the result of `write`. */
  readonly #mixes = new Map<string, { readonly factor: number; write(): string }>();

  constructor(name: string, weights: Weights, { layout, feedForward, ...options }: CudaOptions) {
    const bytes = Math.min(feedForward.bytes, (INT32_VALUES - Math.max(...SPLIT_GELU_WIDTHS)) * ELEMENT_BYTES[options.precision]);
    super(name, weights, { ...options, feedForward: { ...feedForward, bytes } });
    this.#layout = layout;
  }

  override addPerItem(x: Tokens, rows: Vectors): Tokens {
    const { channels } = x;
    if (rows.rows === 1) {
      const vector = this.inShape(rows.id, [channels]);
      const shape = this.shapeOf(x.id, [rowsOf(x), channels]); // a Reshape would be a use of `x`
      const id = this.withShape(this.writer.op('Add', [x.id, vector]), shape);
      const values = this.#sums.get(x.id)?.values ?? 1;
      this.#sums.set(id, {
        values,
        terms: () => {
          const terms = this.#terms(x.id, values);
          return { ...terms, vectors: [...terms.vectors, vector] };
        },
      });
      return { ...x, id };
    }
    const terms = this.#terms(x.id, 2);
    const row = terms.vectors.length > 0 ? this.writer.op('Add', [rows.id, this.#total(terms.vectors)]) : rows.id;
    const shape = [rows.rows, rowsOf(x) / rows.rows, channels];
    const sum = this.writer.op('Add', [this.inShape(terms.x, shape), this.inShape(row, [rows.rows, 1, channels])]);
    this.withShape(sum, shape);
    return { ...x, id: terms.y === undefined ? sum : this.plus(sum, terms.y, [rowsOf(x), channels]) };
  }

  override addPerToken(x: Tokens, rows: Vectors): Tokens {
    const shape = [x.sequences, x.length, x.channels];
    const id = this.withShape(this.writer.op('Add', [this.inShape(x.id, shape), rows.id]), shape);
    this.#sumsPerToken.set(id, { x: x.id, rows });
    return { ...x, id };
  }

  /** Factors the larger weight out, for the linear layer that follows to apply. */
  override mix(weight: number, x: Tokens, y: Tokens): Tokens {
    const [factor, larger, smaller] = weight < 0.5 ? [1 - weight, y, x] : [weight, x, y];
    const mixed = super.mix(weight, x, y);
    const write = () => this.writer.op('Add', [this.matrix(larger), this.times(this.matrix(smaller), (1 - factor) / factor)]);
    this.#mixes.set(mixed.id, { factor, write });
    return mixed;
  }

  override layerNorm(x: Tokens, weights: Weights, epsilon: number): Tokens {
    const { sequences, length, channels } = x;
    const [gamma, beta] = [this.parameter(weights, 'weight'), this.parameter(weights, 'bias')];
    const attributes = { epsilon: { float: epsilon } };
    /** @param skip [rows, channels], where `input` is [rows, channels] or [any, rows, channels] */
    const skipNorm = (input: string, shape: readonly number[], skip: string, vectors: readonly string[] = []): Tokens => {
      const bias = vectors.length > 0 ? [this.#total(vectors)] : [];
      const [id] = this.writer.ops(
        'SkipLayerNormalization',
        [this.inShape(input, shape), skip, gamma!, beta!, ...bias],
        [this.writer.name(), '', '', x.id],
        attributes,
        DOMAIN.microsoft,
      );
      this.withShape(x.id, shape);
      return { ...x, id: this.withShape(id!, shape) };
    };
    const perToken = this.#sumsPerToken.get(x.id);
    if (perToken && this.writer.withdraw(x.id)) return skipNorm(perToken.x, [sequences, length, channels], perToken.rows.id);
    const terms = this.#terms(x.id, 2);
    const matrix = [rowsOf(x), channels];
    if (terms.y !== undefined) return skipNorm(terms.x, matrix, this.inShape(terms.y, matrix), terms.vectors);
    if (terms.vectors.length > 0) return skipNorm(terms.x, [rowsOf(x), 1, channels], this.#row(this.#total(terms.vectors), channels));
    return { ...x, id: this.writer.op('LayerNormalization', [this.matrix(x), gamma!, beta!], { axis: -1, ...attributes }) };
  }

  protected override normalize(id: string, shape: ImageShape, weights: Weights, epsilon: number, silu: boolean): string {
    const [images, height, width, channels] = shape;
    const [gamma, beta] = ['weight', 'bias'].map((name) => this.parameter(weights, name, undefined, 0, 'fp32'));
    if (!takesGroupNorm(channels, height * width)) {
      const x = { id: this.inShape(id, shape), type: this.precision, shape };
      return this.withShape(groupNorm(this.writer, x, { id: gamma! }, { id: beta! }, { groups: GROUPS, epsilon, silu }), shape);
    }
    const attributes = { groups: GROUPS, epsilon: { float: epsilon }, activation: silu ? 1 : 0, channels_last: 1 };
    const { x, y, vectors } = this.#terms(id, 2);
    const inputs = [this.inShape(x, shape), gamma!, beta!];
    if (y === undefined && vectors.length === 0) return this.withShape(this.writer.contrib('GroupNorm', inputs, attributes), shape);
    // Instead of a second value, SkipGroupNorm takes a vector for each image.
    const skip = y === undefined ? this.#perImage(vectors.at(-1)!, images, channels) : this.inShape(y, shape);
    const others = y === undefined ? vectors.slice(0, -1) : vectors;
    const bias = others.length > 0 ? [this.#total(others)] : [];
    const outputs = [this.writer.name(), id];
    const [normalized] = this.writer.ops('SkipGroupNorm', [...inputs, skip, ...bias], outputs, attributes, DOMAIN.microsoft);
    this.withShape(id, shape);
    return this.withShape(normalized!, shape);
  }

  protected override plus(x: string, y: string, matrix: readonly [number, number]): string {
    const [a, b] = [this.#terms(x, 1), this.#terms(y, 1)];
    const vectors = [...a.vectors, ...b.vectors];
    // BiasAdd takes [any, positions, channels].
    const shape = vectors.length > 0 ? [1, ...matrix] : this.shapeOf(a.x, matrix);
    const [first, second] = [a.x, b.x].map((id) => this.inShape(id, shape));
    const id =
      vectors.length > 0
        ? this.writer.contrib('BiasAdd', [first!, this.#total(vectors), second!])
        : this.writer.op('Add', [first!, second!]);
    this.#sums.set(id, { values: 2, terms: () => ({ x: a.x, y: b.x, vectors }) });
    return this.withShape(id, shape);
  }

  protected override convolve({ x, from, to, weight, attributes }: ConvolutionCall, vectors: readonly string[]): string {
    const input = this.inShape(x, from);
    return this.#product(vectors, (bias) => {
      const id =
        this.#layout === 'nhwc'
          ? this.writer.op('Conv', [input, weight, ...bias], attributes, DOMAIN.nhwc)
          : convolution(this.writer, input, weight, bias, attributes);
      return this.withShape(id, to);
    });
  }

  protected override gemm(a: string, weight: string, vectors: readonly string[]): string {
    const mix = this.#mixes.get(a);
    const [matrix, alpha] = mix && this.writer.withdraw(a) ? [mix.write(), { alpha: { float: mix.factor } }] : [a, {}];
    return this.#product(vectors, (bias) => this.product('Gemm', [matrix, weight, ...bias], { transB: 1, ...alpha }));
  }

  protected override join(products: readonly string[]): string {
    const sums = products.map((id) => this.#sums.get(id));
    const id = super.join(products);
    if (products.length > 1 && sums.every((sum) => sum !== undefined)) {
      const terms = () => {
        const parts = sums.map((sum) => sum.terms());
        return { x: super.join(parts.map(({ x }) => x)), vectors: parts[0]!.vectors };
      };
      this.#sums.set(id, { values: 1, terms });
    }
    return id;
  }

  protected override widest(width: number): number {
    return SPLIT_GELU_WIDTHS.includes(2 * width) ? 2 * width : width;
  }

  protected override gated(id: string, inner: Weights, size: { rows: number; channels: number; width: number }): string {
    const { rows, width } = size;
    if (!SPLIT_GELU_WIDTHS.includes(2 * width)) return super.gated(id, inner, size);
    const both = this.inShape(this.gemm(id, this.parameter(inner, 'weight'), []), [1, rows, 2 * width]);
    const gated = this.writer.contrib('BiasSplitGelu', [both, this.parameter(inner, 'bias')]);
    return this.inShape(this.withShape(gated, [1, rows, width]), [rows, width]);
  }

  /**
   * Queries, keys and values come from three products: packed into one, the provider's flash attention would first copy them apart, which
   * moves more than reading the product's input three times.
   */
  protected override attend(query: Tokens, key: Tokens, value: Tokens, heads: number): string {
    const { sequences, length, channels } = query;
    const shape = [sequences, length, channels];
    const inputs = [query, key, value].map(({ id }) => this.inShape(id, shape));
    return this.withShape(this.writer.contrib('MultiHeadAttention', inputs, { num_heads: heads }), shape);
  }

  protected override split(id: string, axis: number, sizes: readonly number[]): string[] {
    return this.writer.ops('Split', [id, this.writer.ints(sizes)], sizes.length, { axis });
  }

  /** QuickGelu with alpha 1 is SiLU, in one pass over memory. */
  protected override activate(id: string): string {
    return this.writer.contrib('QuickGelu', [id], { alpha: { float: 1 } });
  }

  /** What `compute` writes for the total of `vectors` as its bias; recorded as a sum. */
  #product(vectors: readonly string[], compute: (bias: readonly string[]) => string): string {
    if (vectors.length === 0) return compute([]);
    const id = compute([this.#total(vectors)]);
    this.#sums.set(id, { values: 1, terms: () => ({ x: compute([]), vectors }) });
    return id;
  }

  /** Withdraws a sum that nothing uses yet and returns its terms, if these have at most `values` values. Otherwise the only term is `id`. */
  #terms(id: string, values: 1 | 2): Terms {
    const sum = this.#sums.get(id);
    return sum && sum.values <= values && this.writer.withdraw(id) ? sum.terms() : { x: id, vectors: [] };
  }

  /** A vector [channels] as [images, channels]. */
  #perImage(vector: string, images: number, channels: number): string {
    const row = this.#row(vector, channels);
    return images === 1 ? row : this.writer.op('Expand', [row, this.writer.ints([images, channels])]);
  }

  /** A vector [channels] as [1, channels]. */
  #row(vector: string, channels: number): string {
    return this.inShape(this.withShape(vector, [channels]), [1, channels]);
  }

  /** The sum of one or more vectors [channels]. */
  #total(vectors: readonly string[]): string {
    return vectors.reduce((sum, vector) => this.writer.op('Add', [sum, vector]));
  }
}

/** Whether the GroupNorm kernel takes this many channels and positions: it reads two channels of a group at a time. */
function takesGroupNorm(channels: number, positions: number): boolean {
  const perGroup = channels / GROUPS;
  return perGroup % 2 === 0 && perGroup <= 512 && channels * positions <= INT32_VALUES;
}
