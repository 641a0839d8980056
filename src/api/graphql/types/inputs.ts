import { Field, Float, GraphQLISODateTime, ID, InputType, Int } from 'type-graphql';
import { DEFAULTS, TUNING, type EngineName, type Fit, type Motion, type Orientation, type Resolution } from '../../../catalog/catalog.ts';
import type { JobStatus } from '../../../jobs/job.ts';
import { EngineEnum, FitEnum, JobStatusEnum, MotionEnum, OrientationEnum, ResolutionEnum } from './enums.ts';

@InputType('ImageInput', { description: 'Where the photo comes from: exactly one of these.' })
export class ImageInput {
  @Field(() => ID, { nullable: true, description: 'From POST /uploads (multipart or raw body). The way for photos of any size.' })
  uploadId?: string;

  @Field(() => String, {
    nullable: true,
    description: 'The photo itself as base64, a data URL is fine; at most 2 MB decoded. Use POST /uploads beyond that.',
  })
  base64?: string;

  @Field(() => ID, { nullable: true, description: 'The photo of an earlier job of yours, while it is kept.' })
  jobId?: string;
}

@InputType('TuningInput', {
  description: 'Fine control. Left out, all of it has good values. What is marked SVD_XT means nothing to PREVIEW.',
})
export class TuningInput {
  @Field(() => Int, { defaultValue: TUNING.steps.default, description: 'Denoising steps, 4–50: more is slower and finer (SVD_XT).' })
  steps!: number;

  @Field(() => Float, {
    defaultValue: TUNING.minGuidanceScale.default,
    description: 'Guidance at the first frame, 1–10; not over maxGuidanceScale (SVD_XT).',
  })
  minGuidanceScale!: number;

  @Field(() => Float, {
    defaultValue: TUNING.maxGuidanceScale.default,
    description: 'Guidance at the last frame, 1–10; 1 means none and halves the time (SVD_XT).',
  })
  maxGuidanceScale!: number;

  @Field(() => Float, {
    defaultValue: TUNING.noiseAugStrength.default,
    description: 'Noise added to the photo, 0–1: more gives freer motion, less keeps closer to the photo (SVD_XT).',
  })
  noiseAugStrength!: number;

  @Field(() => Int, { nullable: true, description: 'Seed of all randomness, 0–2147483647; random if left out, and always reported.' })
  seed?: number | null;

  @Field(() => Int, { nullable: true, description: "The model's motion bucket, 1–255, instead of the motion's own (SVD_XT)." })
  motionBucketId?: number | null;
}

@InputType('CreateJobInput', { description: 'What to make of which photo. Only `image` is needed.' })
export class CreateJobInput {
  @Field(() => ImageInput, { description: 'The photo: JPEG, PNG, WebP, AVIF, TIFF or HEIC.' })
  image!: ImageInput;

  @Field(() => Int, {
    defaultValue: DEFAULTS.durationSeconds,
    description: 'Length in seconds: 3, 6, 8, 10 or 12, at 12 frames per second.',
  })
  durationSeconds!: number;

  @Field(() => ResolutionEnum, { defaultValue: DEFAULTS.resolution, description: 'Size of the video.' })
  resolution!: Resolution;

  @Field(() => MotionEnum, { defaultValue: DEFAULTS.motion, description: 'How the camera moves.' })
  motion!: Motion;

  @Field(() => OrientationEnum, { defaultValue: DEFAULTS.orientation, description: 'Which way the frame stands.' })
  orientation!: Orientation;

  @Field(() => FitEnum, { defaultValue: DEFAULTS.fit, description: 'How a photo of another aspect fills the frame.' })
  fit!: Fit;

  @Field(() => EngineEnum, { nullable: true, description: 'Left out: the best engine that a running worker offers.' })
  engine?: EngineName | null;

  @Field(() => TuningInput, { nullable: true, description: 'Fine control.' })
  tuning?: TuningInput | null;

  @Field(() => String, { nullable: true, description: 'Your own text, 1–200 characters; comes back with the job and can be filtered by.' })
  clientRef?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Makes the request safe to repeat, 1–200 characters: same key, same options and same photo give the same job; anything else under the same key is a CONFLICT.',
  })
  idempotencyKey?: string | null;
}

@InputType('JobFilter', { description: 'Narrows a list of jobs; what is left out does not.' })
export class JobFilterInput {
  @Field(() => [JobStatusEnum], { nullable: true, description: 'Only jobs in one of these states.' })
  statuses?: JobStatus[] | null;

  @Field(() => String, { nullable: true, description: 'Only jobs with this clientRef.' })
  clientRef?: string | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'Only jobs created after this time.' })
  createdAfter?: Date | null;
}
