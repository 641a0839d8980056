import { names, STAGES, type Stage } from '../../catalog/catalog.ts';
import type { FocusPoint } from '../../catalog/crop.ts';
import type { EngineName, RenderOptions } from '../../catalog/engines.ts';
import { isErrorCode, type ErrorCode } from '../../jobs/errors.ts';
import { eventKindOf } from '../../jobs/events.ts';
import { ACTIVE_STATUSES, TERMINAL_STATUSES, type Job } from '../../jobs/job.ts';
import type {
  Admitted,
  Cursor,
  Guard,
  Insertion,
  JobChange,
  JobFilter,
  JobStore,
  Limits,
  NewJob,
  ProgressChange,
  QueueLine,
  RenderSample,
} from '../../jobs/store.ts';
import { admitNext, INSERT_MS, lineState, lockLine, readLine } from './line.ts';
import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import type { Job as Row } from '../generated/prisma/client.ts';

/** Time limit of exclusive work, in milliseconds. */
const EXCLUSIVE_MS = 600_000;

const STAGE_NAMES: readonly string[] = names(STAGES);

/** A row as a `Job`. Options were checked before they were written. */
function toJob(row: Row): Job {
  return {
    ...row,
    stage: row.stage !== null && STAGE_NAMES.includes(row.stage) ? (row.stage as Stage) : null,
    engine: row.engine as EngineName,
    options: row.options as unknown as RenderOptions,
    photoFocus: row.photoFocus as unknown as FocusPoint,
    errorCode: row.errorCode === null ? null : toErrorCode(row.errorCode),
  };
}

/** A code of another version of the program counts as INTERNAL. */
const toErrorCode = (code: string): ErrorCode => (isErrorCode(code) ? code : 'INTERNAL');

const toJson = (value: RenderOptions | FocusPoint): Prisma.InputJsonObject => ({ ...value }) as Prisma.InputJsonObject;

/**
 * Jobs in PostgreSQL. Every transition is one statement that names the state it expects and records a `job_event`.
 */
export class PostgresJobStore implements JobStore {
  readonly #db: PrismaClient;
  readonly #onEvent: () => void;

  /** @param onEvent called after an event has been committed, so that it is delivered without delay */
  constructor(db: PrismaClient, onEvent: () => void = () => {}) {
    this.#db = db;
    this.#onEvent = onEvent;
  }

  async now(): Promise<Date> {
    const [row] = await this.#db.$queryRaw<[{ now: Date }]>`SELECT clock_timestamp() AS now`;
    return row.now;
  }

  async find(id: string): Promise<Job | null> {
    const row = await this.#db.job.findUnique({ where: { id } });
    return row && toJob(row);
  }

  async findByKey(owner: string, idempotencyKey: string): Promise<Job | null> {
    const row = await this.#db.job.findUnique({ where: { owner_idempotencyKey: { owner, idempotencyKey } } });
    return row && toJob(row);
  }

