import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/infra/postgres/db.ts';
import { migrate } from '../../../src/provisioning/database/migrate.ts';
import { createEmptyDatabase, createTestDatabase, databaseUrl, type TestDatabase } from '../../support/database.ts';

const MIGRATIONS = 'prisma/migrations';

describe('migrating', () => {
  let database: TestDatabase;
  afterEach(() => database.drop());

  const query = async (sql: string): Promise<Record<string, unknown>[]> => {
    const client = new Client(database.url);
    await client.connect();
    return client
      .query(sql)
      .then(({ rows }) => rows)
      .finally(() => client.end());
  };
  const tables = async (): Promise<unknown[]> =>
    (await query(`SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`)).map(
      (row) => row['table_name'],
    );

  describe('an empty database', () => {
    beforeEach(async () => {
      database = await createEmptyDatabase();
    });

    it('creates all tables once', async () => {
      const said: string[] = [];
      await migrate(database.url, (line) => said.push(line));
      expect(await tables()).toEqual(expect.arrayContaining(['job', 'setting', 'upload', 'worker']));
      expect(said).toHaveLength(1);

      const ledger = await query('SELECT * FROM _prisma_migrations');
      await migrate(database.url, (line) => said.push(line));
      expect(said).toHaveLength(1);
      expect(await query('SELECT * FROM _prisma_migrations')).toEqual(ledger);
    });

    it('creates a missing database, once if several processes start at the same time', async () => {
      await database.drop();
      const said: string[] = [];
      await Promise.all([1, 2, 3].map(() => migrate(database.url, (line) => said.push(line))));
      expect(said.filter((line) => line.startsWith('created'))).toHaveLength(1);
      expect(said.filter((line) => line.startsWith('applying'))).toHaveLength(1);
      expect(await query('SELECT count(*)::int AS count FROM _prisma_migrations')).toEqual([{ count: (await migrationNames()).length }]);
    });
  });

  describe('a migrated database', () => {
    beforeEach(async () => {
      database = await createTestDatabase();
    });

    it('refuses a migration that was edited after it was applied', async () => {
      const edited = await copyOfMigrations();
      const [first] = await migrationNames();
      await writeFile(path.join(edited, first!, 'migration.sql'), 'SELECT 1;');
      await expect(migrate(database.url, undefined, edited)).rejects.toThrow(`The migration ${first} was edited`);
      await rm(edited, { recursive: true });
    });

    it('refuses a migration that is unknown to this version', async () => {
      await query(
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'x', '99990101000000_future', now())`,
      );
      await expect(migrate(database.url)).rejects.toThrow('unknown to this version: 99990101000000_future');
    });

    it('refuses the database after a failed migration until it is resolved', async () => {
      await query('UPDATE _prisma_migrations SET finished_at = NULL');
      await expect(migrate(database.url)).rejects.toThrow('failed half-way');
      await query('UPDATE _prisma_migrations SET finished_at = now()');
      await expect(migrate(database.url)).resolves.toBeUndefined();
    });
  });
});

describe('an unusable DATABASE_URL', () => {
  it('is refused if it names another schema', async () => {
    await expect(migrate(`${databaseUrl('postgres')}?schema=other`)).rejects.toThrow('the tables live in public');
  });

  it('is reported without its password', async () => {
    const failure = await migrate('postgresql://someone:hidden@127.0.0.1:1/none').catch((error: Error) => error.message);
    expect(failure).toMatch(/127\.0\.0\.1:1 cannot be used.*Check DATABASE_URL/s);
    expect(failure).not.toContain('hidden');
  });
});

describe('the migrations', () => {
  it('create the tables that schema.prisma describes', async () => {
    const diff = ['migrate', 'diff', '--from-migrations', MIGRATIONS, '--to-schema', 'prisma/schema.prisma', '--exit-code', '--script'];
    const env = { ...process.env, DATABASE_URL: databaseUrl('postgres') };
    const { stdout } = await promisify(execFile)(process.execPath, ['prisma/cli.mjs', ...diff], { env });
    expect(stdout).toContain('empty migration');
  });
});

describe('the database client', () => {
  it('reads back what it writes, in statements and in transactions', async () => {
    const database = await createTestDatabase();
    const { client, close } = openDatabase(database.url, { maxConnections: 2 });
    try {
      await client.setting.create({ data: { name: 'a', value: '1' } });
      expect(await client.setting.updateManyAndReturn({ where: { name: 'a' }, data: { value: '2' } })).toEqual([{ name: 'a', value: '2' }]);
      const undone = client.$transaction(async (inside) => {
        await inside.setting.update({ where: { name: 'a' }, data: { value: '3' } });
        throw new Error('undo');
      });
      await expect(undone).rejects.toThrow('undo');
      expect(await client.$queryRaw`SELECT value, now() > ${new Date(0)} AS later FROM setting`).toEqual([{ value: '2', later: true }]);
    } finally {
      await close();
      await database.drop();
    }
  });
});

const migrationNames = async (): Promise<string[]> =>
  (await readdir(MIGRATIONS, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();

async function copyOfMigrations(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'migrations-'));
  await cp(MIGRATIONS, folder, { recursive: true });
  return folder;
}
