import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findFfmpeg } from '../../../src/infra/media/ffmpeg.ts';
import { processes, rendererOf } from '../../support/processes.ts';
import { Stack, type ProgressView } from '../../support/stack.ts';
import { until } from '../../support/waiting.ts';
import { openWire } from '../../support/wire.ts';

const HOUR_MS = 3_600_000;
/** Takes some seconds, so that there is something to interrupt. */
const LONG = { resolution: 'P720', durationSeconds: 12 };
const RETENTION = { FILES_KEPT_HOURS: '2', JOBS_KEPT_DAYS: '3', UPLOADS_KEPT_HOURS: '4' };
const isRendering = ({ job }: ProgressView) => job.stage === 'RENDERING' && (job.step ?? 0) > 2;

let stack: Stack;
/** Environment of the running worker; null if none is running. */
let workerEnvironment: Readonly<Record<string, string>> | null = null;

beforeAll(async () => {
  stack = await Stack.start({ worker: false, statesKept: true, environment: { ENGINE_GRACE_SECONDS: '600', ...RETENTION } });
});
afterEach(async () => {
  await stack.graphql('mutation { deleteMyData }');
});
afterAll(async () => {
  await stack?.stop();
});

/** Makes sure that a worker with this environment is running, and no other. */
async function useWorker(environment: Readonly<Record<string, string>> = {}): Promise<void> {
  if (workerEnvironment !== null && isDeepStrictEqual(workerEnvironment, environment)) return;
  await stopWorker();
  await stack.startWorker(environment);
  workerEnvironment = environment;
}

/** Returns the exit code; 0 if no worker is running. */
async function stopWorker(): Promise<number | null> {
  const code = workerEnvironment === null ? 0 : await stack.worker!.stop();
  workerEnvironment = null;
  return code;
}

async function killWorker(): Promise<void> {
  workerEnvironment = null;
  await stack.worker!.kill();
}

const allowAttempts = (jobId: string, count: number) => stack.sql('UPDATE job SET "maxAttempts" = $2 WHERE id = $1', [jobId, count]);

describe('a failing render', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fm-ffmpeg-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  /** An ffmpeg that answers queries as the real one does, and runs `body` instead of encoding. */
  async function brokenFfmpeg(name: string, body: string): Promise<string> {
    const real = await findFfmpeg({ FFMPEG_PATH: undefined });
    const file = path.join(folder, name);
    writeFileSync(
      file,
      `#!${process.execPath}
const args = process.argv.slice(2);
if (args.includes('-version') || args.includes('-encoders')) process.stdout.write(require('node:child_process').execFileSync(${JSON.stringify(real.path)}, args));
else { ${body} }
`,
    );
    chmodSync(file, 0o755);
    return file;
  }

  it('fails the job with ENCODER_FAILED after all attempts when ffmpeg cannot write', async () => {
    const ffmpeg = await brokenFfmpeg('fails.cjs', "process.stderr.write('No space left on this planet\\n'); process.exit(1);");
    await useWorker({ FFMPEG_PATH: ffmpeg, RETRY_DELAY_SECONDS: '2' });
    const job = await stack.create();
    const retrying = (await stack.follow(job.id, (event) => event.job.status === 'RETRYING')).at(-1)!.job;
    expect(retrying).toMatchObject({
      status: 'RETRYING',
      error: { code: 'ENCODER_FAILED', fault: 'SERVER', retry: 'SAME_REQUEST' },
      nextAttemptAt: expect.any(String),
    });
    const end = await stack.finish(job.id);
    expect((await stack.states(job.id)).filter(({ status }) => status === 'RETRYING').map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(end).toMatchObject({
      status: 'FAILED',
      attempt: 3,
      maxAttempts: 3,
      result: null,
      error: { code: 'ENCODER_FAILED', fault: 'SERVER', retry: 'SAME_REQUEST' },
    });
    await until(async () => (await stack.files('.scratch')).length === 0);
    expect(await stack.files('archive')).toEqual([]);
  });

  it('is stopped and fails the job with TIMEOUT when it finishes no frame in time', async () => {
    const ffmpeg = await brokenFfmpeg('hangs.cjs', 'setInterval(() => {}, 1000);');
    await useWorker({ FFMPEG_PATH: ffmpeg, STEP_TIMEOUT_SECONDS: '1', RETRY_DELAY_SECONDS: '0.1' });
    const job = await stack.create();
    await allowAttempts(job.id, 2);
    expect(await stack.finish(job.id)).toMatchObject({ status: 'FAILED', attempt: 2, error: { code: 'TIMEOUT' } });
  });

  it('fails the job at once when its photo is missing, since a retry cannot succeed', async () => {
    await useWorker();
    await stopWorker();
    const job = await stack.create();
    await rm(path.join(stack.storage, 'hot', job.id, 'photo'));
    await useWorker();
    expect(await stack.finish(job.id)).toMatchObject({
      status: 'FAILED',
      attempt: 1,
      error: { code: 'EXPIRED', fault: 'CLIENT', retry: 'NEVER' },
    });
  });
});

