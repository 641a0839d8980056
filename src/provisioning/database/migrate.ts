/**
 * Brings a database's tables up to date with prisma/migrations. One query checks first, so that a process whose database is current
 * starts without running Prisma's CLI.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, DatabaseError, escapeIdentifier } from 'pg';
import { StartupError } from '../../process/startup-error.ts';
import { ROOT } from '../../process/version.ts';

/** Our advisory lock: processes that migrate the same database wait for each other without a time limit. */
const MIGRATING = 4_100_241_856;
/** Advisory lock that Prisma's CLI holds while it runs, whether started by this program or by hand. */
const PRISMA_MIGRATING = 72_707_369;

export interface Migration {
  readonly name: string;
  /** sha256 of migration.sql, in hexadecimal, as Prisma records it. */
  readonly checksum: string;
}

/** A migration as recorded in the database. */
interface Applied extends Migration {
  readonly finished: boolean;
}

/**
 * Creates the database if it is missing and applies pending migrations. Safe to run in several processes at once: one works, the
 * others wait.
 * @param log receives a line for each action; none if there is nothing to do
 * @throws StartupError if the database cannot be reached, or a recorded migration failed, was edited or is unknown
 */
export async function migrate(
  url: string,
  log: (line: string) => void = () => {},
  folder = path.join(ROOT, 'prisma/migrations'),
): Promise<void> {
  refuseOtherSchema(url);
  const ours = await readMigrations(folder);
  const client = await connect(url, log);
  try {
    const applied = await readLedger(client);
    if (pending(ours, applied).length === 0 && problems(ours, applied).length === 0) return;

    // An unfinished migration may be in progress in another process, so problems are judged under the locks.
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATING]);
    await client.query('SELECT pg_advisory_lock($1), pg_advisory_unlock($1)', [PRISMA_MIGRATING]);
    const current = await readLedger(client);
    const [problem] = problems(ours, current);
    if (problem) throw problem;
    const missing = pending(ours, current).map(({ name }) => name);
    if (missing.length === 0) return;
    log(`applying database migrations: ${missing.join(', ')}`);
    await deploy(url);
  } finally {
    await client.end();
  }
}

export interface DatabaseState {
  /** Reported by the server, such as `15.4`. */
  readonly version: string;
  /** False if the server has no such database yet. */
  readonly exists: boolean;
  /** Names of migrations to apply. */
  readonly pending: readonly string[];
  /** Why `migrate` would fail; null if it would not. */
  readonly problem: StartupError | null;
}

/**
 * The state of the database, as `migrate` would find it. Changes nothing.
 * @throws StartupError if the server cannot be reached
 */
export async function inspectDatabase(url: string, folder = path.join(ROOT, 'prisma/migrations')): Promise<DatabaseState> {
  refuseOtherSchema(url);
  const ours = await readMigrations(folder);
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  let exists = true;
  const client = await open(url)
    .catch((error: DatabaseError) => {
      if (error.code !== '3D000') throw error;
      exists = false;
      return open(maintenance.href);
    })
    .catch((error: unknown) => {
      throw unreachable(url, error);
    });
  try {
    const { rows } = await client.query<{ version: string }>(`SELECT current_setting('server_version') AS version`);
    const applied = exists ? await readLedger(client) : [];
    return {
      version: rows[0]!.version,
      exists,
      pending: pending(ours, applied).map(({ name }) => name),
      problem: problems(ours, applied)[0] ?? null,
    };
  } finally {
    await client.end();
  }
}

/** Only Prisma understands a schema in the URL; the other libraries that connect ignore it. */
function refuseOtherSchema(url: string): void {
  const schema = new URL(url).searchParams.get('schema') ?? 'public';
  if (schema === 'public') return;
  throw new StartupError(
    `DATABASE_URL asks for the schema ${schema}, but the tables live in public.`,
    'Remove ?schema= and use a separate database.',
  );
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(path.join(folder, name, 'migration.sql'));
      return { name, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** Prisma's table of migrations without those that were rolled back. Empty if the table does not exist. */
async function readLedger(client: Client): Promise<Applied[]> {
  try {
    const { rows } = await client.query<Applied>(
      'SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished FROM _prisma_migrations WHERE rolled_back_at IS NULL',
    );
    return rows;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '42P01') return []; // no such table
    throw error;
  }
}

function pending(ours: readonly Migration[], applied: readonly Applied[]): Migration[] {
  const names = new Set(applied.map(({ name }) => name));
  return ours.filter(({ name }) => !names.has(name));
}

/** Prisma's CLI would ignore edited and unknown migrations, and the tables would not be as the program expects. */
function problems(ours: readonly Migration[], applied: readonly Applied[]): StartupError[] {
  const checksums = new Map(ours.map(({ name, checksum }) => [name, checksum]));
  return applied.flatMap(({ name, checksum, finished }) => {
    if (!finished) {
      const hint = `Check which part of it was applied (column "logs" of _prisma_migrations), repair that, then: npm run prisma -- migrate resolve --rolled-back ${name}`;
      return new StartupError(`The database migration ${name} failed half-way.`, hint);
    }
    if (!checksums.has(name)) {
      return new StartupError(
        `The database has a migration that is unknown to this version: ${name}.`,
        'A newer version applied it: run that version, or use another database.',
      );
    }
    if (checksums.get(name) !== checksum) {
      const hint = 'Restore the original file, and put the change into a new migration.';
      return new StartupError(`The migration ${name} was edited after it had been applied to this database.`, hint);
    }
    return [];
  });
}

async function deploy(url: string): Promise<void> {
  const child = spawn(process.execPath, [path.join(ROOT, 'prisma/cli.mjs'), 'migrate', 'deploy'], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Not reached by Ctrl-C: an interrupted migration would have to be repaired by hand.
    detached: process.platform !== 'win32',
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0)
    throw new StartupError(
      `The database could not be migrated:\n${output.trim()}`,
      'Nothing was started; the message says which migrations were applied.',
    );
}

/** Connects to the database; creates it if it does not exist. */
async function connect(url: string, log: (line: string) => void): Promise<Client> {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  try {
    return await open(url);
  } catch (error) {
    if ((error as DatabaseError).code !== '3D000') throw unreachable(url, error);
  }
  try {
    const maintenance = new URL(url);
    maintenance.pathname = '/postgres';
    const client = await open(maintenance.href);
    await client
      .query(`CREATE DATABASE ${escapeIdentifier(name)}`)
      .then(() => log(`created database ${name}`), ignoreExisting)
      .finally(() => client.end());
    return await open(url);
  } catch (error) {
    throw new StartupError(
      `There is no database ${name}, and it cannot be created: ${reason(error)}`,
      `Create it: CREATE DATABASE ${escapeIdentifier(name)};`,
      error,
    );
  }
}

/** Another process was faster: before (42P04) or during (23505) the statement. */
function ignoreExisting(error: unknown): void {
  if (!(error instanceof DatabaseError && ['42P04', '23505'].includes(error.code ?? ''))) throw error;
}

async function open(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {}); // the next query fails
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

function unreachable(url: string, error: unknown): StartupError {
  const { hostname, port } = new URL(url);
  const hint = 'Check DATABASE_URL and that the server is running; without DATABASE_URL, npm start uses an embedded database.';
  return new StartupError(`PostgreSQL at ${hostname}:${port || 5432} cannot be used: ${reason(error)}`, hint, error);
}

/** A refused connection to a host with several addresses has only a code and no message. */
const reason = (error: unknown): string => (error as Error).message || String((error as { code?: unknown }).code);
