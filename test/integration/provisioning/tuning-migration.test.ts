import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEmptyDatabase, type TestDatabase } from '../../support/database.ts';

const MIGRATIONS = 'prisma/migrations';
const MIGRATION = '20261128190000_tuning_by_engine';

const COMMON = { motion: 'PAN_L', resolution: 'P720', orientation: 'LANDSCAPE', fit: 'COVER', durationSeconds: 6, seed: 42 };
const TUNING = { numInferenceSteps: 30, minGuidanceScale: 1.5, maxGuidanceScale: 2.5, noiseAugStrength: 0.02, motionBucketId: 180 };

describe('the migration to tuning by engine', () => {
  let database: TestDatabase;
  let client: Client;

  beforeEach(async () => {
    database = await createEmptyDatabase();
    client = new Client(database.url);
    await client.connect();
    const names = (await readdir(MIGRATIONS, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);
    for (const name of names.toSorted().filter((each) => each < MIGRATION)) await apply(name);
  });

  afterEach(async () => {
    await client.end();
    await database.drop();
  });

  const apply = async (name: string) => client.query(await readFile(path.join(MIGRATIONS, name, 'migration.sql'), 'utf8'));

  async function insertJob(engine: string, options: object): Promise<string> {
    const { rows } = await client.query<{ id: string }>(
      `INSERT INTO job (owner, engine, options, "maxAttempts", "estimatedSeconds", "guessSeconds", "photoSha256", "photoWidth", "photoHeight",
         fingerprint) VALUES ('owner', $1, $2, 3, 20, 12.5, 'photo', 640, 480, 'print') RETURNING id`,
      [engine, options],
    );
    return rows[0]!.id;
  }

  const job = async (id: string): Promise<unknown> =>
    (await client.query<object>('SELECT options, "baselineSeconds" FROM job WHERE id = $1', [id])).rows[0];

  it.each([
    [
      'the first names',
      { ...COMMON, steps: 30, guidanceMin: 1.5, guidanceMax: 2.5, noiseAugmentation: 0.02, motionBucketId: 180, engine: 'SVD_XT' },
    ],
    [
      'the names of diffusers',
      { ...COMMON, steps: 30, minGuidanceScale: 1.5, maxGuidanceScale: 2.5, noiseAugStrength: 0.02, motionBucketId: 180, engine: 'SVD_XT' },
    ],
    ['tuning by engine already', { ...COMMON, engine: 'SVD_XT', tuning: TUNING }],
  ])('keeps the values of an SVD_XT job stored with %s', async (_, options) => {
    const id = await insertJob('SVD_XT', options);
    await apply(MIGRATION);
    expect(await job(id)).toEqual({ options: { ...COMMON, engine: 'SVD_XT', tuning: TUNING }, baselineSeconds: 12.5 });
  });

  it('removes the values that PREVIEW ignored', async () => {
    const values = { steps: 24, guidanceMin: 1, guidanceMax: 3, noiseAugmentation: 0.1, motionBucketId: 100 };
    const id = await insertJob('PREVIEW', { ...COMMON, ...values, engine: 'PREVIEW' });
    await apply(MIGRATION);
    expect(await job(id)).toEqual({ options: { ...COMMON, engine: 'PREVIEW', tuning: null }, baselineSeconds: 12.5 });
  });

  it('discards cost models, which workers report again', async () => {
    await client.query(
      `INSERT INTO worker (id, host, pid, device, state, version, paces) VALUES ('w', 'h', 1, 'cpu', 'IDLE', '0', '{"SVD_XT": {"P720": {}}}')`,
    );
    await apply(MIGRATION);
    expect((await client.query('SELECT "costModels" FROM worker')).rows).toEqual([{ costModels: {} }]);
  });
});
