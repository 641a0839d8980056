/**
 * The UNet. Everything that does not depend on the latents is an input, computed once per clip by conditioning.ts.
 * Source: diffusers models/unets/unet_spatio_temporal_condition.py and unet_3d_blocks.py.
 */
import type { UnetConfig } from '../model-config.ts';
import { contextWidths, positionWidths, timeWidths } from './conditioning.ts';
import { selfAttention, sigmoid, spatioTemporalResnet } from './layers.ts';
import type { DialectFactory, Frames, Graph, Ops, Tokens, Vectors } from './ops.ts';
import type { Weights } from './weights.ts';

interface UnetSize {
  /** 1, or 2 for both halves of classifier-free guidance in one call. */
  readonly batch: number;
  readonly frames: number;
  /** Height of the latents: pixels / 8. */
  readonly height: number;
  readonly width: number;
}

const TRANSFORMER_NORM_EPSILON = 1e-6;
const OUT_NORM_EPSILON = 1e-5;
const LAYER_NORM_EPSILON = 1e-5;

/** Epsilon of the group norms by kind of block, as in diffusers: down blocks with and without attention, mid block, up blocks. */
const BLOCK_EPSILON = { attention: 1e-6, plain: 1e-5, mid: 1e-5, up: 1e-6 } as const;

/**
 * Inputs: `sample` [batch × frames, 8, h, w], the scaled noisy latents followed by the image latents; `time` [1, …], `context` [batch, …]
 * and `positions` [frames, …], as computed by conditioningGraph. Output: `velocity` [batch × frames, 4, h, w].
 * @param size height and width must be divisible by 2 as often as the network halves them
 */
export function unetGraph(dialect: DialectFactory, weights: Weights, config: UnetConfig, size: UnetSize): Graph {
  const { batch, frames, height, width } = size;
  const { blockOutChannels, attentionHeads, layersPerBlock, downAttention, upAttention } = config;
  const levels = blockOutChannels.length;
  const ops = dialect('unet', weights);
  const sample = ops.inputFrames('sample', batch * frames, config.inChannels, height, width);
  const times = ops.inputVectors('time', { rows: 1, widths: timeWidths(config) });
  const contexts = ops.inputVectors('context', { rows: batch, widths: contextWidths(config) });
  const positions = ops.inputVectors('positions', { rows: frames, widths: positionWidths(config) });

  const resnet = (module: Weights, y: Frames, epsilon: number) =>
    spatioTemporalResnet(ops, module, y, {
      batch,
      epsilon,
      temporalEpsilon: epsilon,
      time: { spatial: times.shift()!, temporal: times.shift()! },
      mixWeights: 'spatial',
    });
  const transformer = (module: Weights, y: Frames, heads: number) =>
    spatioTemporalTransformer(ops, module, y, {
      batch,
      heads,
      context: contexts.shift()!,
      temporalContext: contexts.shift()!,
      positions: positions.shift()!,
    });

  let x = ops.conv(sample, weights.at('conv_in')); // [batch × frames, 320, h, w]
  const skips = [x];
  for (let level = 0; level < levels; level++) {
    const block = weights.at(`down_blocks.${level}`);
    const epsilon = downAttention[level] ? BLOCK_EPSILON.attention : BLOCK_EPSILON.plain;
    for (let i = 0; i < layersPerBlock[level]!; i++) {
      x = resnet(block.at(`resnets.${i}`), x, epsilon);
      if (downAttention[level]) x = transformer(block.at(`attentions.${i}`), x, attentionHeads[level]!);
      skips.push(x);
    }
    if (level < levels - 1) {
      x = ops.conv(x, block.at('downsamplers.0.conv'), { stride: 2 });
      skips.push(x);
    }
  }

  const mid = weights.at('mid_block'); // [batch × frames, 1280, h/8, w/8]
  x = resnet(mid.at('resnets.0'), x, BLOCK_EPSILON.mid);
  x = transformer(mid.at('attentions.0'), x, attentionHeads.at(-1)!);
  x = resnet(mid.at('resnets.1'), x, BLOCK_EPSILON.mid);

  for (let up = 0; up < levels; up++) {
    const block = weights.at(`up_blocks.${up}`);
    const level = levels - 1 - up;
    for (let i = 0; i <= layersPerBlock[level]!; i++) {
      x = resnet(block.at(`resnets.${i}`), ops.concat(x, skips.pop()!), BLOCK_EPSILON.up);
      if (upAttention[up]) x = transformer(block.at(`attentions.${i}`), x, attentionHeads[level]!);
    }
    if (level > 0) x = ops.conv(ops.upsample(x), block.at('upsamplers.0.conv'));
  }
  x = ops.groupNorm(x, weights.at('conv_norm_out'), OUT_NORM_EPSILON, true);
  ops.output('velocity', ops.conv(x, weights.at('conv_out'))); // [batch × frames, 4, h, w]
  return ops.finish();
}

interface TransformerOptions {
  readonly batch: number;
  readonly heads: number;
  /** Result of cross-attention: [batch, channels]. */
  readonly context: Vectors;
  readonly temporalContext: Vectors;
  /** Embeddings of the frame indices: [frames, channels]. */
  readonly positions: Vectors;
}

/**
 * Attention over each frame, then along time, blended: [batch × frames, channels, h, w] → the same shape. The context is a single token, so
 * softmax is 1 and cross-attention adds a vector that does not depend on `x`.
 * Source: diffusers models/transformers/transformer_temporal.py and models/attention.py.
 */
function spatioTemporalTransformer(ops: Ops, weights: Weights, x: Frames, options: TransformerOptions): Frames {
  const { batch, heads } = options;
  const norm = (y: Tokens, module: Weights) => ops.layerNorm(y, module, LAYER_NORM_EPSILON);
  let y = ops.toTokens(ops.groupNorm(x, weights.at('norm'), TRANSFORMER_NORM_EPSILON, false), weights.at('proj_in')); // [batch × frames, h·w, C]
  const spatial = weights.at('transformer_blocks.0');
  y = ops.sum(y, selfAttention(ops, spatial.at('attn1'), norm(y, spatial.at('norm1')), heads));
  y = ops.addPerItem(y, options.context);
  y = ops.sum(y, ops.feedForward(norm(y, spatial.at('norm3')), spatial.at('ff')));

  const temporal = weights.at('temporal_transformer_blocks.0');
  let z = ops.addPerToken(ops.swapSpaceAndTime(y, batch), options.positions); // [batch × h·w, frames, C]
  z = ops.sum(z, ops.feedForward(norm(z, temporal.at('norm_in')), temporal.at('ff_in')));
  z = ops.sum(z, selfAttention(ops, temporal.at('attn1'), norm(z, temporal.at('norm1')), heads));
  z = ops.addPerItem(z, options.temporalContext);
  z = ops.sum(z, ops.feedForward(norm(z, temporal.at('norm3')), temporal.at('ff')));

  const mix = sigmoid(weights.at('time_mixer').scalar('mix_factor'));
  y = ops.mix(mix, y, ops.swapSpaceAndTime(z, batch));
  return ops.add(ops.fromTokens(y, weights.at('proj_out'), x.height, x.width), x);
}
