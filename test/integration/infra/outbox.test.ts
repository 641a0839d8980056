import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../../src/infra/postgres/db.ts';
import { PostgresJobStore } from '../../../src/infra/postgres/job-store.ts';
import { Outbox } from '../../../src/infra/postgres/outbox.ts';
import type { JobEvent } from '../../../src/jobs/events.ts';
import type { Job } from '../../../src/jobs/job.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { newJob, NO_LIMITS } from '../../support/jobs.ts';
import { eventually } from '../../support/waiting.ts';

let database: TestDatabase;
let db: Database;
const outboxes: Outbox[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase(database.url);
});
beforeEach(() => db.client.jobEvent.deleteMany());
afterEach(async () => {
  await Promise.all(outboxes.splice(0).map((outbox) => outbox.close()));
});
afterAll(async () => {
  await db?.close();
  await database?.drop();
});

/** An outbox and a store that wakes it, as in one process. */
function openProcess(deliver: (event: JobEvent) => Promise<void>, pollMs = 3_600_000) {
  const outbox = new Outbox({ databaseUrl: database.url, deliver, pollMs });
  outboxes.push(outbox);
  return { outbox, jobs: new PostgresJobStore(db.client, () => outbox.wake()) };
}

async function insert(jobs: PostgresJobStore): Promise<Job> {
  const insertion = await jobs.insert(newJob(), NO_LIMITS);
  if (insertion.kind !== 'inserted') throw new Error(insertion.kind);
  return insertion.job;
}

const undelivered = () => db.client.jobEvent.count({ where: { deliveredAt: null } });
const sequence = ({ revision, kind }: JobEvent): string => `${revision} ${kind}`;

describe('job events', () => {
  it('are recorded with every insert, transition and deletion, and not with progress or a refused change', async () => {
    const jobs = new PostgresJobStore(db.client);
    const { id } = await insert(jobs);
    const attemptToken = randomUUID();
    await jobs.transition(id, { from: ['QUEUED'] }, { status: 'PROCESSING', attempt: 1, attemptToken });
    await jobs.writeProgress(id, attemptToken, {
      stage: 'ENCODING_VIDEO',
      step: 1,
      totalSteps: 2,
      percent: 9,
      etaSeconds: 1,
      preview: false,
    });
    expect(await jobs.transition(id, { from: ['QUEUED'] }, { status: 'CANCELLED' })).toBeNull();
    await jobs.transition(id, { from: ['PROCESSING'], token: attemptToken }, { status: 'RETRYING', attemptToken: null });
    await jobs.transition(id, { from: ['RETRYING'] }, { status: 'PROCESSING' });
    await jobs.transition(id, { from: ['PROCESSING'] }, { status: 'QUEUED' });
    await jobs.transition(id, { from: ['QUEUED'] }, { status: 'CANCELLED' });
    await jobs.transition(id, { from: ['CANCELLED'] }, { filesKept: false, photoKept: false });
    expect(await jobs.delete(id)).toBe(true);
    expect(await jobs.delete(id)).toBe(false);
    const events = await db.client.jobEvent.findMany({ orderBy: { id: 'asc' } });
    expect(events.every(({ jobId }) => jobId === id)).toBe(true);
    expect(events.map(({ revision, kind }) => `${revision} ${kind}`)).toEqual([
      '1 CREATED',
      '2 STARTED',
      '4 RETRYING',
      '5 STARTED',
      '6 QUEUED',
      '7 CANCELLED',
      '8 EXPIRED',
      '9 DELETED',
    ]);
  });

  it('are deleted some time after their delivery, never before it', async () => {
    const { outbox, jobs } = openProcess(async () => {});
    await insert(jobs);
    await eventually(async () => expect(await undelivered()).toBe(0));
    await outbox.close();
    await insert(jobs);
    await jobs.deleteDeliveredEvents(3_600_000);
    expect(await db.client.jobEvent.count()).toBe(2);
    await jobs.deleteDeliveredEvents(-60_000);
    expect(await db.client.jobEvent.findMany()).toMatchObject([{ kind: 'CREATED', deliveredAt: null }]);
  });
});

