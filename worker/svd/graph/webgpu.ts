/** Dialect for onnxruntime's WebGPU provider. docs/webgpu.md lists the provider's limits that it works around. */
import { evenly, GROUPS } from './builder.ts';
import { ChannelsFirstOps } from './channels-first.ts';
import { ELEMENT_BYTES, type Attributes } from './onnx.ts';
import type { Tokens } from './ops.ts';
import type { Weights } from './weights.ts';

/** Attention works on a part of the sequences or queries at a time, so that its scores stay below this size. */
const SCORES_BYTES = 128e6;

export class WebgpuOps extends ChannelsFirstOps {
  /** Values by id → the same values cast to float32. */
  readonly #widened = new Map<string, string>();

  /** Centers the values first: the provider computes the variance as E[x²] − E[x]², which loses precision where the mean is large. */
  override layerNorm(x: Tokens, weights: Weights, epsilon: number): Tokens {
    const inputs = [this.#center(x.id), this.parameter(weights, 'weight'), this.parameter(weights, 'bias')];
    return { ...x, id: this.writer.op('LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } }) };
  }

  /** Group norm in elementary operators, on centered values for the same reason. */
  protected override normalize(
    id: string,
    shape: readonly [number, number, number, number],
    weights: Weights,
    epsilon: number,
    silu: boolean,
  ): string {
    const [images, channels, height, width] = shape;
    const length = (channels / GROUPS) * height * width; // values per group
    const [weight, bias] = ['weight', 'bias'].map((name) =>
      this.writer.cast(this.parameter(weights, name, [1, GROUPS, channels / GROUPS, 1]), this.precision, 'fp32'),
    );
    const centered = this.#center(this.writer.cast(this.writer.reshape(id, [images, GROUPS, length]), this.precision, 'fp32'));
    const squares = this.writer.op('ReduceSumSquare', [centered, this.writer.ints([-1])], { keepdims: 1 }); // [images, GROUPS, 1]
    const variance = this.writer.op('Add', [this.times(squares, 1 / length, 'fp32'), this.writer.floats([epsilon])]);
    const factors = this.writer.op('Div', [weight!, this.writer.reshape(this.writer.op('Sqrt', [variance]), [images, GROUPS, 1, 1])]); // [images, GROUPS, C / GROUPS, 1]
    const scaled = this.writer.op('Mul', [this.writer.reshape(centered, [images, GROUPS, channels / GROUPS, height * width]), factors]);
    const shifted = this.writer.cast(this.writer.reshape(this.writer.op('Add', [scaled, bias!]), shape), 'fp32', this.precision);
    return silu ? this.activate(shifted) : shifted;
  }

  /**
   * Attention in elementary operators and float32. onnxruntime 1.29's own attention for WebGPU has errors of 1 % and more from 32 tokens
   * on (seen with subgroups of 4, 8 and 16 lanes), and probabilities over thousands of tokens are too small for float16.
   */
  protected override attend(query: Tokens, key: Tokens, value: Tokens, heads: number): string {
    const { sequences, length, channels } = query;
    const bytes = heads * length ** 2 * ELEMENT_BYTES.fp32; // scores of one sequence
    const groups = evenly(sequences, Math.min(sequences, Math.ceil((sequences * bytes) / SCORES_BYTES)));
    const queryParts = evenly(length, Math.ceil(bytes / SCORES_BYTES));
    const pieces = [query, key, value].map(({ id }) =>
      this.pieces(
        id,
        0,
        groups.map((count) => count * length),
      ),
    );
    const results = groups.map((count, group) => {
      const [q, k, v] = pieces.map((ids, i) => {
        const perHead = this.writer.reshape(this.writer.cast(ids[group]!, this.precision, 'fp32'), [
          count,
          length,
          heads,
          channels / heads,
        ]);
        return this.writer.transpose(perHead, i === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3]);
      });
      const scaled = this.times(q!, Math.sqrt(heads / channels), 'fp32');
      const parts = this.pieces(scaled, 2, queryParts).map((part) =>
        this.writer.op('MatMul', [this.writer.op('Softmax', [this.writer.op('MatMul', [part, k!])], { axis: -1 }), v!]),
      );
      return this.writer.cast(
        this.writer.reshape(this.writer.transpose(this.writer.concat(parts, 2), [0, 2, 1, 3]), [count * length, channels]),
        'fp32',
        this.precision,
      );
    });
    return this.writer.concat(results, 0);
  }

  /** One Slice per piece, because a shader can write to only a few buffers. */
  protected override split(id: string, axis: number, sizes: readonly number[]): string[] {
    let end = 0;
    return sizes.map((size) => this.writer.op('Slice', [id, ...[end, (end += size), axis].map((value) => this.writer.ints([value]))]));
  }

  protected override activate(id: string): string {
    return this.writer.op('Mul', [id, this.writer.op('Sigmoid', [id])]);
  }

  /** In float32: the provider accumulates in the type of its inputs, and sums of thousands of products lose too much in float16. */
  protected override product(operator: 'Conv' | 'Gemm', inputs: readonly string[], attributes: Attributes): string {
    if (this.precision === 'fp32') return this.writer.op(operator, inputs, attributes);
    const widened = inputs.map((id) => {
      const known = this.#widened.get(id) ?? this.writer.cast(id, 'fp16', 'fp32');
      this.#widened.set(id, known);
      return known;
    });
    return this.writer.cast(this.writer.op(operator, widened, attributes), 'fp32', 'fp16');
  }

  /** Subtracts the mean along the last axis. */
  #center(id: string): string {
    return this.writer.op('Sub', [id, this.writer.op('ReduceMean', [id, this.writer.ints([-1])], { keepdims: 1 })]);
  }
}
