import { Field, GraphQLISODateTime, ID, InputType, Int } from 'type-graphql';
import {
  DEFAULTS,
  DURATIONS,
  FRAMES_PER_SECOND,
  SEED,
  type Fit,
  type Motion,
  type Orientation,
  type Resolution,
} from '../../../catalog/catalog.ts';
import type { EngineName, RequestedTuning } from '../../../catalog/engines.ts';
import type { JobStatus } from '../../../jobs/job.ts';
import { EngineEnum, FitEnum, JobStatusEnum, MotionEnum, OrientationEnum, ResolutionEnum } from './enums.ts';
import { TuningInput } from './tuning.ts';

/** Largest photo inside a request, in bytes after decoding. */
export const BASE64_MAX_BYTES = 2_000_000;

@InputType('ImageInput', { description: 'Where the photo comes from: exactly one of these.' })
export class ImageInput {
  @Field(() => ID, { nullable: true, description: 'From POST /uploads (multipart or raw body). The way for photos of any size.' })
  uploadId?: string;

  @Field(() => String, {
    nullable: true,
    description: `The photo itself as base64 or as a data URL, at most ${BASE64_MAX_BYTES / 1e6} MB decoded. Send larger photos to POST /uploads.`,
  })
  base64?: string;

  @Field(() => ID, { nullable: true, description: 'The photo of an earlier job of yours, while it is kept.' })
  jobId?: string;
}

@InputType('CreateJobInput', { description: 'What to make of which photo. Only `image` is needed.' })
export class CreateJobInput {
  @Field(() => ImageInput, { description: 'The photo: JPEG, PNG, WebP, AVIF, TIFF or HEIC.' })
  image!: ImageInput;

  @Field(() => Int, {
    defaultValue: DEFAULTS.durationSeconds,
    description: `Length in seconds: ${DURATIONS.slice(0, -1).join(', ')} or ${DURATIONS.at(-1)}, at ${FRAMES_PER_SECOND} frames per second.`,
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

  @Field(() => Int, {
    nullable: true,
    description: `Seed of all randomness, ${SEED.min}–${SEED.max}: another seed gives another variation. Random if left out, and always reported.`,
  })
  seed?: number | null;

  @Field(() => EngineEnum, {
    nullable: true,
    description: 'If left out: the engine of `tuning`, else the best one that a running worker offers.',
  })
  engine?: EngineName | null;

  @Field(() => TuningInput, { nullable: true, description: 'Options of one engine. The defaults work well.' })
  tuning?: RequestedTuning | null;

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
