/** PostgreSQL for the schema engine: creating and dropping databases, and a driver adapter suited to migrations. */
import { PrismaPg } from '@prisma/adapter-pg';
import { ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import { Client, escapeIdentifier } from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';

const CHAR_OID = 18;
const TEXT_OID = 25;

/** Prisma's error code for a failed connection or administration command. */
export const prismaErrorCode = (error) => ({ '3D000': 'P1003', '42P04': 'P1009', '28P01': 'P1000' })[error.code] ?? 'P1001';

export const databaseName = (url) => decodeURIComponent(new URL(url).pathname.slice(1)) || 'postgres';

export async function query(url, sql) {
  const client = new Client(parseIntoClientConfig(url));
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Runs `sql` in the server's maintenance database, because the database that `url` names may not exist. */
const administer = (url, sql) => {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  return query(maintenance.href, sql);
};

export const createDatabase = (url, name = databaseName(url)) => administer(url, `CREATE DATABASE ${escapeIdentifier(name)}`);

export const dropDatabase = (url, name = databaseName(url)) =>
  administer(url, `DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);

/**
 * A driver adapter factory for `url`. Each adapter has a single connection, because a migration's advisory lock belongs to its
 * connection. Settings are passed one by one, because a connection string would override the name of the shadow database.
 */
export function adapterFactory(url) {
  const connectTo = async (settings) => readingChar(await new PrismaPg({ ...settings, max: 1, idleTimeoutMillis: 0 }).connect());
  const factory = new PrismaPg(parseIntoClientConfig(url));

  factory.connect = () => connectTo(parseIntoClientConfig(url));

  // The adapter's own implementation drops the shadow database while its pool still holds a session in it, which PostgreSQL refuses.
  factory.connectToShadowDb = async () => {
    const name = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
    await createDatabase(url, name);
    const adapter = await connectTo({ ...parseIntoClientConfig(url), database: name });
    const dispose = adapter.dispose.bind(adapter);
    adapter.dispose = async () => {
      await dispose();
      await dropDatabase(url, name);
    };
    return adapter;
  };
  return factory;
}

/** The adapter has no mapping for the type "char", which the system catalogs use a lot: read it as text, report it as Character. */
function readingChar(adapter) {
  const charColumns = new WeakMap();
  const { performIO, queryRaw } = adapter;

  adapter.performIO = async (sql) => {
    const result = await performIO.call(adapter, sql);
    const columns = result.fields.flatMap((field, index) => (field.dataTypeID === CHAR_OID ? [index] : []));
    for (const index of columns) result.fields[index].dataTypeID = TEXT_OID;
    charColumns.set(sql, columns);
    return result;
  };
  adapter.queryRaw = async (sql) => {
    const result = await queryRaw.call(adapter, sql);
    for (const index of charColumns.get(sql) ?? []) result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
  return adapter;
}
