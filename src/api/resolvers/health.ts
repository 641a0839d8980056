import { Ctx, FieldResolver, Query, Resolver } from 'type-graphql';
import { liveWorkers } from '../../jobs/engines.ts';
import type { RequestContext } from '../context.ts';
import { PROBES, queueLoads, timed } from '../probes.ts';
import { HealthType, PartHealth, QueueHealth, StorageHealth, WorkerHealth } from '../types/health.ts';

/** Each part is asked only when its field is, and fails alone. */
@Resolver(() => HealthType)
export class HealthResolver {
  @Query(() => HealthType, { description: 'How the installation is, part by part.' })
  health(@Ctx() { api }: RequestContext): Pick<HealthType, 'version' | 'uptimeSeconds'> {
    return { version: api.version, uptimeSeconds: (Date.now() - api.startedAt.getTime()) / 1000 };
  }

  @FieldResolver(() => PartHealth, { nullable: true, description: 'The database.' })
  async database(@Ctx() { api }: RequestContext): Promise<PartHealth> {
    return { kind: 'postgresql', latencyMs: await timed(() => PROBES['database']!(api)) };
  }

  @FieldResolver(() => [QueueHealth], { nullable: true, description: 'The queues.' })
  async queues(@Ctx() { api }: RequestContext): Promise<QueueHealth[]> {
    return await queueLoads(api);
  }

  @FieldResolver(() => PartHealth, { nullable: true, description: 'What carries news of progress.' })
  async bus(@Ctx() { api }: RequestContext): Promise<PartHealth> {
    return { kind: api.carrier, latencyMs: await timed(() => PROBES['bus']!(api)) };
  }

  @FieldResolver(() => StorageHealth, { nullable: true, description: 'Where files are kept.' })
  async storage(@Ctx() { api }: RequestContext): Promise<StorageHealth> {
    await timed(() => PROBES['storage']!(api));
    return { writable: true, freeBytes: await api.files.freeBytes() };
  }

  @FieldResolver(() => [WorkerHealth], { nullable: true, description: 'Workers that are alive.' })
  async workers(@Ctx() { api }: RequestContext): Promise<WorkerHealth[]> {
    return (await liveWorkers(api)).map(({ engines, ...worker }) => ({ ...worker, engines: [...engines] }));
  }
}
