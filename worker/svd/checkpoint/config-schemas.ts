/**
 * Schemas of the checkpoint's JSON files. A value that would need another model or sampler is rejected. A missing key has its default in
 * diffusers or transformers. Keys that do not affect inference are ignored.
 */
import { z } from 'zod';
import type { ClipConfig, SchedulerConfig, UnetConfig, VaeConfig } from '../model-config.ts';

/** Number of groups in every group norm of the model. */
const GROUPS = 32;

const channels = z.int().positive().max(0x1_0000);
const groupedChannels = channels.multipleOf(GROUPS);
const count = z.int().positive().max(1024);
/** An array with one item per resolution level. Each level halves the image, so there cannot be many. */
const levels = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(8);
/** One value for all levels, or one per level. */
const eachLevel = <T extends z.ZodType<number>>(item: T, expected: string) =>
  z.union([item, levels(item)], `expected ${expected}, or one for each level`);
const component = (library: string, name: string) => z.tuple([z.literal(library), z.literal(name)]);

export const modelIndex = z.object({
  _class_name: z.literal('StableVideoDiffusionPipeline'),
  unet: component('diffusers', 'UNetSpatioTemporalConditionModel'),
  vae: component('diffusers', 'AutoencoderKLTemporalDecoder'),
  image_encoder: component('transformers', 'CLIPVisionModelWithProjection'),
  scheduler: component('diffusers', 'EulerDiscreteScheduler'),
  feature_extractor: z.tuple([
    z.literal('transformers'),
    z.literal(['CLIPImageProcessor', 'CLIPImageProcessorPil', 'CLIPImageProcessorFast', 'CLIPFeatureExtractor']),
  ]),
});

export const unet = z
  .object({
    _class_name: z.literal('UNetSpatioTemporalConditionModel'),
    in_channels: z.literal(8),
    out_channels: z.literal(4),
    block_out_channels: levels(groupedChannels),
    down_block_types: levels(z.literal(['CrossAttnDownBlockSpatioTemporal', 'DownBlockSpatioTemporal'])),
    up_block_types: levels(z.literal(['CrossAttnUpBlockSpatioTemporal', 'UpBlockSpatioTemporal'])),
    layers_per_block: eachLevel(count, 'a number of layers'),
    transformer_layers_per_block: eachLevel(z.literal(1), '1').default(1),
    num_attention_heads: eachLevel(count, 'a number of heads'),
    cross_attention_dim: eachLevel(channels, 'a width'),
    addition_time_embed_dim: channels.multipleOf(2),
    projection_class_embeddings_input_dim: channels,
    num_frames: count,
  })
  .transform((json, context): UnetConfig => {
    const widths = json.block_out_channels;
    const perLevel = <T>(key: keyof typeof json, value: T | readonly T[]): readonly T[] => {
      if (!Array.isArray(value)) return widths.map(() => value as T);
      if (value.length !== widths.length) refuse(context, key, value, `expected ${widths.length} levels, as in block_out_channels`);
      return value;
    };
    const heads = perLevel('num_attention_heads', json.num_attention_heads);
    if (widths.some((width, level) => width % heads[level]! !== 0)) {
      refuse(context, 'num_attention_heads', heads, `expected divisors of block_out_channels ${JSON.stringify(widths)}`);
    }
    const [contextDim, ...otherDims] = new Set(perLevel('cross_attention_dim', json.cross_attention_dim));
    if (otherDims.length > 0) refuse(context, 'cross_attention_dim', json.cross_attention_dim, 'expected one width for all levels');
    perLevel('transformer_layers_per_block', json.transformer_layers_per_block);
    const ids = json.projection_class_embeddings_input_dim;
    if (ids !== 3 * json.addition_time_embed_dim) {
      refuse(
        context,
        'projection_class_embeddings_input_dim',
        ids,
        `expected three times addition_time_embed_dim, ${3 * json.addition_time_embed_dim}`,
      );
    }
    return {
      inChannels: json.in_channels,
      outChannels: json.out_channels,
      blockOutChannels: widths,
      attentionHeads: heads,
      layersPerBlock: perLevel('layers_per_block', json.layers_per_block),
      downAttention: perLevel('down_block_types', json.down_block_types).map((type) => type === 'CrossAttnDownBlockSpatioTemporal'),
      upAttention: perLevel('up_block_types', json.up_block_types).map((type) => type === 'CrossAttnUpBlockSpatioTemporal'),
      crossAttentionDim: contextDim!,
      additionTimeEmbedDim: json.addition_time_embed_dim,
      projectionClassEmbeddingsInputDim: ids,
      numFrames: json.num_frames,
    };
  });

