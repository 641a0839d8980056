import { GraphQLISODateTime, Field, Float, ID, Int, ObjectType } from 'type-graphql';
import type { Fit, Motion, Orientation, Resolution } from '../../../catalog/catalog.ts';
import type { EngineName } from '../../../catalog/engines.ts';
import type { ErrorCode, Fault, Retry } from '../../../jobs/errors.ts';
import type { Job, JobStatus } from '../../../jobs/job.ts';
import {
  EngineEnum,
  ErrorCodeEnum,
  FaultEnum,
  FitEnum,
  JobStatusEnum,
  MotionEnum,
  OrientationEnum,
  ResolutionEnum,
  RetryEnum,
} from './enums.ts';

@ObjectType('FileLink', { description: 'A link that works without an API key until it expires.' })
export class FileLinkType {
  @Field(() => String, {
    description:
      'Signed link. Supports range requests, so that players can seek. With &download=1, browsers save the file instead of showing it.',
  })
  url!: string;

  @Field(() => GraphQLISODateTime, { description: 'When the file is deleted; from then on the link returns 410.' })
  urlExpiresAt!: Date;
}

@ObjectType('Crop', { description: 'A part of a photo, in pixels of the photo as displayed (upright).' })
export class CropType {
  @Field(() => Int, { description: 'Distance from the left edge of the photo.' })
  x!: number;

  @Field(() => Int, { description: 'Distance from the top edge of the photo.' })
  y!: number;

  @Field(() => Int, { description: 'Width.' })
  width!: number;

  @Field(() => Int, { description: 'Height.' })
  height!: number;
}

@ObjectType('JobPhoto', { description: 'The photo of a job.' })
export class JobPhotoType {
  @Field(() => Int, { description: 'Width in pixels, as displayed (upright).' })
  width!: number;

  @Field(() => Int, { description: 'Height in pixels, as displayed (upright).' })
  height!: number;
}

@ObjectType('JobOptions', {
  description: 'Resolved values of all options. The same photo and options give the same video on the same engine and device.',
})
export class JobOptionsType {
  @Field(() => EngineEnum, { description: 'The engine that renders the video.' })
  engine!: EngineName;

  @Field(() => ResolutionEnum, { description: 'Size of the video.' })
  resolution!: Resolution;

  @Field(() => OrientationEnum, { description: 'LANDSCAPE or PORTRAIT; AUTO is resolved from the photo.' })
  orientation!: Orientation;

  @Field(() => FitEnum, { description: 'COVER or CONTAIN; AUTO is resolved from the photo.' })
  fit!: Exclude<Fit, 'AUTO'>;

  @Field(() => CropType, { nullable: true, description: 'The part of the photo that fills the frame; null for CONTAIN.' })
  crop!: CropType | null;

  @Field(() => MotionEnum, { description: 'How the camera moves.' })
  motion!: Motion;

  @Field(() => Int, { description: 'Length of the video in seconds.' })
  durationSeconds!: number;

  @Field(() => Int, { description: 'Seed of all randomness. Another seed gives another variation.' })
  seed!: number;
}

@ObjectType('JobError', { description: 'Why a job or its last attempt failed.' })
export class JobErrorType {
  @Field(() => ErrorCodeEnum, { description: 'Kind of the error.' })
  code!: ErrorCode;

  @Field(() => String, { description: 'What happened.' })
  message!: string;

  @Field(() => String, { description: 'What to do about it.' })
  hint!: string;

  @Field(() => FaultEnum, { description: 'Whose action resolves it.' })
  fault!: Fault;

  @Field(() => RetryEnum, { description: 'Whether a new job with the same photo and options can succeed.' })
  retry!: Retry;
}

@ObjectType('JobResult', { description: 'The finished video.' })
export class JobResultType {
  @Field(() => FileLinkType, { nullable: true, description: 'The MP4 (H.264, yuv420p); null once it is deleted.' })
  video!: FileLinkType | null;

  @Field(() => FileLinkType, { nullable: true, description: 'The first frame as JPEG; null once it is deleted.' })
  poster!: FileLinkType | null;

