/**
 * The VAE: an image encoder and a temporal decoder.
 * Source: diffusers models/autoencoders/autoencoder_kl_temporal_decoder.py and vae.py.
 */
import type { VaeConfig } from '../model-config.ts';
import { spatialResnet, spatioTemporalResnet } from './layers.ts';
import type { DialectFactory, Frames, Graph, Ops } from './ops.ts';
import type { Weights } from './weights.ts';

const EPSILON = 1e-6;
const TEMPORAL_EPSILON = 1e-5;

/** Width and height of a latent cell, in pixels. */
export function vaeScale({ blockOutChannels }: VaeConfig): number {
  return 2 ** (blockOutChannels.length - 1);
}

/**
 * Encoder: `image` [1, 3, height, width] in −1…1 → `moments` [1, 8, height / 8, width / 8]. The first four channels are the mean of the
 * latents, unscaled.
 */
export function encoderGraph(dialect: DialectFactory, all: Weights, config: VaeConfig, height: number, width: number): Graph {
  const ops = dialect('vae-encoder', all);
  const weights = all.at('encoder');
  const levels = config.blockOutChannels.length;
  let x = ops.conv(ops.inputFrames('image', 1, 3, height, width), weights.at('conv_in')); // [1, 128, H, W]
  for (let level = 0; level < levels; level++) {
    const block = weights.at(`down_blocks.${level}`);
    for (let i = 0; i < config.layersPerBlock; i++) x = spatialResnet(ops, block.at(`resnets.${i}`), x, EPSILON);
    // Halves height and width, with zero padding only on the right and at the bottom.
    if (level < levels - 1) x = ops.conv(x, block.at('downsamplers.0.conv'), { stride: 2, pads: [0, 0, 1, 1] });
  }
  const mid = weights.at('mid_block'); // [1, 512, H/8, W/8]
  x = spatialResnet(ops, mid.at('resnets.0'), x, EPSILON);
  x = attention(ops, mid.at('attentions.0'), x);
  x = spatialResnet(ops, mid.at('resnets.1'), x, EPSILON);
  x = ops.conv(ops.groupNorm(x, weights.at('conv_norm_out'), EPSILON, true), weights.at('conv_out'));
  ops.output('moments', ops.conv(x, all.at('quant_conv'))); // [1, 8, H/8, W/8]
  return ops.finish();
}

/** Decoder for one chunk: `latents` [frames, 4, height, width], unscaled → `images` [frames, 3, 8 × height, 8 × width] in about −1…1. */
export function decoderGraph(
  dialect: DialectFactory,
  all: Weights,
  config: VaeConfig,
  frames: number,
  height: number,
  width: number,
): Graph {
  const ops = dialect('vae-decoder', all);
  const weights = all.at('decoder');
  const levels = config.blockOutChannels.length;
  const resnet = (block: Weights, i: number, x: Frames) =>
    spatioTemporalResnet(ops, block.at(`resnets.${i}`), x, {
      batch: 1,
      epsilon: EPSILON,
      temporalEpsilon: TEMPORAL_EPSILON,
      mixWeights: 'temporal',
    });
  let x = ops.conv(ops.inputFrames('latents', frames, config.latentChannels, height, width), weights.at('conv_in')); // [F, 512, h, w]
  const mid = weights.at('mid_block');
  x = resnet(mid, 0, x);
  // One attention, before the second ResNet. If the configuration has more ResNets, diffusers never runs them.
  if (config.layersPerBlock > 1) x = resnet(mid, 1, attention(ops, mid.at('attentions.0'), x));
  for (let level = 0; level < levels; level++) {
    const block = weights.at(`up_blocks.${level}`);
    for (let i = 0; i <= config.layersPerBlock; i++) x = resnet(block, i, x);
    if (level < levels - 1) x = ops.conv(ops.upsample(x), block.at('upsamplers.0.conv'));
  }
  x = ops.conv(ops.groupNorm(x, weights.at('conv_norm_out'), EPSILON, true), weights.at('conv_out')); // [F, 3, H, W]
  ops.output('images', ops.toFrames(ops.temporalConv(ops.toClip(x, 1), weights.at('time_conv_out'))));
  return ops.finish();
}

/**
 * Single-head self-attention over all positions of an image, with a residual connection.
 * Source: diffusers models/attention_processor.py, Attention with group norm.
 */
function attention(ops: Ops, weights: Weights, x: Frames): Frames {
  const normalized = ops.groupNorm(x, weights.at('group_norm'), EPSILON, false);
  const [query, key, value] = ['to_q', 'to_k', 'to_v'].map((name) => ops.toTokens(normalized, weights.at(name))); // [images, h·w, C]
  return ops.add(ops.fromTokens(ops.attention(query!, key!, value!, 1), weights.at('to_out.0'), x.height, x.width), x);
}
