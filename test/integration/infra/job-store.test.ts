import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../../src/infra/postgres/db.ts';
import { PostgresJobStore } from '../../../src/infra/postgres/job-store.ts';
import { PostgresWorkerStore } from '../../../src/infra/postgres/worker-store.ts';
import type { NewJob, WorkerRecord } from '../../../src/jobs/store.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { newJob, NO_LIMITS } from '../../support/jobs.ts';

let database: TestDatabase;
let db: Database;
let jobs: PostgresJobStore;
beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase(database.url);
  jobs = new PostgresJobStore(db.client);
});
afterAll(async () => {
  await db?.close();
  await database?.drop();
});

async function insert(change: Partial<NewJob> = {}) {
  const insertion = await jobs.insert(newJob(change), NO_LIMITS);
  if (insertion.kind !== 'inserted') throw new Error(insertion.kind);
  return insertion.job;
}

describe('a guarded transition', () => {
  it('is written once when several processes try at the same time', async () => {
    const { id } = await insert();
    const tries = await Promise.all(
      Array.from({ length: 20 }, () =>
        jobs.transition(id, { from: ['QUEUED'], attempt: 0 }, { status: 'PROCESSING', attempt: 1, attemptToken: randomUUID() }),
      ),
    );
    expect(tries.filter((job) => job !== null)).toHaveLength(1);
    expect(await jobs.find(id)).toMatchObject({ status: 'PROCESSING', attempt: 1, revision: 2 });
  });

  it('is refused, like progress, if another attempt has superseded it', async () => {
    const { id } = await insert();
    const [late, present] = [randomUUID(), randomUUID()];
    await jobs.transition(id, { from: ['QUEUED'] }, { status: 'PROCESSING', attempt: 1, attemptToken: late });
    await jobs.transition(id, { from: ['PROCESSING'], token: late }, { attempt: 2, attemptToken: present });
    const progress = { stage: 'RENDERING', step: 1, totalSteps: 2, percent: 50, etaSeconds: 1, preview: false } as const;
    expect(await jobs.writeProgress(id, late, progress)).toBeNull();
    expect(await jobs.transition(id, { from: ['PROCESSING'], token: late }, { status: 'COMPLETED' })).toBeNull();
    expect(await jobs.writeProgress(id, present, progress)).toBe(4);
    expect(await jobs.writeProgress(id, present, { ...progress, percent: 20 })).toBe(5);
    expect(await jobs.find(id)).toMatchObject({ percent: 50, status: 'PROCESSING' });
  });

  it('lets either a cancellation or a completion succeed, never both', async () => {
    for (let round = 0; round < 10; round++) {
      const { id } = await insert();
      const token = randomUUID();
      await jobs.transition(id, { from: ['QUEUED'] }, { status: 'PROCESSING', attempt: 1, attemptToken: token });
      const [cancelled, completed] = await Promise.all([
        jobs.transition(id, { from: ['QUEUED', 'PROCESSING', 'RETRYING'] }, { status: 'CANCELLED', attemptToken: null }),
        jobs.transition(id, { from: ['PROCESSING'], token }, { status: 'COMPLETED', attemptToken: null }),
      ]);
      expect([cancelled, completed].filter((job) => job !== null)).toHaveLength(1);
      expect((await jobs.find(id))!.status).toBe(cancelled ? 'CANCELLED' : 'COMPLETED');
    }
  });
});

describe('an insertion', () => {
  it('keeps the limits of the backlog and of an owner under concurrent inserts', async () => {
    const engine = 'SVD_XT';
    const present = (await jobs.active()).filter((job) => job.engine === engine).length;
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        jobs.insert(newJob({ engine, owner: `limit-${index % 5}` }), { queue: present + 3, backlog: 4, owner: 2 }),
      ),
    );
    expect(answers.filter(({ kind }) => kind === 'inserted')).toHaveLength(7);
    const owners = answers.flatMap((answer) => (answer.kind === 'inserted' ? [answer.job.owner] : []));
    for (const owner of new Set(owners)) expect(owners.filter((other) => other === owner).length).toBeLessThanOrEqual(2);
  });

  it('returns the earlier job for a used idempotency key, also under concurrent inserts', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => jobs.insert(newJob({ owner: 'k', idempotencyKey: 'same' }), NO_LIMITS)),
    );
    expect(answers.filter(({ kind }) => kind === 'inserted')).toHaveLength(1);
    expect(new Set(answers.map((answer) => (answer.kind === 'full' ? '' : answer.job.id))).size).toBe(1);
  });
});

describe('coordination of processes', () => {
  it('runs exclusive work of one name in one process at a time', async () => {
    let release = () => {};
    let begun = () => {};
    const running = new Promise<void>((resolve) => (begun = resolve));
    const first = jobs.exclusively('test', () => {
      begun();
      return new Promise((resolve) => (release = resolve));
    });
    await running;
    expect(await jobs.exclusively('test', async () => {})).toBe(false);
    expect(await jobs.exclusively('other', async () => {})).toBe(true);
    release();
    expect(await first).toBe(true);
    expect(await jobs.exclusively('test', async () => {})).toBe(true);
  });

  it('lists workers by the age of their heartbeats, measured by the database', async () => {
    const workers = new PostgresWorkerStore(db.client);
    const worker: WorkerRecord = {
      id: 'h:1:cpu',
      host: 'h',
      pid: 1,
      device: 'cpu',
      engines: ['PREVIEW'],
      defaultEngines: ['PREVIEW'],
      unavailable: { SVD_XT: 'no weights' },
      costModels: {},
      detail: null,
      state: 'READY',
      jobId: null,
      version: '1',
    };
    await workers.writeHeartbeat(worker);
    expect(await workers.seenWithin(5_000)).toMatchObject([{ ...worker, stopped: false }]);
    await workers.markStopped(worker.id);
    expect(await workers.seenWithin(5_000)).toMatchObject([{ stopped: true }]);
    await workers.writeHeartbeat({ ...worker, state: 'BUSY' });
    expect(await workers.seenWithin(5_000)).toMatchObject([{ stopped: false, state: 'BUSY' }]);
    await db.client.$executeRaw`UPDATE worker SET "lastSeenAt" = now() - interval '1 hour'`;
    expect(await workers.seenWithin(5_000)).toEqual([]);
    await workers.deleteUnseen(60_000);
    expect(await workers.seenWithin(1e9)).toEqual([]);
  });
});
