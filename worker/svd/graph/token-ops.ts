/**
 * Operations on tokens. They are [sequences × length, channels] in every layout, so all dialects share these operations. A dialect adds
 * those whose best implementation depends on the backend: norms, attention, activation.
 */
import { evenly, GraphBuilder, rowsOf } from './builder.ts';
import { ELEMENT_BYTES, type Attributes } from './onnx.ts';
import type { Tokens, VectorInput, Vectors } from './ops.ts';
import type { Weights } from './weights.ts';

interface GatedSize {
  readonly rows: number;
  readonly channels: number;
  readonly width: number;
}

export abstract class TokenOps extends GraphBuilder {
  inputVectors(name: string, { rows, widths }: VectorInput): Vectors[] {
    const all = this.input(name, [rows, widths.reduce((sum, width) => sum + width, 0)]);
    return this.pieces(all, 1, widths).map((id, i) => ({ id, rows, channels: widths[i]! }));
  }

  inputTokens(name: string, length: number, channels: number): Tokens {
    return { id: this.input(name, [length, channels]), sequences: 1, length, channels };
  }

  /** Makes `values`, concatenated along their channels, an output. */
  protected outputTokens(name: string, values: readonly Tokens[]): void {
    const joined = this.writer.concat(
      values.map((value) => this.matrix(value)),
      1,
    );
    this.declareOutput(name, joined, [rowsOf(values[0]!), values.reduce((sum, { channels }) => sum + channels, 0)]);
  }

  linear(x: Tokens, weights: Weights): Tokens {
    const [channels, into] = weights.tensor('weight').shape as [number, number];
    const id = this.gemm(this.matrix(x), this.parameter(weights, 'weight'), this.bias(weights));
    this.countMultiplyAdds(rowsOf(x) * channels * into);
    return { ...x, id, channels };
  }

  attention(query: Tokens, key: Tokens, value: Tokens, heads: number): Tokens {
    const { sequences, length, channels } = query;
    this.countMultiplyAdds(2 * sequences * length * length * channels);
    return { ...query, id: this.attend(query, key, value, heads) };
  }

  feedForward(x: Tokens, weights: Weights): Tokens {
    const [inner, outer] = [weights.at('net.0.proj'), weights.at('net.2')];
    const [channels, width] = outer.tensor('weight').shape as [number, number];
    const rows = rowsOf(x);
    this.countMultiplyAdds(rows * width * (2 * x.channels + channels));
    const { bytes, maxSlices } = this.feedForwardSlicing;
    const slices = Math.min(maxSlices, Math.ceil((rows * this.widest(width) * ELEMENT_BYTES[this.precision]) / bytes));
    const sizes = evenly(rows, slices);
    const outerWeight = this.parameter(outer, 'weight');
    const outerBias = this.bias(outer);
    const results = this.pieces(this.matrix(x), 0, sizes).map((piece, i) =>
      this.gemm(this.gated(piece, inner, { rows: sizes[i]!, channels: x.channels, width }), outerWeight, outerBias),
    );
    return { ...x, id: this.join(results), channels };
  }

  gelu(x: Tokens): Tokens {
    return { ...x, id: this.writer.op('Gelu', [this.matrix(x)]) };
  }

  silu(x: Tokens): Tokens {
    return { ...x, id: this.activate(this.matrix(x)) };
  }

  sum(x: Tokens, y: Tokens): Tokens {
    return { ...x, id: this.writer.op('Add', [this.matrix(x), this.matrix(y)]) };
  }

  addPerItem(x: Tokens, rows: Vectors): Tokens {
    const { sequences, length, channels } = x;
    if (rows.rows === 1) return { ...x, id: this.writer.op('Add', [this.matrix(x), rows.id]) };
    const items = this.writer.reshape(this.matrix(x), [rows.rows, (sequences / rows.rows) * length, channels]);
    const sum = this.writer.op('Add', [items, this.writer.reshape(rows.id, [rows.rows, 1, channels])]);
    return { ...x, id: this.writer.reshape(sum, [sequences * length, channels]) };
  }

