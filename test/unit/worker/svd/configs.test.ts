import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppError } from '../../../../src/jobs/errors.ts';
import { readConfigs } from '../../../../worker/svd/checkpoint/configs.ts';
import { editJson, svdFixture } from '../../../support/svd.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'configs-'));
  await cp(svdFixture('tiny-a', 'checkpoint'), folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

const UNET = 'unet/config.json';
const VAE = 'vae/config.json';
const CLIP = 'image_encoder/config.json';
const SCHEDULER = 'scheduler/scheduler_config.json';
const PROCESSOR = 'feature_extractor/preprocessor_config.json';
const INDEX = 'model_index.json';

const refusal = (): Promise<AppError> =>
  readConfigs(folder).then(
    () => {
      throw new Error('the configuration was accepted');
    },
    (error: AppError) => error,
  );
const edit = (name: string, changes: object) => editJson(path.join(folder, name), { ...changes });

describe('the configuration of a checkpoint', () => {
  it('is read in the form published in 2023', async () => {
    expect(await readConfigs(svdFixture('published', 'checkpoint'))).toEqual({
      unet: {
        inChannels: 8,
        outChannels: 4,
        blockOutChannels: [320, 640, 1280, 1280],
        attentionHeads: [5, 10, 20, 20],
        layersPerBlock: [2, 2, 2, 2],
        downAttention: [true, true, true, false],
        upAttention: [false, true, true, true],
        crossAttentionDim: 1024,
        additionTimeEmbedDim: 256,
        projectionClassEmbeddingsInputDim: 768,
        numFrames: 25,
      },
      vae: { latentChannels: 4, blockOutChannels: [128, 256, 512, 512], layersPerBlock: 2, scalingFactor: 0.18215, forceUpcast: true },
      imageEncoder: {
        hiddenSize: 1280,
        layers: 32,
        heads: 16,
        intermediateSize: 5120,
        imageSize: 224,
        patchSize: 14,
        projectionDim: 1024,
        layerNormEps: 1e-5,
      },
      scheduler: { sigmaMin: 0.002, sigmaMax: 700 },
      normalization: { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] },
    });
  });

  it('is read in the form that diffusers writes today', async () => {
    expect(await readConfigs(folder)).toMatchObject({
      unet: { blockOutChannels: [32, 32, 64, 64], attentionHeads: [1, 1, 2, 2], crossAttentionDim: 24, numFrames: 5 },
      vae: { blockOutChannels: [32, 32, 64, 64] },
      imageEncoder: { hiddenSize: 64, layers: 3, heads: 2, intermediateSize: 160, patchSize: 32, projectionDim: 24 },
    });
  });

  it('may give one value for all levels or one per level', async () => {
    await edit(UNET, {
      num_attention_heads: 2,
      layers_per_block: [1, 2, 3, 4],
      transformer_layers_per_block: [1, 1, 1, 1],
      cross_attention_dim: [24, 24, 24, 24],
    });
    expect(await readConfigs(folder)).toMatchObject({
      unet: { attentionHeads: [2, 2, 2, 2], layersPerBlock: [1, 2, 3, 4], crossAttentionDim: 24 },
    });
  });

  it('may have any number of levels in UNet and VAE', async () => {
    await edit(UNET, {
      block_out_channels: [32, 96],
      num_attention_heads: [1, 3],
      down_block_types: ['DownBlockSpatioTemporal', 'CrossAttnDownBlockSpatioTemporal'],
      up_block_types: ['UpBlockSpatioTemporal', 'CrossAttnUpBlockSpatioTemporal'],
    });
    await edit(VAE, { block_out_channels: [32, 64, 96], down_block_types: Array(3).fill('DownEncoderBlock2D') });
    expect(await readConfigs(folder)).toMatchObject({
      unet: { blockOutChannels: [32, 96], downAttention: [false, true], upAttention: [false, true] },
      vae: { blockOutChannels: [32, 64, 96] },
    });
  });

  it('has the defaults of the official packages for missing keys', async () => {
    await edit(UNET, { transformer_layers_per_block: undefined });
    await edit(VAE, { layers_per_block: undefined, scaling_factor: undefined, force_upcast: undefined, in_channels: undefined });
    await edit(CLIP, { layer_norm_eps: undefined, num_channels: undefined, architectures: undefined });
    await edit(SCHEDULER, {
      interpolation_type: undefined,
      final_sigmas_type: undefined,
      use_beta_sigmas: undefined,
      use_exponential_sigmas: undefined,
    });
    await edit(PROCESSOR, { crop_size: undefined });
    expect(await readConfigs(folder)).toMatchObject({
      vae: { layersPerBlock: 1, scalingFactor: 0.18215, forceUpcast: true },
      imageEncoder: { layerNormEps: 1e-5 },
    });
  });

  it('keeps values that differ from the published ones', async () => {
    await edit(SCHEDULER, { sigma_min: 0.01, sigma_max: 80 });
    await edit(VAE, { scaling_factor: 0.13, force_upcast: false });
    await edit(PROCESSOR, { image_mean: [0.5, 0.4, 0.3], image_std: [1, 2, 3], crop_size: 224 });
    expect(await readConfigs(folder)).toMatchObject({
      scheduler: { sigmaMin: 0.01, sigmaMax: 80 },
      vae: { scalingFactor: 0.13, forceUpcast: false },
      normalization: { mean: [0.5, 0.4, 0.3], std: [1, 2, 3] },
    });
  });
});