  @Field(() => Int, { description: 'Width in pixels.' })
  width!: number;

  @Field(() => Int, { description: 'Height in pixels.' })
  height!: number;

  @Field(() => Int, { description: 'Exact number of frames.' })
  frameCount!: number;

  @Field(() => Int, { description: 'Frames per second, constant.' })
  framesPerSecond!: number;

  @Field(() => Int, { description: 'Length in seconds.' })
  durationSeconds!: number;

  @Field(() => Int, { description: 'Size of the MP4 in bytes.' })
  sizeBytes!: number;

  @Field(() => String, { description: 'Hex SHA-256 of the MP4.' })
  sha256!: string;

  @Field(() => Float, { description: 'Duration of the successful attempt in seconds.' })
  renderSeconds!: number;
}

@ObjectType('Job', { description: 'A requested video. Clients with a normalised cache update it by id.' })
export class JobType {
  @Field(() => ID, { description: 'Unique id of the job.' })
  id!: string;

  @Field(() => JobStatusEnum, { description: 'Status of the job.' })
  status!: JobStatus;

  @Field(() => Float, {
    description: 'Progress from 0 to 100, counted in finished frames and steps. Never decreases within an attempt.',
  })
  percent!: number;

  @Field(() => Int, { nullable: true, description: 'Finished frames or steps of the current stage.' })
  step!: number | null;

  @Field(() => Int, { nullable: true, description: 'Number of frames or steps of the current stage.' })
  totalSteps!: number | null;

  @Field(() => Int, { description: 'Number of the current or last attempt; 0 before the first.' })
  attempt!: number;

  @Field(() => Int, {
    description: 'Maximum number of attempts. Grows by one when a stopping worker releases an attempt, which does not count.',
  })
  maxAttempts!: number;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'When the next attempt starts; null unless RETRYING.' })
  nextAttemptAt!: Date | null;

  @Field(() => JobOptionsType, { description: 'Resolved options, including seed and engine.' })
  options!: JobOptionsType;

  @Field(() => String, { nullable: true, description: 'Text that the client passed to createJob.' })
  clientRef!: string | null;

  @Field(() => ID, { nullable: true, description: 'The job that this job retries.' })
  retryOf!: string | null;

  @Field(() => GraphQLISODateTime, { description: 'When it was created.' })
  createdAt!: Date;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'When its first attempt started.' })
  startedAt!: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'When it completed, failed or was cancelled.' })
  finishedAt!: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'When photo and video are deleted; null while the job is unfinished.' })
  expiresAt!: Date | null;
}

@ObjectType('JobProgress', { description: 'A change of a job.' })
export class JobProgressType {
  @Field(() => Int, {
    description:
      'Revision of the job. Grows with every change, also across reconnects; it stays the same if only queuePosition has changed.',
  })
  revision!: number;

  @Field(() => JobType, { description: 'The job after the change.' })
  job!: Job;

  @Field(() => String, {
    nullable: true,
    description: 'Link to a preview of the render (JPEG); null before the first preview and once the job has finished.',
  })
  previewUrl!: string | null;
}

@ObjectType('JobEdge', { description: 'A job in a page, with its cursor.' })
export class JobEdge {
  @Field(() => String, { description: 'Pass it as `after` to get the jobs that follow.' })
  cursor!: string;

  @Field(() => JobType, { description: 'The job.' })
  node!: Job;
}

@ObjectType('PageInfo', { description: 'The end of a page.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether older jobs follow.' })
  hasNextPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the last job on this page.' })
  endCursor!: string | null;
}

@ObjectType('JobConnection', { description: 'A page of jobs, newest first.' })
export class JobConnection {
  @Field(() => [JobEdge], { description: 'The jobs with their cursors.' })
  edges!: JobEdge[];

  @Field(() => [JobType], { description: 'The jobs without cursors.' })
  nodes!: Job[];

  @Field(() => PageInfo, { description: 'The end of this page.' })
  pageInfo!: PageInfo;
}
