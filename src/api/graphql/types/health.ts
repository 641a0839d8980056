import { Field, Float, GraphQLISODateTime, ID, Int, ObjectType } from 'type-graphql';
import type { EngineName } from '../../../catalog/engines.ts';
import type { WorkerState } from '../../../jobs/store.ts';
import { EngineEnum, WorkerStateEnum } from './enums.ts';

@ObjectType('PartHealth', { description: 'A part of the installation that responded.' })
export class PartHealth {
  @Field(() => String, { description: 'What the part runs on, such as postgresql or redis.' })
  kind!: string;

  @Field(() => Float, { description: 'Response time in milliseconds.' })
  latencyMs!: number;
}

@ObjectType('StorageHealth', { description: 'The storage of photos and videos.' })
export class StorageHealth {
  @Field(() => Boolean, { description: 'Whether files can be written.' })
  writable!: boolean;

  @Field(() => Float, { description: 'Free space in bytes.' })
  freeBytes!: number;
}

@ObjectType('QueueHealth', { description: 'Number of entries in the queue of one engine.' })
export class QueueHealth {
  @Field(() => EngineEnum, { description: 'The engine.' })
  engine!: EngineName;

  @Field(() => Int, { description: 'Entries that wait for a worker.' })
  waiting!: number;

  @Field(() => Int, { description: 'Entries that wait for their next attempt.' })
  delayed!: number;

  @Field(() => Int, { description: 'Entries that workers are handling.' })
  active!: number;
}

@ObjectType('UnavailableEngine', { description: 'An engine that a worker cannot run.' })
export class UnavailableEngine {
  @Field(() => EngineEnum, { description: 'The engine.' })
  engine!: EngineName;

  @Field(() => String, { description: 'Why it cannot run, or the progress of the download of its weights.' })
  reason!: string;
}

@ObjectType('WorkerHealth', { description: 'A device of a worker.' })
export class WorkerHealth {
  @Field(() => ID, { description: 'Unique id of the device of this worker process.' })
  id!: string;

  @Field(() => String, { description: 'Name of the device, such as cpu or cuda:0.' })
  device!: string;

  @Field(() => [EngineEnum], { description: 'Engines that it can run.' })
  engines!: EngineName[];

  @Field(() => [UnavailableEngine], { description: 'Engines that it cannot run.' })
  unavailable!: UnavailableEngine[];

  @Field(() => WorkerStateEnum, { description: 'State of the device.' })
  state!: WorkerState;

  @Field(() => String, {
    nullable: true,
    description:
      'While the state is UNHEALTHY, why; otherwise what detected GPU the device is, or why no GPU is used. Null without detection.',
  })
  detail!: string | null;

  @Field(() => String, { description: 'Version of its software.' })
  version!: string;

  @Field(() => GraphQLISODateTime, { description: 'When it sent its last heartbeat.' })
  lastSeenAt!: Date;
}

@ObjectType('Health', { description: 'The state of the installation. A part that does not respond is null, and an error says why.' })
export class HealthType {
  @Field(() => String, { description: 'Version of the software.' })
  version!: string;

  @Field(() => Float, { description: 'Seconds since this API process started.' })
  uptimeSeconds!: number;
}