  async revisions(ids: readonly string[]): Promise<Map<string, number>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#db.$queryRaw<
      { id: string; revision: number }[]
    >`SELECT id, revision FROM job WHERE id = ANY(${[...ids]}::uuid[])`;
    return new Map(rows.map(({ id, revision }) => [id, revision]));
  }

  async page(owner: string, first: number, after: Cursor | null, filter: JobFilter): Promise<Job[]> {
    const rows = await this.#db.job.findMany({
      where: {
        owner,
        ...(filter.statuses && { status: { in: [...filter.statuses] } }),
        ...(filter.clientRef != null && { clientRef: filter.clientRef }),
        ...(filter.createdAfter && { createdAt: { gt: filter.createdAfter } }),
        ...(after && { AND: { OR: [{ createdAt: { lt: after.createdAt } }, { createdAt: after.createdAt, id: { lt: after.id } }] } }),
      },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: first,
    });
    return rows.map(toJob);
  }

  async ownedBy(owner: string): Promise<Job[]> {
    return (await this.#db.job.findMany({ where: { owner } })).map(toJob);
  }

  /** Inserts are serialized, so that the limits cannot be exceeded between counting and inserting. */
  async insert(job: NewJob, limits: Limits): Promise<Insertion> {
    const insertion = await this.#db.$transaction(
      async (tx): Promise<Insertion> => {
        await lockLine(tx);
        const { owner, idempotencyKey } = job;
        if (idempotencyKey !== null) {
          const existing = await tx.job.findUnique({ where: { owner_idempotencyKey: { owner, idempotencyKey } } });
          if (existing) return { kind: 'existing', job: toJob(existing) };
        }
        if (limits.owner !== null) {
          const own = await tx.job.count({ where: { status: { in: [...ACTIVE_STATUSES] }, owner } });
          if (own >= limits.owner) return { kind: 'full', limit: 'owner', count: own };
        }
        const line = await lineState(tx, job);
        if (line.queued >= limits.queue && line.backlog >= limits.backlog) return { kind: 'full', limit: 'backlog', count: line.backlog };
        const row = await tx.job.create({
          data: { ...job, options: toJson(job.options), photoFocus: toJson(job.photoFocus), turn: line.turn },
        });
        await tx.jobEvent.create({ data: { jobId: row.id, revision: row.revision, kind: 'CREATED' } });
        const admitted = line.queued < limits.queue ? await admitNext(tx, job.engine, limits.queue) : [];
        return { kind: 'inserted', job: toJob(row), admitted };
      },
      { maxWait: 10_000, timeout: INSERT_MS },
    );
    if (insertion.kind === 'inserted') this.#onEvent();
    return insertion;
  }

  async admit(engine: EngineName, limit: number): Promise<Admitted[]> {
    return await this.#db.$transaction(
      async (tx) => {
        await lockLine(tx);
        return await admitNext(tx, engine, limit);
      },
      { maxWait: 10_000, timeout: INSERT_MS },
    );
  }

  async transition(id: string, guard: Guard, change: JobChange): Promise<Job | null> {
    const columns = Object.entries(change)
      .filter(([, value]) => value !== undefined)
      .map(([column, value]) => Prisma.sql`${Prisma.raw(`"${column}"`)} = ${value}`);
    const token = guard.token === undefined ? Prisma.empty : Prisma.sql`AND "attemptToken" IS NOT DISTINCT FROM ${guard.token}::uuid`;
    const attempt = guard.attempt === undefined ? Prisma.empty : Prisma.sql`AND attempt = ${guard.attempt}`;
    const [row] = await this.#db.$queryRaw<Row[]>`
      WITH changed AS (
        UPDATE job SET ${Prisma.join([...columns, Prisma.sql`revision = revision + 1`])}
        WHERE id = ${id}::uuid AND status = ANY(${[...guard.from]}::"JobStatus"[]) ${token} ${attempt}
        RETURNING *
      ), event AS (
        INSERT INTO job_event ("jobId", revision, kind) SELECT id, revision, ${eventKindOf(change)} FROM changed
      )
      SELECT * FROM changed`;
    if (!row) return null;
    this.#onEvent();
    return toJob(row);
  }

  async writeProgress(
    id: string,
    token: string,
    { stage, step, totalSteps, percent, etaSeconds, preview }: ProgressChange,
  ): Promise<number | null> {
    const [row] = await this.#db.$queryRaw<{ revision: number }[]>`
      UPDATE job
      SET stage = ${stage}, step = ${step}, "totalSteps" = ${totalSteps}, percent = greatest(percent, ${percent}::float8),
          "etaSeconds" = ${etaSeconds}::float8, "progressAt" = now(), "previewAt" = CASE WHEN ${preview} THEN now() ELSE "previewAt" END,
          revision = revision + 1
      WHERE id = ${id}::uuid AND "attemptToken" = ${token}::uuid AND status = 'PROCESSING'
      RETURNING revision`;
    return row?.revision ?? null;
  }

  async delete(id: string): Promise<boolean> {
    return (await this.#deleteWhere(Prisma.sql`id = ${id}::uuid`)) > 0;
  }

  async line(engine: EngineName): Promise<QueueLine> {
    return await readLine(this.#db, engine);
  }

  async samples(engine: EngineName, limit: number): Promise<RenderSample[]> {
    const rows = await this.#db.job.findMany({
      where: { engine, status: 'COMPLETED', renderSeconds: { not: null }, device: { not: null } },
      orderBy: { createdAt: 'desc' },
      take: limit,
      select: { options: true, device: true, renderSeconds: true, baselineSeconds: true },
    });
    return rows.map((row) => ({
      options: row.options as unknown as RenderOptions,
      device: row.device!,
      renderSeconds: row.renderSeconds!,
      baselineSeconds: row.baselineSeconds,
    }));
  }

  async finishedSince(since: Date): Promise<Job[]> {
    return (await this.#db.job.findMany({ where: { finishedAt: { gt: since } }, orderBy: { finishedAt: 'asc' }, take: 10_000 })).map(toJob);
  }

  async countByStatus() {
    const groups = await this.#db.job.groupBy({ by: ['engine', 'status'], _count: { _all: true } });
    return groups.map(({ engine, status, _count }) => ({ engine: engine as EngineName, status, count: _count._all }));
  }

  async active(): Promise<Job[]> {
    const rows = await this.#db.job.findMany({
      where: { status: { in: [...ACTIVE_STATUSES] } },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    });
    return rows.map(toJob);
  }

  async expired(limit: number, skip: number): Promise<Job[]> {
    const rows = await this.#db.job.findMany({
      where: {
        status: { in: [...TERMINAL_STATUSES] },
        expiresAt: { lt: await this.now() },
        OR: [{ filesKept: true }, { photoKept: true }],
      },
      orderBy: [{ expiresAt: 'asc' }, { id: 'asc' }],
      take: limit,
      skip,
    });
    return rows.map(toJob);
  }

  async recentlyCompleted(withinMs: number): Promise<Job[]> {
    const since = new Date((await this.now()).getTime() - withinMs);
    return (await this.#db.job.findMany({ where: { status: 'COMPLETED', filesKept: true, finishedAt: { gt: since } } })).map(toJob);
  }

  async deleteOld(ageMs: number): Promise<number> {
    const before = new Date((await this.now()).getTime() - ageMs);
    return await this.#deleteWhere(
      Prisma.sql`status IN ('COMPLETED', 'FAILED', 'CANCELLED') AND "finishedAt" < ${before} AND NOT "filesKept" AND NOT "photoKept"`,
    );
  }

  async deleteDeliveredEvents(ageMs: number): Promise<void> {
    await this.#db.$executeRaw`DELETE FROM job_event WHERE "deliveredAt" < now() - make_interval(secs => ${ageMs / 1000}::float8)`;
  }

  /** Deletes rows and records their deletion; returns their number. */
  async #deleteWhere(condition: Prisma.Sql): Promise<number> {
    const count = await this.#db.$executeRaw`
      WITH deleted AS (DELETE FROM job WHERE ${condition} RETURNING id, revision)
      INSERT INTO job_event ("jobId", revision, kind) SELECT id, revision + 1, 'DELETED' FROM deleted`;
    if (count > 0) this.#onEvent();
    return count;
  }

  /**
   * The lock belongs to the transaction, so it is released when the process dies or its connection is lost. The only query of the
   * transaction finishes before the work starts, so that the timeout of queries does not limit the work.
   */
  async exclusively(name: string, work: () => Promise<void>): Promise<boolean> {
    return await this.#db.$transaction(
      async (tx) => {
        await tx.$executeRaw`SELECT set_config('idle_in_transaction_session_timeout', ${String(EXCLUSIVE_MS)}, true)`;
        const [row] = await tx.$queryRaw<
          [{ locked: boolean }]
        >`SELECT pg_try_advisory_xact_lock(hashtext(${`fanslymotion.${name}`})) AS locked`;
        if (row.locked) await work();
        return row.locked;
      },
      { timeout: EXCLUSIVE_MS },
    );
  }
}
