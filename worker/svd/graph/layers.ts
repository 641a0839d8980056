/** Modules shared by the UNet and the VAE. */
import type { Frames, Ops, Tokens, Vectors } from './ops.ts';
import type { Weights } from './weights.ts';

/** Projections of a step's time embedding, added inside a spatio-temporal ResNet: [1, out channels] each. */
interface TimeVectors {
  readonly spatial: Vectors;
  readonly temporal: Vectors;
}

interface ResnetOptions {
  readonly batch: number;
  /** Epsilon of the spatial group norms. */
  readonly epsilon: number;
  /** Epsilon of the temporal group norms. */
  readonly temporalEpsilon: number;
  /** Omitted in the VAE. */
  readonly time?: TimeVectors;
  /** Which part is weighted by the sigmoid of the mix factor: the spatial one in the UNet, the temporal one in the VAE. */
  readonly mixWeights: 'spatial' | 'temporal';
}

/**
 * A ResNet over each frame, then one along time, blended: [batch × frames, in, h, w] → [batch × frames, out, h, w].
 * Source: diffusers models/resnet.py, SpatioTemporalResBlock.
 */
export function spatioTemporalResnet(ops: Ops, weights: Weights, x: Frames, options: ResnetOptions): Frames {
  const { batch, temporalEpsilon, time, mixWeights } = options;
  const spatial = spatialResnet(ops, weights.at('spatial_res_block'), x, options.epsilon, time?.spatial);
  const mix = sigmoid(weights.at('time_mixer').scalar('mix_factor'));
  // mix·spatial + (1 − mix)·(spatial + change) = spatial + (1 − mix)·change, so the factor is folded into the second convolution.
  const scale = mixWeights === 'spatial' ? 1 - mix : mix;
  const temporal = weights.at('temporal_res_block');
  let y = ops.toClip(spatial, batch); // [batch, out, frames, h, w]
  y = ops.temporalConv(ops.temporalNorm(y, temporal.at('norm1'), temporalEpsilon), temporal.at('conv1'), { plus: time?.temporal });
  y = ops.temporalConv(ops.temporalNorm(y, temporal.at('norm2'), temporalEpsilon), temporal.at('conv2'), { scale });
  return ops.add(spatial, ops.toFrames(y));
}

/**
 * Two convolutions over each frame plus a shortcut: [images, in, h, w] → [images, out, h, w].
 * Source: diffusers models/resnet.py, ResnetBlock2D.
 */
export function spatialResnet(ops: Ops, weights: Weights, x: Frames, epsilon: number, time?: Vectors): Frames {
  let y = ops.conv(ops.groupNorm(x, weights.at('norm1'), epsilon, true), weights.at('conv1'), { plus: time });
  y = ops.conv(ops.groupNorm(y, weights.at('norm2'), epsilon, true), weights.at('conv2'));
  const shortcut = weights.has('conv_shortcut.weight') ? ops.conv(x, weights.at('conv_shortcut')) : x;
  return ops.add(shortcut, y);
}

/** Self-attention with its projections: [sequences, length, channels] → the same shape. */
export function selfAttention(ops: Ops, weights: Weights, x: Tokens, heads: number): Tokens {
  const [query, key, value] = ['to_q', 'to_k', 'to_v'].map((name) => ops.linear(x, weights.at(name)));
  return ops.linear(ops.attention(query!, key!, value!, heads), weights.at('to_out.0'));
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
