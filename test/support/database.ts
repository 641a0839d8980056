import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';

/** Database that the run migrates once; every test database is a copy of it. */
export const TEMPLATE = 'fm_template';

export interface TestDatabase {
  readonly url: string;
  /** Ends all sessions and removes the database. */
  drop(): Promise<void>;
}

/** A migrated, empty database of its own on the run's server. */
export const createTestDatabase = (): Promise<TestDatabase> => createDatabase(`TEMPLATE ${TEMPLATE}`);

/** A database without any table. */
export const createEmptyDatabase = (): Promise<TestDatabase> => createDatabase('');

async function createDatabase(options: string): Promise<TestDatabase> {
  const name = `fm_${randomUUID().replaceAll('-', '')}`;
  await administer(`CREATE DATABASE ${name} ${options}`);
  return { url: databaseUrl(name), drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** Address of a database on the run's server, whether it exists or not. */
export function databaseUrl(name: string): string {
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  return url.href;
}

async function administer(sql: string): Promise<void> {
  const client = new Client(inject('postgresUrl'));
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
