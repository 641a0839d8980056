/** Printed from schema.graphql and documents.ts by "npm run generate". Do not edit. */
import { z } from 'zod';
import { open, otherThan, type Open } from './open.ts';

export type Motion = 'DOLLY_IN' | 'MICRO' | 'PAN_L' | 'PAN_R' | 'TILT_DOWN' | 'TILT_UP';

export type Resolution = 'P360' | 'P480' | 'P720' | 'P1080';

export type Fit = 'AUTO' | 'CONTAIN' | 'COVER';

export type Engine = 'PREVIEW' | 'SVD_XT';

export const JobStatus = z.enum(['CANCELLED', 'COMPLETED', 'FAILED', 'PROCESSING', 'QUEUED', 'RETRYING']);

export type JobStatus = z.infer<typeof JobStatus>;

export type Stage = 'DECODING' | 'DENOISING' | 'ENCODING_IMAGE' | 'ENCODING_VIDEO' | 'INTERPOLATING' | 'LOADING_MODEL' | 'PREPARING' | 'RENDERING';

export type Orientation = 'AUTO' | 'LANDSCAPE' | 'PORTRAIT';

export type ErrorCode = 'BAD_INPUT' | 'CONFLICT' | 'ENCODER_FAILED' | 'ENGINE_UNAVAILABLE' | 'EXPIRED' | 'FORBIDDEN' | 'IMAGE_TOO_LARGE' | 'IMAGE_TOO_SMALL' | 'IMAGE_UNREADABLE' | 'INTERNAL' | 'MODEL_INVALID' | 'NON_FINITE_OUTPUT' | 'NOT_CANCELLABLE' | 'NOT_FOUND' | 'NOT_RETRYABLE' | 'OUT_OF_MEMORY' | 'OUT_OF_SPACE' | 'OWNER_LIMIT' | 'QUEUE_FULL' | 'TIMEOUT' | 'UNAUTHENTICATED' | 'UNAVAILABLE' | 'UNSUPPORTED_FORMAT' | 'UPLOAD_NOT_FOUND' | 'WORKER_LOST';

export const ErrorFault = z.enum(['CLIENT', 'OPERATOR', 'SERVER']);

export type ErrorFault = z.infer<typeof ErrorFault>;

export const ErrorRetry = z.enum(['LATER', 'NEVER', 'SAME_REQUEST']);

export type ErrorRetry = z.infer<typeof ErrorRetry>;

export interface JobFilter {
  readonly clientRef?: string | null;
  readonly createdAfter?: string | null;
  readonly statuses?: readonly (JobStatus)[] | null;
}

export interface CreateJobInput {
  readonly clientRef?: string | null;
  readonly durationSeconds?: number;
  readonly engine?: Open<Engine> | null;
  readonly fit?: Open<Fit>;
  readonly idempotencyKey?: string | null;
  readonly image: ImageInput;
  readonly motion?: Open<Motion>;
  readonly orientation?: Open<Orientation>;
  readonly resolution?: Open<Resolution>;
  readonly seed?: number | null;
  readonly tuning?: TuningInput | null;
}

export type ImageInput =
  | { readonly base64: string }
  | { readonly jobId: string }
  | { readonly uploadId: string };

export type TuningInput =
  | { readonly svdXt: SvdXtTuningInput };

export interface SvdXtTuningInput {
  readonly maxGuidanceScale?: number;
  readonly minGuidanceScale?: number;
  readonly motionBucketId?: number | null;
  readonly noiseAugStrength?: number;
  readonly numInferenceSteps?: number;
}

