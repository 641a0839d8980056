/**
 * The JSON files of a Stable Video Diffusion checkpoint in diffusers layout, as published in 2023 and as written today. What a file
 * says is honoured, or refused by name: a value that would need another model or sampler is never ignored. A key that a file lacks
 * means what it means to diffusers and transformers; keys that change nothing here are not looked at.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../../../src/jobs/errors.ts';

/** UNetSpatioTemporalConditionModel. Arrays hold a value a level, the level of full resolution first; `upAttention` runs the other way, like the up blocks. */
export interface UnetConfig {
  readonly inChannels: 8;
  readonly outChannels: 4;
  readonly blockOutChannels: readonly number[];
  /** The mid block uses those of the last level, an up block those of its level. */
  readonly attentionHeads: readonly number[];
  /** ResNets of a down block; the up block of the same level has one more. */
  readonly layersPerBlock: readonly number[];
  readonly downAttention: readonly boolean[];
  /** From the lowest resolution to the highest. */
  readonly upAttention: readonly boolean[];
  readonly crossAttentionDim: number;
  readonly additionTimeEmbedDim: number;
  readonly projectionClassEmbeddingsInputDim: number;
  /** What the model was trained on; no shape depends on it. */
  readonly numFrames: number;
}

/** AutoencoderKLTemporalDecoder. */
export interface VaeConfig {
  readonly latentChannels: 4;
  readonly blockOutChannels: readonly number[];
  /** ResNets of an encoder level and of the decoder's mid block; a decoder level has one more. */
  readonly layersPerBlock: number;
  readonly scalingFactor: number;
  /** The encoder wants float32. */
  readonly forceUpcast: boolean;
}

/** CLIPVisionModelWithProjection. */
export interface ClipConfig {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  /** Side of the square picture, in pixels. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly projectionDim: number;
  readonly layerNormEps: number;
}

/**
 * EulerDiscreteScheduler with Karras sigmas, v-prediction and continuous timesteps that end at sigma 0. Its timestep spacing is
 * "leading": the first latents are noise times sqrt(sigmaMax² + 1).
 */
export interface SchedulerConfig {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** Of the image encoder's input: (channel − mean) / std, for RGB in [0, 1]. */
export interface ImageNormalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

export interface CheckpointConfigs {
  readonly unet: UnetConfig;
  readonly vae: VaeConfig;
  readonly imageEncoder: ClipConfig;
  readonly scheduler: SchedulerConfig;
  readonly normalization: ImageNormalization;
}

/** Of every group normalization in the model. */
const GROUPS = 32;

const channels = z.int().positive().max(0x1_0000);
const groupedChannels = channels.multipleOf(GROUPS);
const count = z.int().positive().max(1024);
/** Each level of a resolution halves the picture, so there cannot be many. */
const levels = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(8);
/** One value for all levels, or one each. */
const eachLevel = <T extends z.ZodType<number>>(item: T, expected: string) =>
  z.union([item, levels(item)], `expected ${expected}, or one for each level`);
const component = (library: string, name: string) => z.tuple([z.literal(library), z.literal(name)]);

const modelIndex = z.object({
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

const unet = z
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

const vae = z
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

const imageEncoder = z
  .object({
    model_type: z.literal('clip_vision_model'),
    architectures: z.tuple([z.literal('CLIPVisionModelWithProjection')]).optional(),
    hidden_act: z.literal('gelu'), // not quick_gelu, which a missing key means
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

const scheduler = z
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

const featureExtractor = z.object({ image_mean: rgb(z.number()), image_std: rgb(z.number().positive()), crop_size: crop.optional() });

/**
 * Reads and checks every config of the checkpoint in `folder`; weights are not looked at.
 * @throws AppError MODEL_INVALID: a file is missing or no JSON, or says what cannot be honoured; the message names file, key and value
 */
export async function readConfigs(folder: string): Promise<CheckpointConfigs> {
  await readConfig(folder, 'model_index.json', modelIndex);
  const configs = {
    unet: await readConfig(folder, 'unet/config.json', unet),
    vae: await readConfig(folder, 'vae/config.json', vae),
    imageEncoder: await readConfig(folder, 'image_encoder/config.json', imageEncoder),
    scheduler: await readConfig(folder, 'scheduler/scheduler_config.json', scheduler),
  };
  const {
    image_mean: mean,
    image_std: std,
    crop_size: size,
  } = await readConfig(folder, 'feature_extractor/preprocessor_config.json', featureExtractor);
  const { imageSize, projectionDim } = configs.imageEncoder;
  const { height, width } = typeof size === 'object' ? size : { height: size, width: size };
  if (size !== undefined && (height !== imageSize || width !== imageSize)) {
    throw invalid(
      folder,
      'feature_extractor/preprocessor_config.json',
      `crop_size is ${found(size)}: expected image_encoder's image_size ${imageSize}`,
    );
  }
  if (projectionDim !== configs.unet.crossAttentionDim) {
    throw invalid(
      folder,
      'image_encoder/config.json',
      `projection_dim is ${projectionDim}: expected unet's cross_attention_dim ${configs.unet.crossAttentionDim}`,
    );
  }
  return { ...configs, normalization: { mean, std } };
}

async function readConfig<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path.join(folder, name), 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(folder, name, `it is no JSON (${error.message})`, error);
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'the file is missing' : (error as Error).message;
    throw invalid(folder, name, reason, error);
  }
  const result = schema.safeParse(json, { reportInput: true });
  if (result.success) return result.data;
  throw invalid(folder, name, result.error.issues.map(describe).join('; '), result.error);
}

const invalid = (folder: string, name: string, reason: string, cause?: unknown) =>
  new AppError('MODEL_INVALID', `${path.join(folder, name)} cannot be used: ${reason}.`, {}, cause);

/** Adds a refusal of `key` in the words that zod's own are told in. */
function refuse(context: z.RefinementCtx, key: string, input: unknown, message: string): void {
  context.addIssue({ code: 'custom', path: [key], input, message });
}

function describe({ path: keys, input, message }: z.core.$ZodIssue): string {
  const key = keys.length > 0 ? keys.join('.') : 'the whole file';
  const expected = message.replace(/^(Invalid|Too) \w+: /, '').replace(/, received .*/, '');
  return `${key} is ${found(input)}: ${expected}`;
}

function found(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
