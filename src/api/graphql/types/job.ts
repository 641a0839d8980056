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
    description: 'Signed link; supports ranges, so players can seek. Add &download=1 to have it saved instead of shown.',
  })
  url!: string;

  @Field(() => GraphQLISODateTime, { description: 'The link answers 410 from then on: the file is deleted.' })
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
  description:
    'Effective values of everything that decides the frames. The same photo and options give the same video on the same engine and device.',
})
export class JobOptionsType {
  @Field(() => EngineEnum, { description: 'The engine that is used.' })
  engine!: EngineName;

  @Field(() => ResolutionEnum, { description: 'Size of the video.' })
  resolution!: Resolution;

  @Field(() => OrientationEnum, { description: 'LANDSCAPE or PORTRAIT; AUTO is settled by the photo.' })
  orientation!: Orientation;

  @Field(() => FitEnum, { description: 'COVER or CONTAIN; AUTO is resolved by the photo.' })
  fit!: Exclude<Fit, 'AUTO'>;

  @Field(() => CropType, { nullable: true, description: 'The part of the photo that fills the frame; null for CONTAIN.' })
  crop!: CropType | null;

  @Field(() => MotionEnum, { description: 'How the camera moves.' })
  motion!: Motion;

  @Field(() => Int, { description: 'Length of the video in seconds.' })
  durationSeconds!: number;

  @Field(() => Int, { description: 'Seed of all randomness. The same seed gives the same video, another one another variation.' })
  seed!: number;
}

@ObjectType('JobError', { description: 'Why a job failed, or why its last attempt did.' })
export class JobErrorType {
  @Field(() => ErrorCodeEnum, { description: 'The kind of error, from a closed list.' })
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
  @Field(() => FileLinkType, { nullable: true, description: 'The MP4 (H.264, yuv420p); null once it is no longer kept.' })
  video!: FileLinkType | null;

  @Field(() => FileLinkType, { nullable: true, description: 'The first frame as JPEG; null once it is no longer kept.' })
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

  @Field(() => Float, { description: 'How long the successful attempt took, in seconds.' })
  renderSeconds!: number;
}

@ObjectType('Job', { description: 'A photo on its way to becoming a video. Clients with a normalised cache update it by id.' })
export class JobType {
  @Field(() => ID, { description: 'Identifies the job for ever.' })
  id!: string;

  @Field(() => JobStatusEnum, { description: 'Where it stands.' })
  status!: JobStatus;

  @Field(() => Float, {
    description: 'Share of the work that is done, 0–100: counted frames and steps, never time alone. Never falls within an attempt.',
  })
  percent!: number;

  @Field(() => Int, { nullable: true, description: 'Finished frames or steps of the present stage.' })
  step!: number | null;

  @Field(() => Int, { nullable: true, description: 'Frames or steps of the present stage.' })
  totalSteps!: number | null;

  @Field(() => Int, { description: 'Which attempt it is; 0 before the first.' })
  attempt!: number;

  @Field(() => Int, {
    description: 'How many attempts there may be. An attempt that a leaving worker handed back is not counted: this grows by one.',
  })
  maxAttempts!: number;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'When the next attempt starts; null unless RETRYING.' })
  nextAttemptAt!: Date | null;

  @Field(() => JobOptionsType, { description: 'What it renders, every value settled, seed and engine included.' })
  options!: JobOptionsType;

  @Field(() => String, { nullable: true, description: "The client's own text, as given to createJob." })
  clientRef!: string | null;

  @Field(() => ID, { nullable: true, description: 'The job this one tries again.' })
  retryOf!: string | null;

  @Field(() => GraphQLISODateTime, { description: 'When it was created.' })
  createdAt!: Date;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'When its first attempt began.' })
  startedAt!: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'When it ended.' })
  finishedAt!: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'When photo and video are deleted; null before the end.' })
  expiresAt!: Date | null;
}

@ObjectType('JobProgress', { description: 'One piece of news about a job.' })
export class JobProgressType {
  @Field(() => Int, {
    description:
      "The job's revision: grows with every change and never goes back, also over reconnects. It stays the same when only queuePosition changed.",
  })
  revision!: number;

  @Field(() => JobType, { description: 'The job as it is now.' })
  job!: Job;

  @Field(() => String, {
    nullable: true,
    description: 'Link to a picture of what is being made (JPEG); null before the first one and after the end.',
  })
  previewUrl!: string | null;
}

@ObjectType('JobEdge', { description: 'A job in a list.' })
export class JobEdge {
  @Field(() => String, { description: 'Give it as `after` to get what follows.' })
  cursor!: string;

  @Field(() => JobType, { description: 'The job.' })
  node!: Job;
}

@ObjectType('PageInfo', { description: 'Where a page ends.' })
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

  @Field(() => [JobType], { description: 'The jobs alone.' })
  nodes!: Job[];

  @Field(() => PageInfo, { description: 'Where this page ends.' })
  pageInfo!: PageInfo;
}
