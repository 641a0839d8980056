import { Ctx, FieldResolver, Query, Resolver } from 'type-graphql';
import { names } from '../../../catalog/catalog.ts';
import { liveWorkers } from '../../../jobs/engines.ts';
import type { RequestContext } from '../context.ts';
import { probe, PROBES, queueLoads } from '../../http/probes.ts';
import { HealthType, PartHealth, QueueHealth, StorageHealth, WorkerHealth } from '../types/health.ts';

/** Each part is probed only if its field is requested, and fails independently. */
@Resolver(() => HealthType)
export class HealthResolver {
  @Query(() => HealthType, { description: 'The state of the installation, part by part.' })
  health(@Ctx() { api }: RequestContext): Pick<HealthType, 'version' | 'uptimeSeconds'> {
    return { version: api.version, uptimeSeconds: (Date.now() - api.startedAt.getTime()) / 1000 };
  }

  @FieldResolver(() => PartHealth, { nullable: true, description: 'The database.' })
  async database(@Ctx() { api }: RequestContext): Promise<PartHealth> {
    const { latencyMs } = await probe('database', api.log, () => PROBES.database(api));
    return { kind: 'postgresql', latencyMs };
  }

  @FieldResolver(() => [QueueHealth], { nullable: true, description: 'The queues.' })
  async queues(@Ctx() { api }: RequestContext): Promise<QueueHealth[]> {
    return (await probe('queue', api.log, () => queueLoads(api))).result;
  }

  @FieldResolver(() => PartHealth, { nullable: true, description: 'The bus, which carries notifications of progress.' })
  async bus(@Ctx() { api }: RequestContext): Promise<PartHealth> {
    const { latencyMs } = await probe('bus', api.log, () => PROBES.bus(api));
    return { kind: api.transport, latencyMs };
  }

  @FieldResolver(() => StorageHealth, { nullable: true, description: 'The storage of photos and videos.' })
  async storage(@Ctx() { api }: RequestContext): Promise<StorageHealth> {
    const { result } = await probe('storage', api.log, async () => {
      await PROBES.storage(api);
      return await api.workspace.freeBytes();
    });
    return { writable: true, freeBytes: result };
  }

  @FieldResolver(() => [WorkerHealth], { nullable: true, description: 'Workers that are alive.' })
  async workers(@Ctx() { api }: RequestContext): Promise<WorkerHealth[]> {
    const { result } = await probe('workers', api.log, () => liveWorkers(api));
    return result.map(({ engines, unavailable, ...worker }) => ({
      ...worker,
      engines: [...engines],
      unavailable: names(unavailable).map((engine) => ({ engine, reason: unavailable[engine] ?? '' })),
    }));
  }
}
