/** The line of waiting jobs in PostgreSQL: its order, admission to the queue, and positions. */
import type { EngineName } from '../../catalog/engines.ts';
import type { Admitted, NewJob, QueueLine } from '../../jobs/store.ts';
import type { Prisma, PrismaClient } from '../generated/prisma/client.ts';

/** Time limit of an insertion in milliseconds, including the wait for the lock. */
export const INSERT_MS = 15_000;

/** Locks the order of waiting jobs until the end of the transaction. */
export async function lockLine(tx: Prisma.TransactionClient): Promise<void> {
  // A process that freezes while it holds the lock must not block all others.
  await tx.$executeRaw`SELECT set_config('idle_in_transaction_session_timeout', ${String(INSERT_MS)}, true)`;
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('fanslymotion.job.line'))`;
}

/** The number of jobs in an engine's queue and in the backlog, and the turn of a new job of `owner`. Requires the lock. */
export async function lineState(tx: Prisma.TransactionClient, { engine, owner }: Pick<NewJob, 'engine' | 'owner'>) {
  const [state] = await tx.$queryRaw<[{ queued: number; backlog: number; turn: number }]>`
    SELECT
      count(*) FILTER (WHERE engine = ${engine} AND admission IS NOT NULL)::int AS queued,
      count(*) FILTER (WHERE admission IS NULL)::int AS backlog,
      1 + coalesce(greatest(
        -- the turn being served: a new owner starts there, not earlier
        max(turn) FILTER (WHERE engine = ${engine} AND status <> 'QUEUED'),
        min(turn) FILTER (WHERE engine = ${engine} AND status = 'QUEUED') - 1,
        max(turn) FILTER (WHERE engine = ${engine} AND owner = ${owner})
      ), 0) AS turn
    FROM job WHERE status IN ('QUEUED', 'PROCESSING', 'RETRYING')`;
  return state;
}

/** Admits jobs of the backlog, in the order of their turns, until the queue holds `limit`. Requires the lock. */
export async function admitNext(tx: Prisma.TransactionClient, engine: EngineName, limit: number): Promise<Admitted[]> {
  const rows = await tx.$queryRaw<{ id: string; admission: number }[]>`
    WITH queue AS (
      SELECT count(*) AS size, coalesce(max(admission), 0) AS last FROM job
      WHERE engine = ${engine} AND admission IS NOT NULL AND status IN ('QUEUED', 'PROCESSING', 'RETRYING')
    ), next AS (
      SELECT id, row_number() OVER (ORDER BY turn, "createdAt", id) AS number FROM job
      WHERE engine = ${engine} AND admission IS NULL AND status = 'QUEUED'
      ORDER BY turn, "createdAt", id LIMIT (SELECT greatest(0, ${limit} - size) FROM queue)
    )
    UPDATE job SET admission = queue.last + next.number FROM next, queue
    WHERE job.id = next.id AND job.status = 'QUEUED'
    RETURNING job.id, job.admission`;
  return rows.toSorted((a, b) => a.admission - b.admission).map(({ id }) => ({ id, engine }));
}

/** Reads the line of an engine. */
export async function readLine(db: PrismaClient, engine: EngineName): Promise<QueueLine> {
  const [waiting, [running]] = await Promise.all([
    db.$queryRaw<{ id: string; jobsAhead: number; secondsAhead: number; seconds: number }[]>`
      SELECT id, (row_number() OVER line)::int - 1 AS "jobsAhead", "estimatedSeconds" AS seconds,
        sum("estimatedSeconds") OVER line - "estimatedSeconds" AS "secondsAhead"
      FROM job WHERE status = 'QUEUED' AND engine = ${engine}
      WINDOW line AS (ORDER BY admission NULLS LAST, turn, "createdAt", id)
      ORDER BY "jobsAhead"`,
    db.$queryRaw<[{ seconds: number }]>`
      SELECT coalesce(sum(greatest(0, coalesce("etaSeconds" - extract(epoch FROM now() - "progressAt"), "estimatedSeconds"))), 0)::float8 AS seconds
      FROM job WHERE status = 'PROCESSING' AND engine = ${engine}`,
  ]);
  const last = waiting.at(-1);
  return {
    positions: new Map(waiting.map(({ id, jobsAhead, secondsAhead }) => [id, { jobsAhead, secondsAhead }])),
    waitingSeconds: last ? last.secondsAhead + last.seconds : 0,
    runningSeconds: running.seconds,
  };
}
