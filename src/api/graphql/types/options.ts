import { Field, Float, Int, ObjectType } from 'type-graphql';
import type { Fit, Motion, Orientation, Resolution } from '../../../catalog/catalog.ts';
import type { EngineName } from '../../../catalog/engines.ts';
import { EngineEnum, FitEnum, MotionEnum, OrientationEnum, ResolutionEnum } from './enums.ts';
import { TuningOption } from './tuning.ts';

@ObjectType('ResolutionOption', { description: 'A resolution that can be requested.' })
export class ResolutionOption {
  @Field(() => ResolutionEnum, { description: 'Value of the option in createJob.' })
  name!: Resolution;

  @Field(() => Int, { description: 'Width in pixels in landscape; portrait swaps width and height.' })
  width!: number;

  @Field(() => Int, { description: 'Height in pixels in landscape.' })
  height!: number;

  @Field(() => String, { description: 'What it is suited for.' })
  description!: string;

  @Field(() => Boolean, { description: 'Whether it is used if the request omits the option.' })
  isDefault!: boolean;
}

@ObjectType('DurationOption', { description: 'A duration that can be requested.' })
export class DurationOption {
  @Field(() => Int, { description: 'Length in seconds.' })
  seconds!: number;

  @Field(() => Int, { description: 'Exact number of frames.' })
  frameCount!: number;

  @Field(() => Boolean, { description: 'Whether it is used if the request omits the option.' })
  isDefault!: boolean;
}

@ObjectType('MotionOption', { description: 'A camera motion that can be requested.' })
export class MotionOption {
  @Field(() => MotionEnum, { description: 'Value of the option in createJob.' })
  name!: Motion;

  @Field(() => String, { description: 'What the video shows.' })
  description!: string;

  @Field(() => String, { description: 'Photos that it suits.' })
  bestFor!: string;

  @Field(() => Boolean, { description: 'Whether it is used if the request omits the option.' })
  isDefault!: boolean;
}

@ObjectType('OrientationOption', { description: 'An orientation that can be requested.' })
export class OrientationOption {
  @Field(() => OrientationEnum, { description: 'Value of the option in createJob.' })
  name!: Orientation;

  @Field(() => String, { description: 'What it means.' })
  description!: string;

  @Field(() => Boolean, { description: 'Whether it is used if the request omits the option.' })
  isDefault!: boolean;
}

@ObjectType('FitOption', { description: 'A fit that can be requested.' })
export class FitOption {
  @Field(() => FitEnum, { description: 'Value of the option in createJob.' })
  name!: Fit;

  @Field(() => String, { description: 'What it means.' })
  description!: string;

  @Field(() => Boolean, { description: 'Whether it is used if the request omits the option.' })
  isDefault!: boolean;
}

@ObjectType('EngineOption', { description: 'An engine, and whether it can render now.' })
export class EngineOption {
  @Field(() => EngineEnum, { description: 'Value of the option in createJob.' })
  name!: EngineName;

  @Field(() => String, { description: 'What it does.' })
  description!: string;

  @Field(() => Boolean, { description: 'Whether a running worker offers it.' })
  available!: boolean;

  @Field(() => String, { nullable: true, description: 'Why it is unavailable, if a worker has reported it.' })
  unavailableReason!: string | null;

  @Field(() => Boolean, { description: 'Whether it currently renders requests that name no engine.' })
  isDefault!: boolean;

  @Field(() => Boolean, {
    description: 'Whether the camera moves exactly as the requested motion describes. If not, the motion only decides how much moves.',
  })
  followsMotion!: boolean;

  @Field(() => [TuningOption], { description: 'Fields of its tuning; empty if it has none.' })
  tuning!: TuningOption[];
}

@ObjectType('NumberRange', { description: 'The values that a number may have, inclusive.' })
export class NumberRange {
  @Field(() => Float, { description: 'Smallest value.' })
  min!: number;

  @Field(() => Float, { description: 'Largest value.' })
  max!: number;
}

@ObjectType('RenderLimits', { description: 'The limits of this installation.' })
export class RenderLimits {
  @Field(() => Float, { description: 'Largest photo file, in bytes.' })
  photoMaxBytes!: number;

  @Field(() => Float, { description: 'Largest photo, in pixels.' })
  photoMaxPixels!: number;

  @Field(() => Int, { description: 'Shortest side of a photo, in pixels.' })
  photoMinSide!: number;

  @Field(() => [String], { description: 'Accepted photo formats.' })
  photoFormats!: string[];

  @Field(() => Int, { description: 'Largest photo inside a createJob request, in bytes after decoding.' })
  base64MaxBytes!: number;

  @Field(() => Int, { description: 'Jobs that the queue of one engine holds at once, waiting or running.' })
  queueLimit!: number;

  @Field(() => Int, {
    description: 'Jobs that may wait beyond queueLimit, over all engines; beyond that, createJob fails with QUEUE_FULL.',
  })
  backlogLimit!: number;

  @Field(() => Int, { nullable: true, description: 'Unfinished jobs that you may have at once; null if there is no limit for you.' })
  ownerLimit!: number | null;

  @Field(() => Int, { description: 'Attempts at one job.' })
  maxAttempts!: number;

  @Field(() => Float, { description: 'How long videos and photos are kept after a job has finished, in hours.' })
  filesKeptHours!: number;

  @Field(() => Float, { description: 'How long the record of a job, without photo and video, is kept after it has finished, in days.' })
  jobsKeptDays!: number;
}

@ObjectType('RenderEstimate', { description: 'The expected render time, based on finished jobs.' })
export class RenderEstimate {
  @Field(() => EngineEnum, { description: 'The engine that renders.' })
  engine!: EngineName;

  @Field(() => ResolutionEnum, { description: 'Size of the video.' })
  resolution!: Resolution;

  @Field(() => Int, { description: 'Length of the video in seconds.' })
  durationSeconds!: number;

  @Field(() => Float, { description: 'Expected render time in seconds, without waiting.' })
  seconds!: number;
}

@ObjectType('RenderOptions', { description: 'Everything that a client needs to build its menus.' })
export class RenderOptionsType {
  @Field(() => [ResolutionOption], { description: 'Sizes.' })
  resolutions!: ResolutionOption[];

  @Field(() => [DurationOption], { description: 'Lengths.' })
  durations!: DurationOption[];

  @Field(() => Int, { description: 'Frames per second of every video.' })
  framesPerSecond!: number;

  @Field(() => [MotionOption], { description: 'Camera motions.' })
  motions!: MotionOption[];

  @Field(() => [OrientationOption], { description: 'Orientations.' })
  orientations!: OrientationOption[];

  @Field(() => [FitOption], { description: 'Ways to fill the frame.' })
  fits!: FitOption[];

  @Field(() => NumberRange, { description: 'Seeds.' })
  seed!: NumberRange;

  @Field(() => RenderLimits, { description: 'Limits.' })
  limits!: RenderLimits;
}