export const vae = z
  .object({
    _class_name: z.literal('AutoencoderKLTemporalDecoder'),
    in_channels: z.literal(3).default(3),
    out_channels: z.literal(3).default(3),
    latent_channels: z.literal(4).default(4),
    down_block_types: levels(z.literal('DownEncoderBlock2D')),
    block_out_channels: levels(groupedChannels),
    layers_per_block: count.default(1),
    scaling_factor: z.number().positive().default(0.18215),
    force_upcast: z.boolean().default(true),
  })
  .transform((json, context): VaeConfig => {
    if (json.down_block_types.length !== json.block_out_channels.length) {
      refuse(
        context,
        'down_block_types',
        json.down_block_types,
        `expected ${json.block_out_channels.length} levels, as in block_out_channels`,
      );
    }
    return {
      latentChannels: json.latent_channels,
      blockOutChannels: json.block_out_channels,
      layersPerBlock: json.layers_per_block,
      scalingFactor: json.scaling_factor,
      forceUpcast: json.force_upcast,
    };
  });

export const imageEncoder = z
  .object({
    model_type: z.literal('clip_vision_model'),
    architectures: z.tuple([z.literal('CLIPVisionModelWithProjection')]).optional(),
    hidden_act: z.literal('gelu'), // required, because the default is quick_gelu, which is not supported
    num_channels: z.literal(3).default(3),
    hidden_size: channels,
    num_hidden_layers: count,
    num_attention_heads: count,
    intermediate_size: channels,
    image_size: channels,
    patch_size: channels,
    projection_dim: channels,
    layer_norm_eps: z.number().positive().default(1e-5),
  })
  .transform((json, context): ClipConfig => {
    const { hidden_size: width, num_attention_heads: heads, image_size: size, patch_size: patch } = json;
    if (width % heads !== 0) refuse(context, 'num_attention_heads', heads, `expected a divisor of hidden_size ${width}`);
    if (size % patch !== 0) refuse(context, 'patch_size', patch, `expected a divisor of image_size ${size}`);
    return {
      hiddenSize: width,
      layers: json.num_hidden_layers,
      heads,
      intermediateSize: json.intermediate_size,
      imageSize: size,
      patchSize: patch,
      projectionDim: json.projection_dim,
      layerNormEps: json.layer_norm_eps,
    };
  });

export const scheduler = z
  .object({
    _class_name: z.literal('EulerDiscreteScheduler'),
    prediction_type: z.literal('v_prediction'),
    timestep_type: z.literal('continuous'),
    timestep_spacing: z.literal('leading'),
    interpolation_type: z.literal('linear').default('linear'),
    use_karras_sigmas: z.literal(true),
    use_exponential_sigmas: z.literal(false).nullish(),
    use_beta_sigmas: z.literal(false).nullish(),
    final_sigmas_type: z.literal('zero').default('zero'),
    sigma_min: z.number().positive(),
    sigma_max: z.number().positive(),
  })
  .transform((json, context): SchedulerConfig => {
    if (json.sigma_max <= json.sigma_min) refuse(context, 'sigma_max', json.sigma_max, `expected more than sigma_min ${json.sigma_min}`);
    return { sigmaMin: json.sigma_min, sigmaMax: json.sigma_max };
  });

const rgb = <T extends z.ZodType>(value: T) => z.tuple([value, value, value]);
const crop = z.union([channels, z.object({ height: channels, width: channels })]);

export const featureExtractor = z.object({
  image_mean: rgb(z.number()),
  image_std: rgb(z.number().positive()),
  crop_size: crop.optional(),
});

/** Adds an issue for `key`, worded like zod's own. */
function refuse(context: z.RefinementCtx, key: string, input: unknown, message: string): void {
  context.addIssue({ code: 'custom', path: [key], input, message });
}
