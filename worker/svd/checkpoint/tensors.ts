/**
 * Names and shapes of all tensors that a configuration implies, module by module in checkpoint order. Comments mark where diffusers'
 * topology differs from what its configuration suggests.
 */
import type { ClipConfig, UnetConfig, VaeConfig } from '../model-config.ts';

export type TensorShapes = ReadonlyMap<string, readonly number[]>;

/** Components that have weights; also their folder names. */
export type ComponentName = 'unet' | 'vae' | 'image_encoder';

/** UNetSpatioTemporalConditionModel. */
export function unetTensors(config: UnetConfig): TensorShapes {
  const { blockOutChannels: widths, layersPerBlock: layers, crossAttentionDim: context } = config;
  const tensors = new Tensors();
  const [first, last] = [widths[0]!, widths.at(-1)!];
  const time = 4 * first;
  const deepest = widths.length - 1;

  tensors.conv('conv_in', config.inChannels, first, 3, 3);
  tensors.linear('time_embedding.linear_1', first, time);
  tensors.linear('time_embedding.linear_2', time, time);
  tensors.linear('add_embedding.linear_1', config.projectionClassEmbeddingsInputDim, time);
  tensors.linear('add_embedding.linear_2', time, time);

  let width = first;
  const skips = [width];
  for (const [level, out] of widths.entries()) {
    const block = `down_blocks.${level}`;
    for (let layer = 0; layer < layers[level]!; layer++) {
      tensors.spatioTemporalResnet(`${block}.resnets.${layer}`, width, out, time);
      if (config.downAttention[level]) tensors.spatioTemporalTransformer(`${block}.attentions.${layer}`, out, context);
      width = out;
      skips.push(width);
    }
    if (level < deepest) {
      tensors.conv(`${block}.downsamplers.0.conv`, width, width, 3, 3);
      skips.push(width);
    }
  }

  // Always two ResNets around one transformer, whatever layers_per_block and the block types say.
  tensors.spatioTemporalResnet('mid_block.resnets.0', last, last, time);
  tensors.spatioTemporalTransformer('mid_block.attentions.0', last, context);
  tensors.spatioTemporalResnet('mid_block.resnets.1', last, last, time);

  for (const [index, out] of widths.toReversed().entries()) {
    const block = `up_blocks.${index}`;
    for (let layer = 0; layer <= layers[deepest - index]!; layer++) {
      tensors.spatioTemporalResnet(`${block}.resnets.${layer}`, width + skips.pop()!, out, time);
      if (config.upAttention[index]) tensors.spatioTemporalTransformer(`${block}.attentions.${layer}`, out, context);
      width = out;
    }
    if (index < deepest) tensors.conv(`${block}.upsamplers.0.conv`, width, width, 3, 3);
  }

  tensors.norm('conv_norm_out', first);
  tensors.conv('conv_out', first, config.outChannels, 3, 3);
  return tensors.shapes;
}

/** AutoencoderKLTemporalDecoder: Stable Diffusion's encoder and a decoder with temporal layers. There is no post_quant_conv. */
export function vaeTensors(config: VaeConfig): TensorShapes {
  const { blockOutChannels: widths, layersPerBlock: layers, latentChannels: latent } = config;
  const tensors = new Tensors();
  const [first, last] = [widths[0]!, widths.at(-1)!];
  const deepest = widths.length - 1;

  tensors.conv('encoder.conv_in', 3, first, 3, 3);
  let width = first;
  for (const [level, out] of widths.entries()) {
    const block = `encoder.down_blocks.${level}`;
    for (let layer = 0; layer < layers; layer++) {
      tensors.resnet(`${block}.resnets.${layer}`, width, out);
      width = out;
    }
    if (level < deepest) tensors.conv(`${block}.downsamplers.0.conv`, width, width, 3, 3);
  }
  // Always two ResNets around one attention, whatever layers_per_block says.
  tensors.resnet('encoder.mid_block.resnets.0', last, last);
  tensors.imageAttention('encoder.mid_block.attentions.0', last);
  tensors.resnet('encoder.mid_block.resnets.1', last, last);
  tensors.norm('encoder.conv_norm_out', last);
  tensors.conv('encoder.conv_out', last, 2 * latent, 3, 3); // mean and log-variance
  tensors.conv('quant_conv', 2 * latent, 2 * latent, 1, 1);

  tensors.conv('decoder.conv_in', latent, last, 3, 3);
  // `layers` ResNets and always one attention, which runs between the first and the second ResNet. Further ResNets are in the checkpoint
  // but never run; nor is the attention if there is only one ResNet.
  for (let layer = 0; layer < layers; layer++) tensors.spatioTemporalResnet(`decoder.mid_block.resnets.${layer}`, last, last);
  tensors.imageAttention('decoder.mid_block.attentions.0', last);
  for (const [index, out] of widths.toReversed().entries()) {
    const block = `decoder.up_blocks.${index}`;
    for (let layer = 0; layer <= layers; layer++) {
      tensors.spatioTemporalResnet(`${block}.resnets.${layer}`, width, out);
      width = out;
    }
    if (index < deepest) tensors.conv(`${block}.upsamplers.0.conv`, width, width, 3, 3);
  }
  tensors.norm('decoder.conv_norm_out', first);
  tensors.conv('decoder.conv_out', first, 3, 3, 3);
  tensors.conv('decoder.time_conv_out', 3, 3, 3, 1, 1);
  return tensors.shapes;
}