  addPerToken(x: Tokens, rows: Vectors): Tokens {
    const { sequences, length, channels } = x;
    const sum = this.writer.op('Add', [this.writer.reshape(this.matrix(x), [sequences, length, channels]), rows.id]);
    return { ...x, id: this.writer.reshape(sum, [sequences * length, channels]) };
  }

  mix(weight: number, x: Tokens, y: Tokens): Tokens {
    return { ...x, id: this.writer.op('Add', [this.times(this.matrix(x), weight), this.times(this.matrix(y), 1 - weight)]) };
  }

  swapSpaceAndTime(x: Tokens, batch: number): Tokens {
    const { sequences, length, channels } = x;
    const swapped = this.writer.transpose(this.writer.reshape(this.matrix(x), [batch, sequences / batch, length, channels]), [0, 2, 1, 3]);
    return {
      id: this.writer.reshape(swapped, [sequences * length, channels]),
      sequences: batch * length,
      length: sequences / batch,
      channels,
    };
  }

  prepend(x: Tokens, weights: Weights, name: string): Tokens {
    const { sequences, length, channels } = x;
    if (sequences !== 1) throw new RangeError('a token can only be prepended to a single sequence');
    const id = this.writer.op('Concat', [this.parameter(weights, name, [1, channels]), this.matrix(x)], { axis: 0 });
    return { id, sequences, length: length + 1, channels };
  }

  rows(weights: Weights, name: string): Vectors {
    const [rows, channels] = weights.tensor(name).shape as [number, number];
    return { id: this.parameter(weights, name), rows, channels };
  }

  first(x: Tokens): Tokens {
    if (x.sequences !== 1) throw new RangeError('the first token can only be taken from a single sequence');
    const [from, to, axis] = [[0], [1], [0]].map((values) => this.writer.ints(values));
    return { ...x, id: this.writer.op('Slice', [this.matrix(x), from!, to!, axis!]), length: 1 };
  }

  abstract layerNorm(x: Tokens, weights: Weights, epsilon: number): Tokens;
  /** @returns [sequences × length, channels] */
  protected abstract attend(query: Tokens, key: Tokens, value: Tokens, heads: number): string;
  /** SiLU: x · sigmoid(x). */
  protected abstract activate(id: string): string;

  /** `x` as [sequences × length, channels]. */
  protected matrix(x: Tokens): string {
    return x.id;
  }

  /** a [rows, in] · weight [out, in]ᵀ + bias [out] */
  protected gemm(a: string, weight: string, bias: readonly string[]): string {
    return this.product('Gemm', [a, weight, ...bias], { transB: 1 });
  }

  /** Concatenates the rows of matrices that `gemm` computed with the same weight and bias. */
  protected join(products: readonly string[]): string {
    return this.writer.concat(products, 0);
  }

  /** Columns of the widest matrix that `gated` computes. */
  protected widest(width: number): number {
    return width;
  }

  /** a × GELU(gate), where the linear layer `inner` gives [a | gate]: [rows, channels] → [rows, width]. */
  protected gated(id: string, inner: Weights, { channels, width }: GatedSize): string {
    // Rows [0, width) of the layer compute a, the rest the gate. Two products avoid splitting one large result.
    const [a, gate] = [0, width].map((start) => {
      const half = (name: string, shape: number[]) => this.parameter(inner, name, shape, start);
      return this.gemm(id, half('weight', [width, channels]), [half('bias', [width])]);
    });
    return this.writer.op('Mul', [a!, this.writer.op('Gelu', [gate!])]);
  }

  /** A convolution or matrix product. */
  protected product(operator: 'Conv' | 'Gemm', inputs: readonly string[], attributes: Attributes): string {
    return this.writer.op(operator, inputs, attributes);
  }
}
