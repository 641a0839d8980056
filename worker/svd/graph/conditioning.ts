/**
 * The parts of the UNet that do not depend on the latents: time and position embeddings, and cross-attention to the single context token.
 * This small graph runs once per clip, for all steps; its results are inputs of the UNet.
 */
import type { UnetConfig } from '../model-config.ts';
import type { DialectFactory, Graph, Ops, Tokens } from './ops.ts';
import type { Weights } from './weights.ts';

interface Module {
  readonly path: string;
  readonly channels: number;
}

/** Spatio-temporal ResNets and transformers, in the order of the forward pass. */
function modules(config: UnetConfig): { resnets: Module[]; transformers: Module[] } {
  const { blockOutChannels, layersPerBlock, downAttention, upAttention } = config;
  const levels = blockOutChannels.length;
  const resnets: Module[] = [];
  const transformers: Module[] = [];
  const layer = (block: string, i: number, channels: number, attention: boolean) => {
    resnets.push({ path: `${block}.resnets.${i}`, channels });
    if (attention) transformers.push({ path: `${block}.attentions.${i}`, channels });
  };
  for (let level = 0; level < levels; level++) {
    for (let i = 0; i < layersPerBlock[level]!; i++) layer(`down_blocks.${level}`, i, blockOutChannels[level]!, downAttention[level]!);
  }
  layer('mid_block', 0, blockOutChannels.at(-1)!, true);
  layer('mid_block', 1, blockOutChannels.at(-1)!, false);
  for (let up = 0; up < levels; up++) {
    const level = levels - 1 - up;
    for (let i = 0; i <= layersPerBlock[level]!; i++) layer(`up_blocks.${up}`, i, blockOutChannels[level]!, upAttention[up]!);
  }
  return { resnets, transformers };
}

/** Widths of the pieces of `time`: for each ResNet, its spatial and then its temporal part. */
export function timeWidths(config: UnetConfig): number[] {
  return modules(config).resnets.flatMap(({ channels }) => [channels, channels]);
}

/** Widths of the pieces of `context`: for each transformer, the result of its spatial and then its temporal cross-attention. */
export function contextWidths(config: UnetConfig): number[] {
  return modules(config).transformers.flatMap(({ channels }) => [channels, channels]);
}

/** Widths of the pieces of `positions`: one per transformer. */
export function positionWidths(config: UnetConfig): number[] {
  return modules(config).transformers.map(({ channels }) => channels);
}

interface ConditioningSize {
  readonly steps: number;
  readonly frames: number;
  /** Rows of context. */
  readonly batch: number;
}

/**
 * Inputs: `timesteps` [steps, 320] and `ids` [steps, 768], both as sinusoids; `context` [batch, 1024]; `frames{C}` [frames, C],
 * sinusoids of the frame indices, for each width C of `frameWidths`. Outputs: `time` [steps, …], `context` [batch, …] and `positions`
 * [frames, …], each the concatenation of pieces whose widths the functions above return.
 */
export function conditioningGraph(dialect: DialectFactory, weights: Weights, config: UnetConfig, size: ConditioningSize): Graph {
  const { steps, frames, batch } = size;
  const { resnets, transformers } = modules(config);
  const ops = dialect('conditioning', weights);
  const timesteps = ops.inputTokens('timesteps', steps, config.blockOutChannels[0]!);
  const ids = ops.inputTokens('ids', steps, config.projectionClassEmbeddingsInputDim);
  const context = ops.inputTokens('context', batch, config.crossAttentionDim);
  const numbers = new Map(frameWidths(config).map((channels) => [channels, ops.inputTokens(`frames${channels}`, frames, channels)]));

  const embedding = ops.sum(mlp(ops, weights.at('time_embedding'), timesteps), mlp(ops, weights.at('add_embedding'), ids)); // [steps, 1280]
  const time = ops.silu(embedding);
  ops.output(
    'time',
    resnets.flatMap(({ path }) =>
      ['spatial_res_block', 'temporal_res_block'].map((part) => ops.linear(time, weights.at(path).at(part).at('time_emb_proj'))),
    ),
  );
  // Softmax over a single token is 1, so attention returns the value regardless of the query.
  ops.output(
    'context',
    transformers.flatMap(({ path }) =>
      ['transformer_blocks.0', 'temporal_transformer_blocks.0'].map((part) => {
        const attention = weights.at(path).at(part).at('attn2');
        return ops.linear(ops.linear(context, attention.at('to_v')), attention.at('to_out.0'));
      }),
    ),
  );
  ops.output(
    'positions',
    transformers.map(({ path, channels }) => mlp(ops, weights.at(path).at('time_pos_embed'), numbers.get(channels)!)),
  );
  return ops.finish();
}

/** Widths for which conditioningGraph needs sinusoids of the frame indices. */
export function frameWidths(config: UnetConfig): number[] {
  return [...new Set(positionWidths(config))];
}

/** Source: diffusers models/embeddings.py, TimestepEmbedding. */
function mlp(ops: Ops, weights: Weights, x: Tokens): Tokens {
  return ops.linear(ops.silu(ops.linear(x, weights.at('linear_1'))), weights.at('linear_2'));
}

/**
 * Sinusoidal embedding: each value becomes cos(value · f), then sin(value · f), for width / 2 frequencies f from 1 down to almost
 * 1 / 10000.
 * Source: diffusers models/embeddings.py, get_timestep_embedding with flip_sin_to_cos and no shift.
 * @returns [values, width]
 */
export function sinusoids(values: readonly number[], width: number): Float32Array {
  const half = width / 2;
  const rows = new Float32Array(values.length * width);
  values.forEach((value, row) => {
    for (let k = 0; k < half; k++) {
      const angle = value * Math.exp((-Math.log(10_000) * k) / half);
      rows[row * width + k] = Math.cos(angle);
      rows[row * width + half + k] = Math.sin(angle);
    }
  });
  return rows;
}