/** CLIPVisionModelWithProjection. The spelling of `pre_layrnorm` is the checkpoint's. */
export function clipTensors(config: ClipConfig): TensorShapes {
  const { hiddenSize: width, intermediateSize, patchSize, imageSize } = config;
  const tensors = new Tensors();
  const patches = (imageSize / patchSize) ** 2;

  tensors.add('vision_model.embeddings.class_embedding', width);
  tensors.add('vision_model.embeddings.patch_embedding.weight', width, 3, patchSize, patchSize);
  tensors.add('vision_model.embeddings.position_embedding.weight', patches + 1, width);
  tensors.norm('vision_model.pre_layrnorm', width);
  for (let index = 0; index < config.layers; index++) {
    const layer = `vision_model.encoder.layers.${index}`;
    tensors.norm(`${layer}.layer_norm1`, width);
    for (const projection of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) tensors.linear(`${layer}.self_attn.${projection}`, width, width);
    tensors.norm(`${layer}.layer_norm2`, width);
    tensors.linear(`${layer}.mlp.fc1`, width, intermediateSize);
    tensors.linear(`${layer}.mlp.fc2`, intermediateSize, width);
  }
  tensors.norm('vision_model.post_layernorm', width);
  tensors.add('visual_projection.weight', config.projectionDim, width);
  return tensors.shapes;
}

/** Collects one component's tensors, module by module. */
class Tensors {
  readonly shapes = new Map<string, readonly number[]>();

  add(name: string, ...shape: number[]): void {
    this.shapes.set(name, shape);
  }

  linear(name: string, from: number, to: number): void {
    this.add(`${name}.weight`, to, from);
    this.add(`${name}.bias`, to);
  }

  conv(name: string, from: number, to: number, ...kernel: number[]): void {
    this.add(`${name}.weight`, to, from, ...kernel);
    this.add(`${name}.bias`, to);
  }

  norm(name: string, width: number): void {
    this.add(`${name}.weight`, width);
    this.add(`${name}.bias`, width);
  }

  /** @param time width of the time embedding; omitted in the VAE */
  resnet(name: string, from: number, to: number, time?: number): void {
    this.#residual(name, from, to, [3, 3], time);
    if (from !== to) this.conv(`${name}.conv_shortcut`, from, to, 1, 1);
  }

  spatioTemporalResnet(name: string, from: number, to: number, time?: number): void {
    this.resnet(`${name}.spatial_res_block`, from, to, time);
    this.#residual(`${name}.temporal_res_block`, to, to, [3, 1, 1], time);
    this.add(`${name}.time_mixer.mix_factor`, 1);
  }

  spatioTemporalTransformer(name: string, width: number, context: number): void {
    const spatial = `${name}.transformer_blocks.0`;
    const temporal = `${name}.temporal_transformer_blocks.0`;
    this.norm(`${name}.norm`, width);
    this.linear(`${name}.proj_in`, width, width);
    this.#attentionBlock(spatial, width, context);
    this.linear(`${name}.time_pos_embed.linear_1`, width, 4 * width);
    this.linear(`${name}.time_pos_embed.linear_2`, 4 * width, width);
    this.norm(`${temporal}.norm_in`, width);
    this.#feedForward(`${temporal}.ff_in`, width);
    this.#attentionBlock(temporal, width, context);
    this.add(`${name}.time_mixer.mix_factor`, 1);
    this.linear(`${name}.proj_out`, width, width);
  }

  /** The VAE's single-head self-attention. */
  imageAttention(name: string, width: number): void {
    this.norm(`${name}.group_norm`, width);
    for (const projection of ['to_q', 'to_k', 'to_v', 'to_out.0']) this.linear(`${name}.${projection}`, width, width);
  }

  #residual(name: string, from: number, to: number, kernel: number[], time?: number): void {
    this.norm(`${name}.norm1`, from);
    this.conv(`${name}.conv1`, from, to, ...kernel);
    if (time !== undefined) this.linear(`${name}.time_emb_proj`, time, to);
    this.norm(`${name}.norm2`, to);
    this.conv(`${name}.conv2`, to, to, ...kernel);
  }

  #attentionBlock(name: string, width: number, context: number): void {
    this.norm(`${name}.norm1`, width);
    this.#attention(`${name}.attn1`, width, width);
    this.norm(`${name}.norm2`, width);
    this.#attention(`${name}.attn2`, width, context);
    this.norm(`${name}.norm3`, width);
    this.#feedForward(`${name}.ff`, width);
  }

  #attention(name: string, width: number, context: number): void {
    this.add(`${name}.to_q.weight`, width, width);
    this.add(`${name}.to_k.weight`, width, context);
    this.add(`${name}.to_v.weight`, width, context);
    this.linear(`${name}.to_out.0`, width, width);
  }

  /** GEGLU: one projection computes both value and gate. */
  #feedForward(name: string, width: number): void {
    this.linear(`${name}.net.0.proj`, width, 8 * width);
    this.linear(`${name}.net.2`, 4 * width, width);
  }
}
