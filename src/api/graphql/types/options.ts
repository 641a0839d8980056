import { Field, Float, Int, ObjectType } from 'type-graphql';
import type { Fit, Motion, Orientation, Resolution } from '../../../catalog/catalog.ts';
import type { EngineName } from '../../../catalog/engines.ts';
import { EngineEnum, FitEnum, MotionEnum, OrientationEnum, ResolutionEnum } from './enums.ts';
import { TuningOption } from './tuning.ts';

@ObjectType('ResolutionOption', { description: 'A size to choose from.' })
export class ResolutionOption {
  @Field(() => ResolutionEnum, { description: 'Its name in createJob.' })
  name!: Resolution;

  @Field(() => Int, { description: 'Pixels wide in landscape; portrait swaps the two.' })
  width!: number;

  @Field(() => Int, { description: 'Pixels high in landscape.' })
  height!: number;

  @Field(() => String, { description: 'What it is good for.' })
  description!: string;

  @Field(() => Boolean, { description: 'Whether it is taken when nothing is said.' })
  isDefault!: boolean;
}

@ObjectType('DurationOption', { description: 'A length to choose from.' })
export class DurationOption {
  @Field(() => Int, { description: 'Length in seconds.' })
  seconds!: number;

  @Field(() => Int, { description: 'Exact number of frames.' })
  frameCount!: number;

  @Field(() => Boolean, { description: 'Whether it is taken when nothing is said.' })
  isDefault!: boolean;
}

@ObjectType('MotionOption', { description: 'A camera motion to choose from.' })
export class MotionOption {
  @Field(() => MotionEnum, { description: 'Its name in createJob.' })
  name!: Motion;

  @Field(() => String, { description: 'What one sees.' })
  description!: string;

  @Field(() => String, { description: 'Photos it suits.' })
  bestFor!: string;

  @Field(() => Boolean, { description: 'Whether it is taken when nothing is said.' })
  isDefault!: boolean;
}

@ObjectType('OrientationOption', { description: 'A way the frame can stand.' })
export class OrientationOption {
  @Field(() => OrientationEnum, { description: 'Its name in createJob.' })
  name!: Orientation;

  @Field(() => String, { description: 'What it means.' })
  description!: string;

  @Field(() => Boolean, { description: 'Whether it is taken when nothing is said.' })
  isDefault!: boolean;
}

@ObjectType('FitOption', { description: 'A way a photo can fill the frame.' })
export class FitOption {
  @Field(() => FitEnum, { description: 'Its name in createJob.' })
  name!: Fit;

  @Field(() => String, { description: 'What it means.' })
  description!: string;

  @Field(() => Boolean, { description: 'Whether it is taken when nothing is said.' })
  isDefault!: boolean;
}

@ObjectType('EngineOption', { description: 'An engine, and whether it can render now.' })
export class EngineOption {
  @Field(() => EngineEnum, { description: 'Its name in createJob.' })
  name!: EngineName;

  @Field(() => String, { description: 'What it does.' })
  description!: string;

  @Field(() => Boolean, { description: 'Whether a running worker offers it.' })
  available!: boolean;

  @Field(() => String, { nullable: true, description: 'Why not, where a worker says so.' })
  unavailableReason!: string | null;

  @Field(() => Boolean, { description: 'Whether it renders a request that names no engine now.' })
  isDefault!: boolean;

  @Field(() => [TuningOption], { description: 'Its own options; empty if it has none.' })
  tuning!: TuningOption[];
}

@ObjectType('NumberRange', { description: 'Values that a number may have, both ends included.' })
export class NumberRange {
  @Field(() => Float, { description: 'Smallest value.' })
  min!: number;

  @Field(() => Float, { description: 'Largest value.' })
  max!: number;
}

@ObjectType('RenderLimits', { description: 'What this installation allows.' })
export class RenderLimits {
  @Field(() => Float, { description: 'Largest photo file, in bytes.' })
  photoMaxBytes!: number;

  @Field(() => Float, { description: 'Largest photo, in pixels.' })
  photoMaxPixels!: number;

  @Field(() => Int, { description: 'Shortest side of a photo, in pixels.' })
  photoMinSide!: number;

  @Field(() => [String], { description: 'Photo formats that are read.' })
  photoFormats!: string[];

  @Field(() => Int, { description: 'Largest photo inside a createJob request, in bytes after decoding.' })
  base64MaxBytes!: number;

  @Field(() => Int, { description: "Jobs handed to one engine's queue at once, waiting or running." })
  queueLimit!: number;

  @Field(() => Int, { description: 'Jobs that may wait beyond queueLimit, over all engines; beyond that createJob answers QUEUE_FULL.' })
  backlogLimit!: number;

  @Field(() => Int, { nullable: true, description: 'Your unfinished jobs at once; null: you have no limit of your own.' })
  ownerLimit!: number | null;

  @Field(() => Int, { description: 'Attempts at one job.' })
  maxAttempts!: number;

  @Field(() => Float, { description: 'Hours that videos and photos are kept after the end of a job.' })
  filesKeptHours!: number;

  @Field(() => Float, { description: 'Days that the record of a job, without any picture, is kept after its end.' })
  jobsKeptDays!: number;
}

@ObjectType('RenderEstimate', { description: 'How long a render is expected to take, learnt from finished jobs.' })
export class RenderEstimate {
  @Field(() => EngineEnum, { description: 'The engine that renders.' })
  engine!: EngineName;

  @Field(() => ResolutionEnum, { description: 'Size of the video.' })
  resolution!: Resolution;

  @Field(() => Int, { description: 'Length of the video in seconds.' })
  durationSeconds!: number;

  @Field(() => Float, { description: 'Expected render time in seconds; waiting is not counted.' })
  seconds!: number;
}

@ObjectType('RenderOptions', { description: 'Everything a client needs to build its menus.' })
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
