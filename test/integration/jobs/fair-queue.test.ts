/** The line of waiting jobs: who is admitted to the queue, in which order, and what positions say. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../../src/infra/postgres/db.ts';
import { PostgresJobStore } from '../../../src/infra/postgres/job-store.ts';
import type { Job } from '../../../src/jobs/job.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { newJob } from '../../support/jobs.ts';
import { redisUrl } from '../../support/redis.ts';
import { Stack, type JobView } from '../../support/stack.ts';
import { until } from '../../support/waiting.ts';

const ENGINE = 'PREVIEW';
const QUEUE = 10;
const LIMITS = { queue: QUEUE, backlog: 10_000, owner: null };

describe('the line of an engine', () => {
  let database: TestDatabase;
  let db: Database;
  let jobs: PostgresJobStore;
  beforeEach(async () => {
    database = await createTestDatabase();
    db = openDatabase(database.url);
    jobs = new PostgresJobStore(db.client);
  });
  afterEach(async () => {
    await db.close();
    await database.drop();
  });

  async function create(owner: string, limits = LIMITS): Promise<Job> {
    const insertion = await jobs.insert(newJob({ owner, engine: ENGINE }), limits);
    if (insertion.kind !== 'inserted') throw new Error(insertion.kind);
    return insertion.job;
  }

  const order = async (): Promise<string[]> => [...(await jobs.line(ENGINE)).positions.keys()];
  const queued = async (): Promise<Job[]> => (await jobs.active()).filter(({ admission }) => admission !== null);
  const start = async (id: string) => await jobs.transition(id, { from: ['QUEUED'] }, { status: 'PROCESSING', attemptToken: randomUUID() });
  /** Renders the first job of the given line, as a worker would. */
  async function serve([first]: readonly string[]): Promise<string> {
    await start(first!);
    await jobs.transition(first!, { from: ['PROCESSING'] }, { status: 'COMPLETED', attemptToken: null });
    await jobs.admit(ENGINE, QUEUE);
    return first!;
  }

  const sizes = [14, 200, 1_000];
  const owners = [1, 3, 50];
  const cases = sizes.flatMap((size) => owners.map((count) => [size, count] as const));

  it.each(cases)('renders %i jobs of %i owners in turns and moves no job back', async (size, count) => {
    const made: Job[] = [];
    while (made.length < size) {
      const batch = Array.from({ length: Math.min(50, size - made.length) }, (_, index) =>
        create(`owner-${(made.length + index) % count}`),
      );
      made.push(...(await Promise.all(batch)));
    }
    const ownerOf = new Map(made.map(({ id, owner }) => [id, owner]));
    expect(await queued()).toHaveLength(Math.min(size, QUEUE));

    let positions = new Map((await order()).map((id, index) => [id, index]));
    expect(positions.size).toBe(size);
    const served: string[] = [];
    for (let round = 0; round < Math.min(size, 2 * count + QUEUE, 60); round++) {
      // As after a restart: everything is read from the rows.
      if (round % 10 === 5) jobs = new PostgresJobStore(db.client);
      served.push(await serve([...positions.keys()]));
      const now = new Map((await order()).map((id, index) => [id, index]));
      expect([...now].filter(([id, position]) => position >= positions.get(id)!)).toEqual([]);
      positions = now;
    }
    const afterQueue = served.slice(QUEUE).map((id) => ownerOf.get(id)!);
    for (let from = 0; from + count <= afterQueue.length; from += count) {
      const round = afterQueue.slice(from, from + count);
      expect(Math.max(...round.map((owner) => round.filter((other) => other === owner).length))).toBeLessThanOrEqual(2);
    }
    const left = size - served.length;
    expect(positions.size).toBe(left);
    expect(await queued()).toHaveLength(Math.min(left, QUEUE));
  });

  it('keeps the jobs of one owner in the order of their creation', async () => {
    const made: string[] = [];
    for (let index = 0; index < 25; index++) made.push((await create('owner')).id);
    expect(await order()).toEqual(made);
    const served: string[] = [];
    for (let index = 0; index < 25; index++) served.push(await serve(await order()));
    expect(served).toEqual(made);
  });

  it('places the first job of a new owner after the queue, before an owner with more waiting jobs, and takes turns from there', async () => {
    const album: string[] = [];
    for (let index = 0; index < 14; index++) album.push((await create('album')).id);
    await start(album[0]!);
    const [one, two] = [await create('newcomer'), await create('newcomer')];
    const backlog = (await order()).slice(QUEUE - 1);
    expect(backlog).toEqual([one!.id, two!.id, ...album.slice(QUEUE)]);
    const third = await create('third');
    expect((await order()).slice(QUEUE - 1)).toEqual([one!.id, third.id, two!.id, ...album.slice(QUEUE)]);
  });

  it('gives a new owner the turn that is being served, not an earlier one', async () => {
    const ownerOf = new Map<string, string>();
    const add = async (owner: string) => ownerOf.set((await create(owner)).id, owner);
    for (let index = 0; index < 15; index++) for (const owner of ['a', 'b']) await add(owner);
    // Between two jobs: nothing runs, the queue holds turns 6 to 10.
    for (let index = 0; index < 10; index++) await serve(await order());
    for (let index = 0; index < 8; index++) await add('late');
    const backlog = (await order()).slice(QUEUE).map((id) => ownerOf.get(id));
    expect(backlog.join(' ')).toBe('late late late late late a b late a b late a b late a b a b');
  });

  it('writes no row of other jobs when a job is created, starts or finishes', async () => {
    await Promise.all(Array.from({ length: 30 }, (_, index) => create(`owner-${index % 3}`)));
    const revisions = async () => new Map((await jobs.active()).map(({ id, revision }) => [id, revision]));
    const before = await revisions();
    const served = await serve(await order());
    await create('owner-0');
    before.delete(served);
    const after = await revisions();
    expect([...before].filter(([id, revision]) => after.get(id) !== revision)).toEqual([]);
  });

  it('refuses jobs only when the backlog is full, under concurrent requests', async () => {
    const limits = { queue: 4, backlog: 6, owner: null };
    const answers = await Promise.allSettled(Array.from({ length: 25 }, (_, index) => create(`owner-${index}`, limits)));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect((await queued()).length).toBe(4);
  });

  it('admits each job once when several processes admit', async () => {
    await Promise.all(Array.from({ length: 40 }, () => create('owner', { ...LIMITS, queue: 1 })));
    const admitted = (await Promise.all(Array.from({ length: 8 }, () => jobs.admit(ENGINE, 20)))).flat().map(({ id }) => id);
    expect(admitted).toHaveLength(19);
    expect(new Set(admitted).size).toBe(19);
  });
});

