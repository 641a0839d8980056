import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findFfmpeg } from '../../../src/infra/media/ffmpeg.ts';
import { processes, rendererOf } from '../../support/processes.ts';
import { Stack, type ProgressView } from '../../support/stack.ts';
import { until } from '../../support/waiting.ts';
import { openWire } from '../../support/wire.ts';

const HOUR_MS = 3_600_000;
const LONG = { resolution: 'P1080', durationSeconds: 12 };
const isRendering = ({ job }: ProgressView) => job.stage === 'RENDERING' && (job.step ?? 0) > 2;

let stack: Stack | undefined;
afterEach(async () => {
  await stack?.stop();
  stack = undefined;
});

describe('what goes wrong while rendering', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fm-ffmpeg-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  /** An ffmpeg that answers questions as the real one does and then does what `body` says instead of encoding. */
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

  it('fails a job as ENCODER_FAILED after its attempts when ffmpeg cannot write', async () => {
    const ffmpeg = await brokenFfmpeg('fails.cjs', "process.stderr.write('No space on this planet\\n'); process.exit(1);");
    stack = await Stack.start({ environment: { FFMPEG_PATH: ffmpeg, RETRY_DELAY_SECONDS: '3' }, statesKept: true });
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
    await until(async () => (await stack!.files('.scratch')).length === 0);
    expect(await stack.files('archive')).toEqual([]);
  });

  it('stops a render that finishes no frame in time, and says TIMEOUT', async () => {
    const ffmpeg = await brokenFfmpeg('hangs.cjs', 'setInterval(() => {}, 1000);');
    stack = await Stack.start({
      environment: { FFMPEG_PATH: ffmpeg, STEP_TIMEOUT_SECONDS: '1', MAX_ATTEMPTS: '2', RETRY_DELAY_SECONDS: '0.1' },
    });
    const job = await stack.create();
    const end = await stack.finish(job.id);
    expect(end).toMatchObject({ status: 'FAILED', attempt: 2, error: { code: 'TIMEOUT' } });
  });

  it('takes a job whose photo is gone as failed at once, since no retry brings it back', async () => {
    stack = await Stack.start({ worker: false, environment: { ENGINE_GRACE_SECONDS: '600' } });
    await stack.startWorker();
    await stack.worker!.stop();
    const job = await stack.create();
    await rm(path.join(stack.storage, 'hot', job.id, 'photo'));
    await stack.startWorker();
    expect(await stack.finish(job.id)).toMatchObject({
      status: 'FAILED',
      attempt: 1,
      error: { code: 'EXPIRED', fault: 'CLIENT', retry: 'NEVER' },
    });
  });
});