describe('the outbox', () => {
  it('delivers every event in order per job while several processes change the same jobs', async () => {
    const delivered = new Map<string, string[]>();
    const deliver = async (event: JobEvent) => {
      // A slow process must not be overtaken by a quick one.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
      delivered.set(event.jobId, [...(delivered.get(event.jobId) ?? []), sequence(event)]);
    };
    const processes = [openProcess(deliver), openProcess(deliver), openProcess(deliver)];
    const jobs = await Promise.all(Array.from({ length: 12 }, (_, index) => insert(processes[index % 3]!.jobs)));
    await Promise.all(
      jobs.map(async ({ id }, index) => {
        for (let round = 0; round < 6; round++) {
          const to = round % 2 === 0 ? 'PROCESSING' : 'RETRYING';
          await processes[(index + round) % 3]!.jobs.transition(id, { from: ['QUEUED', 'PROCESSING', 'RETRYING'] }, { status: to });
        }
      }),
    );
    await eventually(async () => expect(await undelivered()).toBe(0));
    const expected = ['1 CREATED', '2 STARTED', '3 RETRYING', '4 STARTED', '5 RETRYING', '6 STARTED', '7 RETRYING'];
    expect(jobs.map(({ id }) => delivered.get(id))).toEqual(jobs.map(() => expected));
  });

  it('delivers an event again after a failure, before later events of the same job', async () => {
    const received: string[] = [];
    let isBusDown = true;
    const { outbox, jobs } = openProcess(async (event) => {
      if (isBusDown) throw new Error('the bus is down');
      received.push(sequence(event));
    });
    const { id } = await insert(jobs);
    await jobs.transition(id, { from: ['QUEUED'] }, { status: 'PROCESSING' });
    expect(await undelivered()).toBe(2);
    isBusDown = false;
    outbox.wake();
    await eventually(async () => expect(await undelivered()).toBe(0));
    expect(received).toEqual(['1 CREATED', '2 STARTED']);
  });

  it('holds back only the job whose event could not be delivered', async () => {
    const received: string[] = [];
    let refused = '';
    const { jobs, outbox } = openProcess(async ({ jobId }) => {
      if (jobId === refused) throw new Error('refused');
      received.push(jobId);
    });
    const quiet = new PostgresJobStore(db.client);
    const [first, second] = [await insert(quiet), await insert(quiet)];
    refused = first.id;
    await quiet.transition(first.id, { from: ['QUEUED'] }, { status: 'PROCESSING' });
    outbox.wake();
    await eventually(async () => expect(await undelivered()).toBe(2));
    expect(received).toEqual([second.id]);
    refused = '';
    await jobs.transition(first.id, { from: ['PROCESSING'] }, { status: 'RETRYING' });
    await eventually(() => expect(received).toEqual([second.id, first.id, first.id, first.id]));
  });

  it('delivers the events of a process that died before delivering them', async () => {
    await insert(new PostgresJobStore(db.client));
    const received: string[] = [];
    openProcess(async (event) => void received.push(sequence(event)), 50);
    await eventually(() => expect(received).toEqual(['1 CREATED']));
  });

  it('delivers an event again if the connection is lost before the delivery is recorded', async () => {
    const received: string[] = [];
    const { outbox, jobs } = openProcess(async (event) => {
      received.push(sequence(event));
      if (received.length === 1) await endConnectionsOfOutbox();
    });
    await insert(jobs);
    await eventually(() => expect(received).toEqual(['1 CREATED']));
    await eventually(async () => {
      outbox.wake();
      expect(await undelivered()).toBe(0);
    });
    expect(received).toEqual(['1 CREATED', '1 CREATED']);
  });
});

async function endConnectionsOfOutbox(): Promise<void> {
  const client = new Client(database.url);
  await client.connect();
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'fanslymotion_outbox'`,
  );
  await client.end();
}