export const JobFields = z.object({
  id: z.string(),
  status: JobStatus,
  stage: open<Stage>().nullable(),
  percent: z.number(),
  step: z.number().nullable(),
  totalSteps: z.number().nullable(),
  queuePosition: z.number().nullable(),
  estimatedSecondsRemaining: z.number().nullable(),
  attempt: z.number(),
  maxAttempts: z.number(),
  nextAttemptAt: z.string().nullable(),
  clientRef: z.string().nullable(),
  retryOf: z.string().nullable(),
  photo: z.object({
    width: z.number(),
    height: z.number(),
  }),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  expiresAt: z.string().nullable(),
  options: z.object({
    engine: open<Engine>(),
    resolution: open<Resolution>(),
    orientation: open<Orientation>(),
    fit: open<Fit>(),
    crop: z.object({
      x: z.number(),
      y: z.number(),
      width: z.number(),
      height: z.number(),
    }).nullable(),
    motion: open<Motion>(),
    durationSeconds: z.number(),
    seed: z.number(),
    tuning: z.union([
      z.object({
        __typename: z.literal('SvdXtTuning'),
        numInferenceSteps: z.number(),
        minGuidanceScale: z.number(),
        maxGuidanceScale: z.number(),
        noiseAugStrength: z.number(),
        motionBucketId: z.number(),
      }),
      otherThan('SvdXtTuning'),
    ]).nullable(),
  }),
  error: z.object({
    code: open<ErrorCode>(),
    message: z.string(),
    hint: z.string(),
    fault: ErrorFault,
    retry: ErrorRetry,
  }).nullable(),
  result: z.object({
    video: z.object({
      url: z.string(),
      urlExpiresAt: z.string(),
    }).nullable(),
    poster: z.object({
      url: z.string(),
    }).nullable(),
    width: z.number(),
    height: z.number(),
    frameCount: z.number(),
    framesPerSecond: z.number(),
    durationSeconds: z.number(),
    sizeBytes: z.number(),
    sha256: z.string(),
    renderSeconds: z.number(),
  }).nullable(),
});

export type JobFields = z.infer<typeof JobFields>;

/** Schema of the `data` in each document's response. */
export const RESULT_SCHEMAS = {
  options: z.object({
    options: z.object({
      motions: z.array(z.object({
        name: open<Motion>(),
        description: z.string(),
        bestFor: z.string(),
        isDefault: z.boolean(),
      })),
      resolutions: z.array(z.object({
        name: open<Resolution>(),
        width: z.number(),
        height: z.number(),
        description: z.string(),
        isDefault: z.boolean(),
      })),
      durations: z.array(z.object({
        seconds: z.number(),
        frameCount: z.number(),
        isDefault: z.boolean(),
      })),
      fits: z.array(z.object({
        name: open<Fit>(),
        description: z.string(),
        isDefault: z.boolean(),
      })),
      engines: z.array(z.object({
        name: open<Engine>(),
        description: z.string(),
        available: z.boolean(),
        followsMotion: z.boolean(),
      })),
      limits: z.object({
        photoMaxBytes: z.number(),
        photoFormats: z.array(z.string()),
        queueLimit: z.number(),
        filesKeptHours: z.number(),
        jobsKeptDays: z.number(),
      }),
      estimates: z.array(z.object({
        engine: open<Engine>(),
        resolution: open<Resolution>(),
        durationSeconds: z.number(),
        seconds: z.number(),
      })),
    }),
  }),
  job: z.object({
    job: JobFields.nullable(),
  }),
  jobs: z.object({
    jobs: z.object({
      nodes: z.array(JobFields),
      pageInfo: z.object({
        hasNextPage: z.boolean(),
        endCursor: z.string().nullable(),
      }),
    }),
  }),
  createJob: z.object({
    createJob: JobFields,
  }),
  cancelJob: z.object({
    cancelJob: JobFields,
  }),
  deleteJob: z.object({
    deleteJob: z.string(),
  }),
  deleteMyData: z.object({
    deleteMyData: z.number(),
  }),
  jobProgress: z.object({
    jobProgress: z.object({
      revision: z.number(),
      previewUrl: z.string().nullable(),
      job: JobFields,
    }),
  }),
} as const;

export type ResultOf<N extends keyof typeof RESULT_SCHEMAS> = z.output<(typeof RESULT_SCHEMAS)[N]>;

/** The variables of each document. */
export interface Variables {
  readonly options: Record<string, never>;
  readonly job: { readonly id: string };
  readonly jobs: { readonly first: number; readonly after?: string | null; readonly filter?: JobFilter | null };
  readonly createJob: { readonly input: CreateJobInput };
  readonly cancelJob: { readonly id: string };
  readonly deleteJob: { readonly id: string };
  readonly deleteMyData: Record<string, never>;
  readonly jobProgress: { readonly id: string };
}
