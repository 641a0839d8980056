/** Dialect for onnxruntime's CPU provider. docs/performance.md has the measurements behind its choices. */
import { GROUPS } from './builder.ts';
import { ChannelsFirstOps } from './channels-first.ts';
import type { Tokens } from './ops.ts';
import type { Weights } from './weights.ts';

export class CpuOps extends ChannelsFirstOps {
  /** Instance norm with rows as channels: the provider's LayerNormalization is not vectorized, so it is much slower, and less precise. */
  override layerNorm(x: Tokens, weights: Weights, epsilon: number): Tokens {
    const rows = this.writer.reshape(x.id, [x.sequences * x.length, 1, x.channels]);
    const normalized = this.writer.op('InstanceNormalization', [rows, this.writer.floats([1]), this.writer.floats([0])], {
      epsilon: { float: epsilon },
    });
    const scaled = this.writer.op('Mul', [
      this.writer.reshape(normalized, [x.sequences * x.length, x.channels]),
      this.parameter(weights, 'weight'),
    ]);
    return { ...x, id: this.writer.op('Add', [scaled, this.parameter(weights, 'bias')]) };
  }

  /** Group norm as instance norm over [images, groups, rest], followed by each channel's weight and bias. */
  protected override normalize(
    id: string,
    shape: readonly [number, number, number, number],
    weights: Weights,
    epsilon: number,
    silu: boolean,
  ): string {
    const [images, channels] = shape;
    const grouped = this.writer.cast(this.writer.reshape(id, [images, GROUPS, -1]), this.precision, 'fp32');
    const [ones, zeros] = [1, 0].map((value) => this.writer.floats(Array<number>(GROUPS).fill(value)));
    const normalized = this.writer.op('InstanceNormalization', [grouped, ones!, zeros!], { epsilon: { float: epsilon } });
    const scaled = this.writer.op('Mul', [
      this.writer.reshape(this.writer.cast(normalized, 'fp32', this.precision), shape),
      this.parameter(weights, 'weight', [1, channels, 1, 1]),
    ]);
    const shifted = this.writer.op('Add', [scaled, this.parameter(weights, 'bias', [1, channels, 1, 1])]);
    return silu ? this.activate(shifted) : shifted;
  }

  protected override attend(query: Tokens, key: Tokens, value: Tokens, heads: number): string {
    const { sequences, length, channels } = query;
    const inputs = [query, key, value].map(({ id }) => this.writer.reshape(id, [sequences, length, channels]));
    return this.writer.reshape(this.writer.contrib('MultiHeadAttention', inputs, { num_heads: heads }), [sequences * length, channels]);
  }

  protected override split(id: string, axis: number, sizes: readonly number[]): string[] {
    return this.writer.ops('Split', [id, this.writer.ints(sizes)], sizes.length, { axis });
  }

  /** QuickGelu with alpha 1 is SiLU, in one pass over memory. */
  protected override activate(id: string): string {
    return this.writer.contrib('QuickGelu', [id], { alpha: { float: 1 } });
  }
}
