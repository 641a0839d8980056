import { Pool, type PoolClient, type QueryResult } from 'pg';
import type { JobEvent } from '../../jobs/events.ts';
import type { Log } from '../../jobs/ports/log.ts';
import { withDeadline } from '../../process/deadline.ts';
import { reporter, silent } from '../connection.ts';

export interface OutboxSettings {
  readonly databaseUrl: string;
  /** Publishes one event. It is called again for the same event after it rejects or the process dies. */
  readonly deliver: (event: JobEvent) => Promise<void>;
  readonly log?: Log;
  /** Interval at which undelivered events of other processes are searched for, in milliseconds. */
  readonly pollMs?: number;
}

/** Longest wait for the database, in milliseconds. */
const REPLY_TIMEOUT_MS = 10_000;
/** Longest wait for a delivery in progress when closing, in milliseconds. */
const CLOSE_MS = 1_900;
/** Events delivered in one transaction. */
const BATCH = 500;

/**
 * Takes the lock, then reads undelivered events: the SELECT sees everything that was committed before the lock was granted. All in one
 * simple query, so that an event is delivered after one round trip. A process that freezes loses the lock after 10 s.
 */
const TAKE_DUE = `
  BEGIN;
  SET LOCAL idle_in_transaction_session_timeout = '10s';
  SET LOCAL synchronous_commit = off;
  SELECT pg_advisory_xact_lock(hashtext('fanslymotion.outbox'));
  SELECT id, "jobId", revision, kind, at FROM job_event WHERE "deliveredAt" IS NULL ORDER BY id LIMIT ${BATCH}`;

/**
 * Delivers the rows of `job_event`, which are written in the same transaction as the change they record: at least once, and in order
 * for each job.
 *
 *   change + event ──commit──▶ wake ──▶ take lock ──▶ deliver ──▶ mark as delivered
 *                                  ▲ every second, for events of a process that died before `wake`
 *
 * One process delivers at a time, so that a later event of a job cannot overtake an earlier one. Events of one job are committed in the
 * order of their ids, because each change waits for the row lock of the job first. If a delivery fails, the event and all later ones of its
 * job stay undelivered.
 */
export class Outbox {
  readonly #deliver: OutboxSettings['deliver'];
  readonly #report: (error: unknown) => void;
  readonly #pool: Pool;
  readonly #timer: NodeJS.Timeout;
  #awake = false;
  #closed = false;
  #running: Promise<void> | null = null;

  constructor({ databaseUrl, deliver, log = silent, pollMs = 1_000 }: OutboxSettings) {
    this.#deliver = deliver;
    this.#report = reporter(log, 'outbox');
    this.#pool = new Pool({
      connectionString: databaseUrl,
      max: 1,
      keepAlive: true,
      connectionTimeoutMillis: REPLY_TIMEOUT_MS,
      query_timeout: REPLY_TIMEOUT_MS,
      application_name: 'fanslymotion_outbox',
    });
    this.#pool.on('error', this.#report);
    // A connection in use emits its own error, which would end the process without a listener.
    this.#pool.on('connect', (client) => client.on('error', this.#report));
    this.#timer = setInterval(() => this.wake(), pollMs).unref();
  }

  /** Starts a delivery. Call after each commit; calls during a delivery cause one more. */
  wake(): void {
    if (this.#closed) return;
    this.#awake = true;
    this.#running ??= this.#run();
  }

  /** Finishes the delivery in progress and closes the connection, within 2 s. Other processes deliver the remaining events. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closed = true;
    const closed = (async () => {
      await this.#running;
      await this.#pool.end();
    })();
    await withDeadline(closed, CLOSE_MS, 'the outbox did not close').catch(this.#report);
  }

  async #run(): Promise<void> {
    while (this.#awake) {
      this.#awake = false;
      try {
        while ((await this.#deliverBatch()) === 'more');
      } catch (error) {
        // The next poll tries again.
        this.#report(error);
        if (this.#closed) break;
      }
    }
    this.#running = null;
  }

  async #deliverBatch(): Promise<'more' | 'none'> {
    const client = await this.#pool.connect();
    let failure: Error | undefined;
    try {
      const due = await takeDue(client);
      const { delivered, error } = await deliverInOrder(due, this.#deliver);
      if (delivered.length > 0) {
        await client.query('UPDATE job_event SET "deliveredAt" = clock_timestamp() WHERE id = ANY($1::bigint[])', [delivered]);
      }
      await client.query('COMMIT');
      if (error !== null) throw error;
      return due.length === BATCH ? 'more' : 'none';
    } catch (error) {
      // The server rolls back when the connection ends.
      failure = error instanceof Error ? error : new Error(String(error));
      throw failure;
    } finally {
      client.release(failure);
    }
  }
}

async function takeDue(client: PoolClient): Promise<JobEvent[]> {
  // For several statements pg returns an array of results, which its types do not declare.
  const results = (await client.query(TAKE_DUE)) as unknown as readonly QueryResult<JobEvent>[];
  return results.at(-1)!.rows;
}

/** Delivers events concurrently for different jobs and in order for each job; after a failure the later events of the job are skipped. */
async function deliverInOrder(
  events: readonly JobEvent[],
  deliver: OutboxSettings['deliver'],
): Promise<{ delivered: string[]; error: unknown }> {
  const delivered: string[] = [];
  let failure: unknown = null;
  const byJob = new Map<string, JobEvent[]>();
  for (const event of events) byJob.set(event.jobId, [...(byJob.get(event.jobId) ?? []), event]);
  await Promise.all(
    [...byJob.values()].map(async (ofJob) => {
      try {
        for (const event of ofJob) {
          await deliver(event);
          delivered.push(event.id);
        }
      } catch (error) {
        failure = error;
      }
    }),
  );
  return { delivered, error: failure };
}