describe.each([
  ['PostgreSQL', false],
  ['Redis', true],
] as const)('a line with a backlog on %s', (_name, redis) => {
  const isPossible = !redis || redisUrl() !== undefined;
  let stack: Stack;
  beforeAll(async () => {
    const environment = { QUEUE_LIMIT: '2', BACKLOG_LIMIT: '4', ENGINE_GRACE_SECONDS: '600' };
    if (isPossible) stack = await Stack.start({ redis, environment });
  });
  afterAll(() => stack?.stop());

  it.runIf(isPossible)('reports positions, refuses jobs beyond the backlog, and is rendered in order across restarts', async () => {
    // A worker that has just left still counts, so that jobs can be created.
    await stack.worker!.stop();
    const image = { uploadId: await stack.upload() };
    const made: JobView[] = [];
    for (let index = 0; index < 6; index++) made.push(await stack.create({ image }));
    expect(made.map(({ queuePosition }) => queuePosition)).toEqual(made.map((_, index) => index + 1));
    expect((await stack.tryCreate({ image })).errors?.[0]?.extensions.code).toBe('QUEUE_FULL');
    const aliases = made.map(({ id }, index) => `j${index}: job(id: "${id}") { queuePosition }`).join(' ');
    const { data } = await stack.graphql<Record<string, { queuePosition: number }>>(`{ ${aliases} }`);
    expect(Object.values(data).map(({ queuePosition }) => queuePosition)).toEqual(made.map((_, index) => index + 1));

    await stack.api.kill();
    await stack.startApi();
    const following = stack.follow(made.at(-1)!.id);
    await stack.startWorker();
    const ended = async () =>
      await stack.sql<{ id: string; status: string }>(
        `SELECT id, status::text FROM job WHERE status IN ('COMPLETED', 'FAILED', 'CANCELLED') ORDER BY "startedAt"`,
      );
    await until(async () => (await ended()).length >= 2);
    await stack.worker!.stop();
    await stack.startWorker();
    const events = await following;
    const all = await ended();
    expect(all.every(({ status }) => status === 'COMPLETED')).toBe(true);
    expect(all.map(({ id }) => id)).toEqual(made.map(({ id }) => id));

    const positions = events.flatMap(({ job }) => (job.queuePosition === null ? [] : [job.queuePosition]));
    expect(positions[0]).toBe(6);
    // The job that the leaving worker gave back goes in front again: the one time that the others move back.
    const steps = positions.slice(1).map((position, index) => position - positions[index]!);
    expect(steps.filter((step) => step > 0).length).toBeLessThanOrEqual(1);
    expect(Math.max(...steps)).toBeLessThanOrEqual(1);
    expect(new Set(positions).size).toBeGreaterThan(2);
    const revisions = events.map(({ revision }) => revision);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
  });
});
