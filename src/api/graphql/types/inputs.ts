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

@InputType('ImageInput', { description: 'The photo: exactly one of these fields.' })
export class ImageInput {
  @Field(() => ID, {
    nullable: true,
    description: 'Id from POST /uploads, which accepts photos of any size as multipart form or raw body.',
  })
  uploadId?: string;

  @Field(() => String, {
    nullable: true,
    description: `The photo as base64 or as a data URL, at most ${BASE64_MAX_BYTES / 1e6} MB decoded. Send larger photos to POST /uploads.`,
  })
  base64?: string;

  @Field(() => ID, { nullable: true, description: 'The photo of one of your earlier jobs, while it is kept.' })
  jobId?: string;
}

@InputType('CreateJobInput', { description: 'A photo and the options of its video. Only `image` is required.' })
export class CreateJobInput {
  @Field(() => ImageInput, { description: 'The photo: JPEG, PNG, WebP, AVIF, TIFF or HEIC.' })
  image!: ImageInput;

  @Field(() => Int, {
    defaultValue: DEFAULTS.durationSeconds,
    description: `Duration in seconds: ${DURATIONS.slice(0, -1).join(', ')} or ${DURATIONS.at(-1)}, at ${FRAMES_PER_SECOND} frames per second.`,
  })
  durationSeconds!: number;

  @Field(() => ResolutionEnum, { defaultValue: DEFAULTS.resolution, description: 'Size of the video.' })
  resolution!: Resolution;

  @Field(() => MotionEnum, { defaultValue: DEFAULTS.motion, description: 'How the camera moves.' })
  motion!: Motion;

  @Field(() => OrientationEnum, { defaultValue: DEFAULTS.orientation, description: 'Orientation of the frame.' })
  orientation!: Orientation;

  @Field(() => FitEnum, { defaultValue: DEFAULTS.fit, description: 'How a photo of another aspect ratio fills the frame.' })
  fit!: Fit;

  @Field(() => Int, {
    nullable: true,
    description: `Seed of all randomness, ${SEED.min}–${SEED.max}: another seed gives another variation. Random if omitted; JobOptions.seed reports it.`,
  })
  seed?: number | null;

  @Field(() => EngineEnum, {
    nullable: true,
    description: 'If omitted: the engine of `tuning`, otherwise the best one that a running worker offers.',
  })
  engine?: EngineName | null;

  @Field(() => TuningInput, { nullable: true, description: 'Options of one engine.' })
  tuning?: RequestedTuning | null;

  @Field(() => String, {
    nullable: true,
    description: 'Any text of 1–200 characters. It is returned with the job, and lists can be filtered by it.',
  })
  clientRef?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Key of 1–200 characters that makes the request safe to repeat: the same key, options and photo return the same job; another request with the same key fails with CONFLICT.',
  })
  idempotencyKey?: string | null;
}

@InputType('JobFilter', { description: 'Restricts a list of jobs. Omitted fields do not restrict it.' })
export class JobFilterInput {
  @Field(() => [JobStatusEnum], { nullable: true, description: 'Only jobs with one of these statuses.' })
  statuses?: JobStatus[] | null;

  @Field(() => String, { nullable: true, description: 'Only jobs with this clientRef.' })
  clientRef?: string | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'Only jobs created after this time.' })
  createdAfter?: Date | null;
}
