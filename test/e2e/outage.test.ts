import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/process/version.ts';
import { redisUrl } from '../support/redis.ts';
import { PHOTOS, Stack } from '../support/stack.ts';
import { until } from '../support/waiting.ts';
import { openWire, type Wire } from '../support/wire.ts';

let stack: Stack | undefined;
let wire: Wire | undefined;
afterEach(async () => {
  wire?.mend();
  await stack?.stop();
  await wire?.close();
  stack = wire = undefined;
});

const readiness = async () => {
  const response = await fetch(`${stack!.url}/readyz`);
  return { status: response.status, body: (await response.json()) as { failures?: Record<string, string> } };
};

describe('an API process whose database goes away', () => {
  it('says so at /readyz, answers with an error meanwhile, and recovers by itself', async () => {
    stack = await Stack.start({ worker: false });
    wire = await openWire(stack.databaseUrl);
    await stack.startApi({ DATABASE_URL: wire.url });
    await until(async () => (await readiness()).status === 200);
    wire.cut();
    const down = await until(async () => {
      const now = await readiness();
      return now.status === 503 && now;
    });
    expect(Object.keys(down.body.failures!)).toContain('database');
    expect((await fetch(`${stack.url}/healthz`)).status).toBe(200);
    const UNREACHED = 'database: it is unreachable or responds with an error.';
    // A probe that was under way when the line was cut has another reason: it had no answer in time.
    const health = await until(async () => {
      const answer = await stack!.graphql<{ health: { version: string; database: object | null } }>(
        '{ health { version database { kind } } }',
      );
      return answer.errors?.[0]!.message === UNREACHED && answer;
    });
    expect(health.data.health).toEqual({ version: VERSION, database: null });
    expect(health.errors![0]).toMatchObject({
      path: ['health', 'database'],
      message: UNREACHED,
      extensions: { code: 'UNAVAILABLE', fault: 'OPERATOR', retry: 'LATER' },
    });
    const jpeg = { method: 'POST', headers: { 'Content-Type': 'image/jpeg' }, body: await readFile(path.join(PHOTOS, 'cat.jpg')) };
    expect(await (await fetch(`${stack.url}/uploads`, jpeg)).json()).toMatchObject({
      error: { code: 'UNAVAILABLE', fault: 'OPERATOR', retry: 'LATER' },
    });
    const nobody = '00000000-0000-4000-8000-000000000000';
    const base64 = jpeg.body.toString('base64');
    for (const { errors } of [
      await stack.graphql('query ($id: ID!) { job(id: $id) { id } }', { id: nobody }),
      await stack.cancel(nobody),
      await stack.tryCreate({ image: { base64 } }),
    ]) {
      expect(errors![0]).toMatchObject({
        message: 'A part of the installation, such as its database, does not respond.',
        extensions: { code: 'UNAVAILABLE', fault: 'OPERATOR', retry: 'LATER' },
      });
    }
    wire.mend();
    await until(async () => (await readiness()).status === 200);
  });
});

describe('a job whose row was written although nobody was told', () => {
  it('keeps its photo, is queued by housekeeping, and completes', async () => {
    stack = await Stack.start();
    wire = await openWire(stack.databaseUrl);
    // Jobs take effect only when we let them.
    await stack.sql(
      `CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END'`,
    );
    await stack.sql(
      'CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON job DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION linger()',
    );
    await stack.startApi({ DATABASE_URL: wire.url });
    const uploadId = await stack.upload();
    const holder = new Client(stack.databaseUrl);
    await holder.connect();
    try {
      await holder.query('SELECT pg_advisory_lock(1)');
      const answer = stack.tryCreate({ image: { uploadId } });
      await until(
        async () =>
          (
            await stack!.sql(
              `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query = 'COMMIT' AND wait_event = 'advisory'`,
            )
          ).length > 0,
      );
      wire.cut();
      expect((await answer).errors).toHaveLength(1);
    } finally {
      await holder.end();
    }
    const [row] = await until(async () => {
      const rows = await stack!.sql<{ id: string }>('SELECT id FROM job');
      return rows.length > 0 && rows;
    });
    wire.mend();
    expect((await stack.finish(row!.id)).status).toBe('COMPLETED');
  });
});

describe.skipIf(!redisUrl())('an API process whose Redis goes away', () => {
  it('goes on following jobs by reading the database, and takes new ones that are queued once Redis is back', async () => {
    stack = await Stack.start({ redis: true });
    wire = await openWire(redisUrl()!);
    await stack.startApi({ REDIS_URL: wire.url });
    const brake = await stack.brakeRenderer();
    const job = await stack.create();
    wire.cut();
    brake.release();
    const end = await stack.finish(job.id);
    expect(end.status).toBe('COMPLETED');
    const accepted = await stack.create();
    expect(accepted.status).toBe('QUEUED');
    wire.mend();
    expect((await stack.finish(accepted.id)).status).toBe('COMPLETED');
  });
});
