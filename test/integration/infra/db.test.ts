import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../../src/infra/postgres/db.ts';
import { PostgresJobStore } from '../../../src/infra/postgres/job-store.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/waiting.ts';
import { openWire, type Wire } from '../../support/wire.ts';

/** A query is given up after this long. */
const REPLY_TIMEOUT_MS = 10_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

describe.concurrent('the database', () => {
  it('rejects queries while its connections are frozen, and recovers when they resume', async () => {
    const wire: Wire = await openWire(database.url);
    const db: Database = openDatabase(wire.url);
    const jobs = new PostgresJobStore(db.client);
    try {
      await jobs.now();
      wire.freeze();
      const answers = await Promise.allSettled([jobs.now(), jobs.active(), jobs.exclusively('frozen', async () => {})]);
      expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      wire.mend();
      await eventually(() => jobs.now());
    } finally {
      await db.close();
      await wire.close();
    }
  });

  it('allows exclusive work to take longer than the timeout of queries', async () => {
    const db = openDatabase(database.url);
    const jobs = new PostgresJobStore(db.client);
    try {
      let end = (): void => {};
      const working = jobs.exclusively('long', () => new Promise<void>((resolve) => (end = resolve)));
      await sleep(REPLY_TIMEOUT_MS + 200);
      expect(await jobs.exclusively('long', async () => {})).toBe(false);
      end();
      expect(await working).toBe(true);
    } finally {
      await db.close();
    }
  });
});