describe('an unsupported value is rejected with file, key and value', () => {
  it.each<[file: string, changes: object, reason: string]>([
    [
      INDEX,
      { _class_name: 'StableDiffusionPipeline' },
      '_class_name is "StableDiffusionPipeline": expected "StableVideoDiffusionPipeline"',
    ],
    [
      INDEX,
      { unet: ['diffusers', 'UNet2DConditionModel'] },
      'unet.1 is "UNet2DConditionModel": expected "UNetSpatioTemporalConditionModel"',
    ],
    [INDEX, { vae: ['diffusers', 'AutoencoderKL'] }, 'vae.1 is "AutoencoderKL": expected "AutoencoderKLTemporalDecoder"'],
    [INDEX, { image_encoder: [null, null] }, 'image_encoder.0 is null'],
    [INDEX, { scheduler: ['diffusers', 'DDIMScheduler'] }, 'scheduler.1 is "DDIMScheduler": expected "EulerDiscreteScheduler"'],
    [INDEX, { feature_extractor: ['transformers', 'SiglipImageProcessor'] }, 'feature_extractor.1 is "SiglipImageProcessor"'],
    [UNET, { _class_name: 'UNet3DConditionModel' }, '_class_name is "UNet3DConditionModel"'],
    [UNET, { in_channels: 9 }, 'in_channels is 9: expected 8'],
    [UNET, { out_channels: 8 }, 'out_channels is 8: expected 4'],
    [UNET, { block_out_channels: [32, 32, 48, 64] }, 'block_out_channels.2 is 48: must be a multiple of 32'],
    [UNET, { block_out_channels: [32, 32, 64] }, 'expected 3 levels, as in block_out_channels'],
    [UNET, { block_out_channels: [] }, 'block_out_channels is []'],
    [
      UNET,
      { down_block_types: ['DownBlock3D', ...Array<string>(3).fill('DownBlockSpatioTemporal')] },
      'down_block_types.0 is "DownBlock3D"',
    ],
    [UNET, { up_block_types: ['UpBlockSpatioTemporal'] }, 'up_block_types is ["UpBlockSpatioTemporal"]: expected 4 levels'],
    [UNET, { transformer_layers_per_block: 2 }, 'transformer_layers_per_block is 2: expected 1'],
    [UNET, { transformer_layers_per_block: [1, 1, 2, 1] }, 'transformer_layers_per_block is [1,1,2,1]: expected 1'],
    [UNET, { layers_per_block: [2, 2] }, 'layers_per_block is [2,2]: expected 4 levels'],
    [UNET, { layers_per_block: 10 ** 9 }, 'layers_per_block is 1000000000'],
    [UNET, { num_attention_heads: 'five' }, 'num_attention_heads is "five": expected a number of heads'],
    [
      UNET,
      { num_attention_heads: [1, 1, 3, 1] },
      'num_attention_heads is [1,1,3,1]: expected divisors of block_out_channels [32,32,64,64]',
    ],
    [UNET, { cross_attention_dim: [24, 24, 24, 32] }, 'cross_attention_dim is [24,24,24,32]: expected one width'],
    [UNET, { addition_time_embed_dim: 15 }, 'addition_time_embed_dim is 15: must be a multiple of 2'],
    [
      UNET,
      { projection_class_embeddings_input_dim: 49 },
      'projection_class_embeddings_input_dim is 49: expected three times addition_time_embed_dim, 48',
    ],
    [UNET, { num_frames: undefined }, 'num_frames is missing'],
    [VAE, { _class_name: 'AutoencoderKL' }, '_class_name is "AutoencoderKL"'],
    [VAE, { latent_channels: 16 }, 'latent_channels is 16: expected 4'],
    [
      VAE,
      { down_block_types: Array(4).fill('AttnDownEncoderBlock2D') },
      'down_block_types.0 is "AttnDownEncoderBlock2D": expected "DownEncoderBlock2D"',
    ],
    [VAE, { down_block_types: ['DownEncoderBlock2D'] }, 'expected 4 levels'],
    [VAE, { block_out_channels: [32, 32, 64, 65] }, 'block_out_channels.3 is 65'],
    [CLIP, { model_type: 'siglip_vision_model' }, 'model_type is "siglip_vision_model": expected "clip_vision_model"'],
    [CLIP, { architectures: ['CLIPVisionModel'] }, 'architectures.0 is "CLIPVisionModel": expected "CLIPVisionModelWithProjection"'],
    [CLIP, { hidden_act: 'quick_gelu' }, 'hidden_act is "quick_gelu": expected "gelu"'],
    [CLIP, { hidden_act: undefined }, 'hidden_act is missing: expected "gelu"'],
    [CLIP, { num_attention_heads: 3 }, 'num_attention_heads is 3: expected a divisor of hidden_size 64'],
    [CLIP, { patch_size: 15 }, 'patch_size is 15: expected a divisor of image_size 224'],
    [CLIP, { projection_dim: 32 }, "projection_dim is 32: expected unet's cross_attention_dim 24"],
    [
      SCHEDULER,
      { _class_name: 'DPMSolverMultistepScheduler' },
      '_class_name is "DPMSolverMultistepScheduler": expected "EulerDiscreteScheduler"',
    ],
    [SCHEDULER, { prediction_type: 'epsilon' }, 'prediction_type is "epsilon": expected "v_prediction"'],
    [SCHEDULER, { timestep_type: 'discrete' }, 'timestep_type is "discrete": expected "continuous"'],
    [SCHEDULER, { timestep_type: undefined }, 'timestep_type is missing'],
    [SCHEDULER, { timestep_spacing: 'linspace' }, 'timestep_spacing is "linspace": expected "leading"'],
    [SCHEDULER, { interpolation_type: 'log_linear' }, 'interpolation_type is "log_linear": expected "linear"'],
    [SCHEDULER, { use_karras_sigmas: false }, 'use_karras_sigmas is false: expected true'],
    [SCHEDULER, { use_exponential_sigmas: true }, 'use_exponential_sigmas is true: expected false'],
    [SCHEDULER, { use_beta_sigmas: true }, 'use_beta_sigmas is true: expected false'],
    [SCHEDULER, { final_sigmas_type: 'sigma_min' }, 'final_sigmas_type is "sigma_min": expected "zero"'],
    [SCHEDULER, { sigma_min: null }, 'sigma_min is null'],
    [SCHEDULER, { sigma_max: 0.001 }, 'sigma_max is 0.001: expected more than sigma_min 0.002'],
    [PROCESSOR, { image_std: [0, 1, 1] }, 'image_std.0 is 0'],
    [PROCESSOR, { image_mean: undefined }, 'image_mean is missing'],
    [
      PROCESSOR,
      { crop_size: { height: 336, width: 336 } },
      'crop_size is {"height":336,"width":336}: expected image_encoder\'s image_size 224',
    ],
  ])('%s: %j', async (name, changes, reason) => {
    await edit(name, changes);
    const error = await refusal();
    expect(error).toMatchObject({ code: 'MODEL_INVALID', anotherAttemptHelps: false });
    expect(error.message).toContain(path.join(folder, name));
    expect(error.message).toContain(reason);
  });

  it.each([INDEX, UNET, VAE, CLIP, SCHEDULER, PROCESSOR])('%s is rejected if it is missing or not a JSON object', async (name) => {
    const file = path.join(folder, name);
    await writeFile(file, '{"a":');
    expect((await refusal()).message).toContain(`${file} cannot be used: it is not valid JSON`);
    await writeFile(file, '[]');
    expect((await refusal()).message).toContain(`${file} cannot be used: the whole file is []`);
    await rm(file);
    expect(await refusal()).toMatchObject({ code: 'MODEL_INVALID', message: `${file} cannot be used: the file is missing.` });
  });
});