describe('workers that die', () => {
  it('gives up a job that kills its worker every time, and the queue flows on', async () => {
    stack = await Stack.start({ environment: { MAX_ATTEMPTS: '2' } });
    const killer = await stack.create(LONG);
    const next = await stack.create();
    for (const attempt of [1, 2]) {
      await stack.follow(killer.id, ({ job }) => job.attempt === attempt && job.stage === 'RENDERING');
      await stack.worker!.kill();
      await stack.startWorker();
    }
    expect(await stack.finish(killer.id)).toMatchObject({ status: 'FAILED', attempt: 2, error: { code: 'WORKER_LOST' } });
    expect(await stack.finish(next.id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
  });

  it('kills a renderer that does not stop when its job is cancelled, and renders on with a new one', async () => {
    stack = await Stack.start({ environment: { CANCEL_GRACE_SECONDS: '0.3' } });
    const job = await stack.create(LONG);
    await stack.follow(job.id, isRendering);
    const renderer = await rendererOf(stack.worker!.process.pid!);
    process.kill(renderer, 'SIGSTOP');
    await stack.cancel(job.id);
    const next = await stack.create();
    expect((await stack.finish(next.id)).status).toBe('COMPLETED');
    expect(await rendererOf(stack.worker!.process.pid!)).not.toBe(renderer);
  });

  it('have their job handed back when a service manager ends all their processes at once', async () => {
    stack = await Stack.start();
    const job = await stack.create(LONG);
    await stack.follow(job.id, isRendering);
    const { pid } = stack.worker!.process;
    const renderer = await rendererOf(pid!);
    const encoder = (await processes()).find(({ parent }) => parent === renderer)!.pid;
    for (const target of [encoder, renderer, pid!]) process.kill(target, 'SIGTERM');
    expect(await stack.worker!.stop()).toBe(0);
    expect(await stack.job(job.id)).toMatchObject({ status: 'QUEUED', attempt: 1, maxAttempts: 4 });
  });

  it('leave jobs alone whose storage they cannot see', async () => {
    stack = await Stack.start({ worker: false, environment: { ENGINE_GRACE_SECONDS: '600' } });
    const elsewhere = mkdtempSync(path.join(tmpdir(), 'fm-elsewhere-'));
    try {
      await stack.startWorker({ STORAGE_DIR: elsewhere });
      const job = await stack.create();
      const states = () => stack!.sql<{ state: string }>('SELECT state FROM worker');
      await until(async () => (await states())[0]?.state === 'UNHEALTHY');
      expect(await stack.job(job.id)).toMatchObject({ status: 'QUEUED', error: null });
      await stack.worker!.stop();
      await stack.startWorker();
      expect((await stack.finish(job.id)).status).toBe('COMPLETED');
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  it('wait with a finished video for a database that is away', async () => {
    stack = await Stack.start({ worker: false, environment: { ENGINE_GRACE_SECONDS: '600', STALLED_SECONDS: '30', MAX_ATTEMPTS: '1' } });
    const wire = await openWire(stack.databaseUrl);
    try {
      await stack.startWorker({ DATABASE_URL: wire.url });
      const brake = await stack.brakeRenderer();
      const job = await stack.create();
      await stack.follow(job.id, isRendering);
      wire.cut();
      brake.release();
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      wire.mend();
      expect(await stack.finish(job.id)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
    } finally {
      wire.mend();
      await stack.stop();
      stack = undefined;
      await wire.close();
    }
  });

  it('take back nothing that they said of themselves, although an earlier word arrives late', async () => {
    stack = await Stack.start({ worker: false });
    await stack.sql('CREATE SEQUENCE test_word');
    await stack.sql('CREATE TABLE test_said (number serial, state text)');
    // The second word, from when the renderer is starting, is held up.
    await stack.sql(
      `CREATE FUNCTION test_hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF nextval(''test_word'') = 2 THEN PERFORM pg_sleep(3); END IF; RETURN NULL; END'`,
    );
    await stack.sql('CREATE TRIGGER test_hold BEFORE INSERT ON worker FOR EACH STATEMENT EXECUTE FUNCTION test_hold()');
    await stack.sql(
      `CREATE FUNCTION test_note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO test_said (state) VALUES (NEW.state); RETURN NULL; END'`,
    );
    await stack.sql('CREATE TRIGGER test_note AFTER INSERT OR UPDATE ON worker FOR EACH ROW EXECUTE FUNCTION test_note()');
    const words = async (): Promise<number> => Number((await stack!.sql<{ count: string }>('SELECT count(*) FROM test_said'))[0]!.count);
    await stack.startWorker({ HEARTBEAT_SECONDS: '0.1' });
    await until(async () => (await words()) > 40); // four seconds' worth
    const said = (await stack.sql<{ state: string }>('SELECT state FROM test_said ORDER BY number')).map(({ state }) => state);
    expect(said.slice(said.indexOf('READY')).filter((state) => state !== 'READY')).toEqual([]);
    expect(said[0]).toBe('STARTING');
  });

  it('refuses jobs once no worker is left and the grace for restarts is over', async () => {
    stack = await Stack.start({ environment: { ENGINE_GRACE_SECONDS: '0', HEARTBEAT_SECONDS: '0.2' } });
    await stack.worker!.stop();
    const refused = await until(async () => {
      const answer = await stack!.tryCreate();
      if (!answer.errors) await stack!.cancel(answer.data.createJob.id);
      return answer.errors;
    });
    expect(refused[0]!.extensions.code).toBe('ENGINE_UNAVAILABLE');
  });

  it('lets a worker that fell silent be taken over, and its late words count for nothing', async () => {
    stack = await Stack.start();
    const silent = stack.worker!;
    const brake = await stack.brakeRenderer();
    const job = await stack.create();
    await stack.follow(job.id, isRendering);
    process.kill(silent.process.pid!, 'SIGSTOP');
    brake.hold();
    await stack.startWorker();
    const events = await stack.follow(job.id);
    expect(events.at(-1)!.job).toMatchObject({ status: 'COMPLETED', attempt: 2 });
    const [before] = await stack.sql('SELECT * FROM job WHERE id = $1', [job.id]);
    brake.release();
    process.kill(silent.process.pid!, 'SIGCONT');
    await silent.stop();
    expect((await stack.sql('SELECT * FROM job WHERE id = $1', [job.id]))[0]).toEqual(before);
    const { result } = (await stack.job(job.id))!;
    const video = await (await fetch(result!.video!.url)).arrayBuffer();
    expect(createHash('sha256').update(Buffer.from(video)).digest('hex')).toBe(result!.sha256);
    expect((await stack.files('archive')).filter((file) => file.includes(job.id))).toHaveLength(2);
  });
});

describe('time passing', () => {
  it('deletes files, then rows, and unused uploads when their time is over', async () => {
    stack = await Stack.start({ environment: { FILES_KEPT_HOURS: '2', JOBS_KEPT_DAYS: '3', UPLOADS_KEPT_HOURS: '4' } });
    const job = await stack.create();
    const done = await stack.finish(job.id);
    expect((await fetch(done.result!.video!.url, { method: 'HEAD' })).status).toBe(200);
    expect(Date.parse(done.expiresAt!) - Date.parse(done.finishedAt!)).toBe(2 * HOUR_MS);
    const [upload] = await stack.sql<{ createdAt: Date; expiresAt: Date }>('SELECT * FROM upload');
    expect(Math.round((upload!.expiresAt.getTime() - upload!.createdAt.getTime()) / HOUR_MS)).toBe(4);
    await stack.sql('UPDATE job SET "expiresAt" = now()');
    await stack.sql('UPDATE upload SET "expiresAt" = now()');
    const expired = await until(async () => {
      const row = await stack!.job(job.id);
      return row?.result && row.result.video === null ? row : null;
    });
    expect(expired.result).toMatchObject({ video: null, poster: null, frameCount: 36 });
    expect((await fetch(done.result!.video!.url)).status).toBe(410);
    expect((await stack.tryCreate({ image: { jobId: job.id } })).errors![0]!.extensions.code).toBe('EXPIRED');
    await stack.sql(`UPDATE job SET "finishedAt" = now() - interval '2.9 days'`);
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // of housekeeping, which happens every half second
    expect(await stack.job(job.id)).not.toBeNull();
    await stack.sql(`UPDATE job SET "finishedAt" = now() - interval '3.1 days'`);
    await until(async () => (await stack!.job(job.id)) === null);
    await until(async () => (await stack!.sql('SELECT id FROM upload')).length === 0);
    expect((await stack.files()).filter((file) => /^(hot|archive|uploads)\//.test(file))).toEqual([]);
  });

  it('tells the present state to whoever follows while the bus says nothing', async () => {
    stack = await Stack.start({ worker: false, environment: { ENGINE_GRACE_SECONDS: '600' } });
    await stack.startWorker();
    await stack.worker!.stop();
    const job = await stack.create();
    const end = stack.follow(job.id);
    // As another process would change it whose news got lost.
    await stack.sql(
      `UPDATE job SET status = 'FAILED', "errorCode" = 'INTERNAL', "finishedAt" = now(), revision = revision + 5 WHERE id = $1`,
      [job.id],
    );
    expect((await end).at(-1)!.job).toMatchObject({ status: 'FAILED', error: { code: 'INTERNAL' } });
  });

  it('heals a row whose worker and queue entry are both gone', async () => {
    stack = await Stack.start();
    const job = await stack.create();
    await stack.finish(job.id);
    await stack.sql(
      `UPDATE job SET status = 'PROCESSING', "finishedAt" = NULL, "filesKept" = false, "workerId" = 'gone:1:cpu', "attemptToken" = gen_random_uuid() WHERE id = $1`,
      [job.id],
    );
    expect(await stack.finish(job.id)).toMatchObject({ status: 'COMPLETED', attempt: 2 });
  });

  it('says so when the video of a completed job is missing', async () => {
    stack = await Stack.start();
    const job = await stack.create();
    await stack.finish(job.id);
    for (const file of await stack.files('archive')) await rm(path.join(stack.storage, file));
    const marked = await until(async () => {
      const row = await stack!.job(job.id);
      return row!.result!.video === null && row;
    });
    expect(marked).toMatchObject({ status: 'COMPLETED', result: { video: null, poster: null } });
  });
});
