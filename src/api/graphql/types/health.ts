import { Field, Float, GraphQLISODateTime, ID, Int, ObjectType } from 'type-graphql';
import type { EngineName } from '../../../catalog/engines.ts';
import type { WorkerState } from '../../../jobs/store.ts';
import { EngineEnum, WorkerStateEnum } from './enums.ts';

@ObjectType('PartHealth', { description: 'A part that answered.' })
export class PartHealth {
  @Field(() => String, { description: 'What does this work, such as postgresql, redis or local disk.' })
  kind!: string;

  @Field(() => Float, { description: 'How long it took to answer, in milliseconds.' })
  latencyMs!: number;
}

@ObjectType('StorageHealth', { description: 'Where files are kept.' })
export class StorageHealth {
  @Field(() => Boolean, { description: 'Whether files can be written.' })
  writable!: boolean;

  @Field(() => Float, { description: 'Room for new files, in bytes.' })
  freeBytes!: number;
}

@ObjectType('QueueHealth', { description: "The load on one engine's queue." })
export class QueueHealth {
  @Field(() => EngineEnum, { description: 'The engine.' })
  engine!: EngineName;

  @Field(() => Int, { description: 'Entries that wait for a worker.' })
  waiting!: number;

  @Field(() => Int, { description: 'Entries that wait for their next attempt.' })
  delayed!: number;

  @Field(() => Int, { description: 'Entries that a worker holds.' })
  active!: number;
}

@ObjectType('UnavailableEngine', { description: 'An engine that a worker does not offer.' })
export class UnavailableEngine {
  @Field(() => EngineEnum, { description: 'The engine.' })
  engine!: EngineName;

  @Field(() => String, { description: 'Why not, and what would cure it; while weights are being fetched, how far that is.' })
  reason!: string;
}

@ObjectType('WorkerHealth', { description: 'One device of one worker.' })
export class WorkerHealth {
  @Field(() => ID, { description: 'Identifies the device of this worker process.' })
  id!: string;

  @Field(() => String, { description: 'What it renders on, such as cpu or cuda:0.' })
  device!: string;

  @Field(() => [EngineEnum], { description: 'Engines it offers.' })
  engines!: EngineName[];

  @Field(() => [UnavailableEngine], { description: 'Engines it does not offer.' })
  unavailable!: UnavailableEngine[];

  @Field(() => WorkerStateEnum, { description: 'What it is doing.' })
  state!: WorkerState;

  @Field(() => String, { description: 'Version of its software.' })
  version!: string;

  @Field(() => GraphQLISODateTime, { description: 'When it last showed that it is alive.' })
  lastSeenAt!: Date;
}

@ObjectType('Health', { description: 'How the installation is. A part that does not answer is null, with an error that says why.' })
export class HealthType {
  @Field(() => String, { description: 'Version of the software.' })
  version!: string;

  @Field(() => Float, { description: 'Seconds since this API process started.' })
  uptimeSeconds!: number;
}