describe('a lost worker', () => {
  it('fails a job that kills its worker in every attempt, and the next job is rendered', async () => {
    await useWorker();
    const killer = await stack.create(LONG);
    await allowAttempts(killer.id, 2);
    const next = await stack.create();
    for (const attempt of [1, 2]) {
      await stack.follow(killer.id, ({ job }) => job.attempt === attempt && job.stage === 'RENDERING');
      await killWorker();
      await useWorker();
    }
    expect(await stack.finish(killer.id)).toMatchObject({ status: 'FAILED', attempt: 2, error: { code: 'WORKER_LOST' } });
    expect(await stack.finish(next.id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
  });

  it('is replaced while it is frozen, and its late writes are refused', async () => {
    await useWorker();
    const frozen = stack.worker!;
    const brake = await stack.brakeRenderer();
    const job = await stack.create();
    await stack.follow(job.id, isRendering);
    process.kill(frozen.process.pid!, 'SIGSTOP');
    brake.hold();
    await stack.startWorker();
    const events = await stack.follow(job.id);
    expect(events.at(-1)!.job).toMatchObject({ status: 'COMPLETED', attempt: 2 });
    const [before] = await stack.sql('SELECT * FROM job WHERE id = $1', [job.id]);
    brake.release();
    process.kill(frozen.process.pid!, 'SIGCONT');
    await frozen.stop();
    expect((await stack.sql('SELECT * FROM job WHERE id = $1', [job.id]))[0]).toEqual(before);
    const { result } = (await stack.job(job.id))!;
    const video = await (await fetch(result!.video!.url)).arrayBuffer();
    expect(createHash('sha256').update(Buffer.from(video)).digest('hex')).toBe(result!.sha256);
    expect((await stack.files('archive')).filter((file) => file.includes(job.id))).toHaveLength(2);
  });

  it('does not keep a job PROCESSING when neither worker nor queue entry exist', async () => {
    await useWorker();
    const job = await stack.create();
    await stack.finish(job.id);
    await stack.sql(
      `UPDATE job SET status = 'PROCESSING', "finishedAt" = NULL, "filesKept" = false, "workerId" = 'gone:1:cpu', "attemptToken" = gen_random_uuid() WHERE id = $1`,
      [job.id],
    );
    expect(await stack.finish(job.id)).toMatchObject({ status: 'COMPLETED', attempt: 2 });
  });

  it('makes createJob fail with ENGINE_UNAVAILABLE once the grace period for restarts is over', async () => {
    await useWorker();
    await stopWorker();
    const stoppedFor = (seconds: number) =>
      stack.sql(`UPDATE worker SET "lastSeenAt" = now() - make_interval(secs => $1::float8)`, [seconds]);
    await stoppedFor(540);
    expect((await stack.tryCreate()).errors).toBeUndefined();
    await stoppedFor(601);
    expect((await stack.tryCreate()).errors![0]!.extensions.code).toBe('ENGINE_UNAVAILABLE');
  });
});

describe('a worker', () => {
  it('kills a renderer that does not stop when its job is cancelled, and renders the next job with a new one', async () => {
    await useWorker({ CANCEL_GRACE_SECONDS: '0.3' });
    const job = await stack.create(LONG);
    await stack.follow(job.id, isRendering);
    const renderer = await rendererOf(stack.worker!.process.pid!);
    process.kill(renderer, 'SIGSTOP');
    await stack.cancel(job.id);
    const next = await stack.create();
    expect((await stack.finish(next.id)).status).toBe('COMPLETED');
    expect(await rendererOf(stack.worker!.process.pid!)).not.toBe(renderer);
  });

  it('releases its job when a service manager signals all its processes at once', async () => {
    await useWorker();
    const job = await stack.create(LONG);
    await stack.follow(job.id, isRendering);
    const { pid } = stack.worker!.process;
    const renderer = await rendererOf(pid!);
    const encoder = (await processes()).find(({ parent }) => parent === renderer)!.pid;
    for (const target of [encoder, renderer, pid!]) process.kill(target, 'SIGTERM');
    expect(await stopWorker()).toBe(0);
    expect(await stack.job(job.id)).toMatchObject({ status: 'QUEUED', attempt: 1, maxAttempts: 4 });
  });

  it('becomes UNHEALTHY and leaves jobs to others when it cannot see their storage', async () => {
    const elsewhere = mkdtempSync(path.join(tmpdir(), 'fm-elsewhere-'));
    try {
      await useWorker({ STORAGE_DIR: elsewhere });
      const job = await stack.create();
      const states = () =>
        stack.sql<{ state: string }>('SELECT state FROM worker WHERE "stoppedAt" IS NULL AND pid = $1', [stack.worker!.process.pid]);
      await until(async () => (await states())[0]?.state === 'UNHEALTHY');
      expect(await stack.job(job.id)).toMatchObject({ status: 'QUEUED', error: null });
      await useWorker();
      expect((await stack.finish(job.id)).status).toBe('COMPLETED');
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  it('keeps a finished video until the database is reachable again', async () => {
    const wire = await openWire(stack.databaseUrl);
    try {
      await useWorker({ DATABASE_URL: wire.url, STALLED_SECONDS: '30' });
      const brake = await stack.brakeRenderer();
      const job = await stack.create();
      await stack.follow(job.id, isRendering);
      wire.cut();
      brake.release();
      await until(async () => (await stack.files('archive')).some((file) => file.includes(job.id) && file.endsWith('.mp4')));
      await new Promise((resolve) => setTimeout(resolve, 1_500)); // longer than the worker waits between two writes
      wire.mend();
      expect(await stack.finish(job.id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
    } finally {
      wire.mend();
      await stopWorker();
      await wire.close();
    }
  });

  it('never replaces a newer heartbeat with a delayed one', async () => {
    await stopWorker();
    await stack.sql('CREATE SEQUENCE test_heartbeat');
    await stack.sql('CREATE TABLE test_reported (number serial, state text)');
    // The second heartbeat, sent while the renderer starts, is delayed.
    await stack.sql(
      `CREATE FUNCTION test_delay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF nextval(''test_heartbeat'') = 2 THEN PERFORM pg_sleep(1.5); END IF; RETURN NULL; END'`,
    );
    await stack.sql('CREATE TRIGGER test_delay BEFORE INSERT ON worker FOR EACH STATEMENT EXECUTE FUNCTION test_delay()');
    await stack.sql(
      `CREATE FUNCTION test_note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO test_reported (state) VALUES (NEW.state); RETURN NULL; END'`,
    );
    await stack.sql('CREATE TRIGGER test_note AFTER INSERT OR UPDATE ON worker FOR EACH ROW EXECUTE FUNCTION test_note()');
    try {
      await useWorker({ HEARTBEAT_SECONDS: '0.1' });
      const reported = async () =>
        (await stack.sql<{ state: string }>('SELECT state FROM test_reported ORDER BY number')).map(({ state }) => state);
      // Two seconds' worth of heartbeats after the delayed one.
      await until(async () => (await reported()).filter((state) => state === 'READY').length > 20);
      const states = await reported();
      expect(states.slice(states.indexOf('READY')).filter((state) => state !== 'READY')).toEqual([]);
      expect(states[0]).toBe('STARTING');
    } finally {
      await stopWorker();
      await stack.sql('DROP TRIGGER test_delay ON worker');
      await stack.sql('DROP TRIGGER test_note ON worker');
    }
  });
});

describe('a subscription', () => {
  it('delivers the final status although the message about it was lost', async () => {
    await useWorker();
    await stopWorker();
    const job = await stack.create();
    const end = stack.follow(job.id);
    // Changes the row without publishing anything.
    await stack.sql(
      `UPDATE job SET status = 'FAILED', "errorCode" = 'INTERNAL', "finishedAt" = now(), revision = revision + 5 WHERE id = $1`,
      [job.id],
    );
    expect((await end).at(-1)!.job).toMatchObject({ status: 'FAILED', error: { code: 'INTERNAL' } });
  });
});

describe('retention', () => {
  /** Waits until a pass of housekeeping has deleted old rows: of a pass, delivered events are deleted after jobs. */
  async function housekeepingPass(): Promise<void> {
    const [event] = await stack.sql<{ id: string }>(
      `INSERT INTO job_event ("jobId", revision, kind, "deliveredAt") VALUES (gen_random_uuid(), 1, 'CREATED', now() - interval '2 days') RETURNING id`,
    );
    await until(async () => (await stack.sql('SELECT id FROM job_event WHERE id = $1', [event!.id])).length === 0);
  }

  it('deletes files, then rows, and unused uploads when their periods are over', async () => {
    await useWorker();
    const job = await stack.create();
    const done = await stack.finish(job.id);
    expect((await fetch(done.result!.video!.url, { method: 'HEAD' })).status).toBe(200);
    expect(Date.parse(done.expiresAt!) - Date.parse(done.finishedAt!)).toBe(2 * HOUR_MS);
    const [upload] = await stack.sql<{ createdAt: Date; expiresAt: Date }>('SELECT * FROM upload');
    expect(Math.round((upload!.expiresAt.getTime() - upload!.createdAt.getTime()) / HOUR_MS)).toBe(4);
    await stack.sql('UPDATE job SET "expiresAt" = now()');
    await stack.sql('UPDATE upload SET "expiresAt" = now()');
    const expired = await until(async () => {
      const row = await stack.job(job.id);
      return row?.result && row.result.video === null ? row : null;
    });
    expect(expired.result).toMatchObject({ video: null, poster: null, frameCount: 36 });
    expect((await fetch(done.result!.video!.url)).status).toBe(410);
    expect((await stack.tryCreate({ image: { jobId: job.id } })).errors![0]!.extensions.code).toBe('EXPIRED');
    await stack.sql(`UPDATE job SET "finishedAt" = now() - interval '2.9 days'`);
    await housekeepingPass();
    expect(await stack.job(job.id)).not.toBeNull();
    await stack.sql(`UPDATE job SET "finishedAt" = now() - interval '3.1 days'`);
    await until(async () => (await stack.job(job.id)) === null);
    await until(async () => (await stack.sql('SELECT id FROM upload')).length === 0);
    expect((await stack.files()).filter((file) => /^(hot|archive|uploads)\//.test(file))).toEqual([]);
  });

  it('reports no links when the video of a completed job is missing', async () => {
    await useWorker();
    const job = await stack.create();
    await stack.finish(job.id);
    for (const file of await stack.files('archive')) await rm(path.join(stack.storage, file));
    const marked = await until(async () => {
      const row = await stack.job(job.id);
      return row!.result!.video === null && row;
    });
    expect(marked).toMatchObject({ status: 'COMPLETED', result: { video: null, poster: null } });
  });
});
