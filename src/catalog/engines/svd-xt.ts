/** SVD_XT in the catalogue: Stable Video Diffusion. It renders in `worker/svd`. Options are named as in diffusers. */
import { z } from 'zod';
import { frameCount, names, oriented, RESOLUTIONS, type CommonOptions, type Motion, type Resolution, type Size } from '../catalog.ts';
import type { EngineEntry, EngineOptions, TuningOf } from '../engine.ts';
import { defineTuning } from '../tuning.ts';

/** Motion bucket of each motion: how much movement the model is asked for, 1–255. */
export const MOTION_BUCKETS = {
  MICRO: 50,
  PAN_L: 100,
  PAN_R: 100,
  TILT_UP: 100,
  TILT_DOWN: 100,
  DOLLY_IN: 127,
} as const satisfies Record<Motion, number>;

const tuning = defineTuning(
  z
    .strictObject({
      numInferenceSteps: z.int().min(4).max(50).default(24).describe('denoising steps: more are slower and give finer detail'),
      minGuidanceScale: z.number().min(1).max(10).default(1).describe('guidance at the first frame; at most maxGuidanceScale'),
      maxGuidanceScale: z
        .number()
        .min(1)
        .max(10)
        .default(3)
        .describe('guidance at the last frame; 1 turns guidance off and halves the render time'),
      noiseAugStrength: z
        .number()
        .min(0)
        .max(1)
        .default(0.1)
        .describe('noise added to the photo before it is encoded: more gives freer motion, less stays closer to the photo'),
      motionBucketId: z
        .int()
        .min(1)
        .max(255)
        .optional()
        .describe(
          `amount of movement; by default that of the motion: ${names(MOTION_BUCKETS)
            .map((motion) => `${motion} ${MOTION_BUCKETS[motion]}`)
            .join(', ')}`,
        ),
    })
    .refine(({ minGuidanceScale, maxGuidanceScale }) => minGuidanceScale <= maxGuidanceScale, {
      path: ['minGuidanceScale'],
      error: ({ input }) => {
        const { minGuidanceScale, maxGuidanceScale } = input as { minGuidanceScale: number; maxGuidanceScale: number };
        return `minGuidanceScale (${minGuidanceScale}) must not exceed maxGuidanceScale (${maxGuidanceScale})`;
      },
    }),
  (motion) => ({ motionBucketId: MOTION_BUCKETS[motion] }),
);

const SECONDS = z.number().min(0);

/** Costs of a render on one device by resolution, in seconds. */
const costModel = z.partialRecord(
  z.enum(names(RESOLUTIONS)),
  z.object({
    /** Independent of the options: encoding the photo and decoding the keyframes. */
    fixed: SECONDS,
    perUnetCall: SECONDS,
    /** Per frame of the video: interpolation and encoding. */
    perFrame: SECONDS,
  }),
);

export type SvdXtCostModel = z.infer<typeof costModel>;
export type SvdXtTuning = TuningOf<{ readonly tuning: typeof tuning }>;

/** Calls of the UNet: one per step, or two if guidance is on, that is above 1. */
export function unetCalls({ numInferenceSteps, maxGuidanceScale }: Pick<SvdXtTuning, 'numInferenceSteps' | 'maxGuidanceScale'>): number {
  return maxGuidanceScale > 1 ? 2 * numInferenceSteps : numInferenceSteps;
}

/**
 * Landscape size at which the model renders; frames are then resized to the video. Sides are multiples of 64 with exactly the video's
 * aspect ratio, and close to the 1024×576 that the model was trained on, since other sizes look worse.
 */
export const RENDER_SIZES = {
  // A third of the work of 1024×576, and still more pixels than the video shows.
  P360: { width: 512, height: 384 },
  // The trained height.
  P480: { width: 768, height: 576 },
  // The trained size; a larger one would cost more and look worse.
  P720: { width: 1024, height: 576 },
  P1080: { width: 1024, height: 576 },
} as const satisfies Record<Resolution, Size>;

/** Size at which the model renders a video, in pixels. */
export function renderSize({ resolution, orientation }: Pick<CommonOptions, 'resolution' | 'orientation'>): Size {
  return oriented(RENDER_SIZES[resolution], orientation);
}

const WEIGHTS = /^(diffusion_pytorch_)?model(\.fp16)?\.safetensors$/;

export const svdXt = {
  description: 'Stable Video Diffusion XT: the scene itself moves; needs a GPU and the model weights',
  preference: 2,
  followsMotion: false,
  tuning,
  costModel,
  baselineSeconds({ resolution, durationSeconds, tuning: values }, costs) {
    const frames = frameCount(durationSeconds);
    const known = costs?.[resolution];
    if (known) return known.fixed + unetCalls(values) * known.perUnetCall + frames * known.perFrame;
    const { width, height } = RESOLUTIONS[resolution];
    return 10 + (0.15 * (width * height * frames)) / 1e6 + 2 * values.numInferenceSteps;
  },
  weights: {
    model: 'svd-xt',
    variable: 'SVD_MODEL',
    autoPullVariable: 'SVD_AUTO_PULL',
    layout: [
      { folder: 'unet', weights: WEIGHTS },
      { folder: 'vae', weights: WEIGHTS },
      { folder: 'image_encoder', weights: WEIGHTS },
      { folder: 'scheduler', weights: null },
      { folder: 'feature_extractor', weights: null },
    ],
  },
  unavailableOn: () => null, // the worker knows for which devices it has a compute backend
} as const satisfies EngineEntry<SvdXtTuning, SvdXtCostModel>;

export type SvdXtOptions = EngineOptions<'SVD_XT', typeof svdXt>;
