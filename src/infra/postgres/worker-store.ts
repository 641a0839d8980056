import type { EngineName } from '../../catalog/engines.ts';
import type { SeenWorker, WorkerRecord, WorkerState, WorkerStore } from '../../jobs/store.ts';
import type { PrismaClient, Worker as Row } from '../generated/prisma/client.ts';

/** Heartbeats in PostgreSQL. Ages are measured by its clock, so that clocks of workers do not matter. */
export class PostgresWorkerStore implements WorkerStore {
  readonly #db: PrismaClient;

  constructor(db: PrismaClient) {
    this.#db = db;
  }

  async writeHeartbeat(worker: WorkerRecord): Promise<void> {
    const { id, host, pid, device, state, detail, jobId, version } = worker;
    await this.#db.$executeRaw`
      INSERT INTO worker (id, host, pid, device, engines, "defaultEngines", unavailable, "costModels", state, detail, "jobId", version)
      VALUES (${id}, ${host}, ${pid}, ${device}, ${[...worker.engines]}, ${[...worker.defaultEngines]}, ${JSON.stringify(worker.unavailable)}::jsonb,
              ${JSON.stringify(worker.costModels)}::jsonb,
              ${state}, ${detail}, ${jobId}::uuid, ${version})
      ON CONFLICT (id) DO UPDATE SET
        engines = excluded.engines, "defaultEngines" = excluded."defaultEngines", unavailable = excluded.unavailable, "costModels" = excluded."costModels",
        state = excluded.state, detail = excluded.detail, "jobId" = excluded."jobId", "lastSeenAt" = now(), "stoppedAt" = NULL`;
  }

  async markStopped(id: string): Promise<void> {
    await this.#db.$executeRaw`UPDATE worker SET "stoppedAt" = now(), "lastSeenAt" = now(), "jobId" = NULL WHERE id = ${id}`;
  }

  async seenWithin(ms: number): Promise<SeenWorker[]> {
    const rows = await this.#db.$queryRaw<(Row & { secondsSinceSeen: number })[]>`
      SELECT *, extract(epoch FROM now() - "lastSeenAt")::float8 AS "secondsSinceSeen" FROM worker
      WHERE "lastSeenAt" > now() - make_interval(secs => ${ms / 1000}::float8)
      ORDER BY "startedAt", id`;
    return rows.map((row) => ({
      ...row,
      engines: row.engines as EngineName[],
      defaultEngines: row.defaultEngines as EngineName[],
      unavailable: row.unavailable as Partial<Record<EngineName, string>>,
      costModels: row.costModels as SeenWorker['costModels'],
      state: row.state as WorkerState,
      stopped: row.stoppedAt !== null,
    }));
  }

  async deleteUnseen(ms: number): Promise<void> {
    await this.#db.$executeRaw`DELETE FROM worker WHERE "lastSeenAt" < now() - make_interval(secs => ${ms / 1000}::float8)`;
  }
}
