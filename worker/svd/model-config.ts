/** The dimensions and constants of a Stable Video Diffusion model, from its checkpoint's configuration files. */

/**
 * diffusers' UNetSpatioTemporalConditionModel. Arrays hold one value per resolution level, full resolution first, except `upAttention`,
 * which follows the order of the up blocks.
 */
export interface UnetConfig {
  readonly inChannels: 8;
  readonly outChannels: 4;
  readonly blockOutChannels: readonly number[];
  /** Heads per level; the mid block uses the last level's. */
  readonly attentionHeads: readonly number[];
  /** ResNets per down block; the up block of the same level has one more. */
  readonly layersPerBlock: readonly number[];
  readonly downAttention: readonly boolean[];
  /** Lowest resolution first. */
  readonly upAttention: readonly boolean[];
  readonly crossAttentionDim: number;
  readonly additionTimeEmbedDim: number;
  readonly projectionClassEmbeddingsInputDim: number;
  /** Clip length the model was trained on. No tensor shape depends on it. */
  readonly numFrames: number;
}

/** diffusers' AutoencoderKLTemporalDecoder. */
export interface VaeConfig {
  readonly latentChannels: 4;
  readonly blockOutChannels: readonly number[];
  /** ResNets per encoder level and in the decoder's mid block; a decoder level has one more. */
  readonly layersPerBlock: number;
  readonly scalingFactor: number;
  /** Whether the encoder overflows in float16 and must run in float32. */
  readonly forceUpcast: boolean;
}

/** transformers' CLIPVisionModelWithProjection. */
export interface ClipConfig {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediateSize: number;
  /** Side of the square input image, in pixels. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly projectionDim: number;
  readonly layerNormEps: number;
}

/**
 * diffusers' EulerDiscreteScheduler with Karras sigmas, v-prediction and continuous timesteps, ending at sigma 0. Timestep spacing is
 * "leading": the initial latents are standard normal noise times sqrt(sigmaMax² + 1).
 */
export interface SchedulerConfig {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** Normalization of the image encoder's input: (value − mean) / std per channel, for RGB values in [0, 1]. */
export interface ImageNormalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

export interface ModelConfig {
  readonly unet: UnetConfig;
  readonly vae: VaeConfig;
  readonly imageEncoder: ClipConfig;
  readonly scheduler: SchedulerConfig;
  readonly normalization: ImageNormalization;
}
