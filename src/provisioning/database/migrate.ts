/**
 * Brings a database's tables up to date with prisma/migrations. Looks first, with one query, so that a process whose database is
 * current starts without running Prisma's CLI.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, DatabaseError, escapeIdentifier } from 'pg';
import { StartupError } from '../../process/startup-error.ts';
import { ROOT } from '../../process/version.ts';

/** Advisory lock of ours: those who migrate one database wait for each other, as long as it takes. */
const MIGRATING = 4_100_241_856;
/** Advisory lock that Prisma's CLI holds while it works, started by us or by hand. */
const PRISMA_MIGRATING = 72_707_369;

export interface Migration {
  readonly name: string;
  /** sha256 of migration.sql, in hexadecimal, as Prisma notes it. */
  readonly checksum: string;
}

/** A migration as the database remembers it. */
interface Applied extends Migration {
  readonly finished: boolean;
}

/**
 * Creates the database if it is missing and applies what it lacks. Any number of processes may do it at once: one works, the others
 * wait.
 * @param log told what is done, in one line; nothing if there is nothing to do
 * @throws StartupError if the database cannot be reached, or its past does not fit: a migration failed, was edited, or is not ours
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

    // What looks unfinished may be the work of another process, so judge only when nobody works.
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATING]);
    await client.query('SELECT pg_advisory_lock($1), pg_advisory_unlock($1)', [PRISMA_MIGRATING]);
    const settled = await readLedger(client);
    const [problem] = problems(ours, settled);
    if (problem) throw problem;
    const missing = pending(ours, settled).map(({ name }) => name);
    if (missing.length === 0) return;
    log(`applying database migrations: ${missing.join(', ')}`);
    await deploy(url);
  } finally {
    await client.end();
  }
}

export interface DatabaseState {
  /** As the server names it, such as `15.4`. */
  readonly version: string;
  /** False if the server has no such database yet. */
  readonly exists: boolean;
  /** Names of migrations to be applied. */
  readonly pending: readonly string[];
  /** What keeps `migrate` from working; null if nothing does. */
  readonly problem: StartupError | null;
}

/**
 * What `migrate` would find. Changes nothing.
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

/** Prisma's own way to name a schema in the URL means nothing to the other things that connect there. */
function refuseOtherSchema(url: string): void {
  const schema = new URL(url).searchParams.get('schema') ?? 'public';
  if (schema === 'public') return;
  throw new StartupError(
    `DATABASE_URL asks for the schema ${schema}, but the tables live in public.`,
    'Leave out ?schema= and use a database of its own.',
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

/** Prisma's table of migrations; those that were rolled back do not count. Empty for a database that never saw one. */
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

/** Prisma's CLI would pass over edited and unknown migrations and work on tables that are not what the program expects. */
function problems(ours: readonly Migration[], applied: readonly Applied[]): StartupError[] {
  const checksums = new Map(ours.map(({ name, checksum }) => [name, checksum]));
  return applied.flatMap(({ name, checksum, finished }) => {
    if (!finished) {
      const hint = `See what of it was done (column "logs" of _prisma_migrations), repair that, then: npm run prisma -- migrate resolve --rolled-back ${name}`;
      return new StartupError(`The database migration ${name} failed half-way.`, hint);
    }
    if (!checksums.has(name)) {
      return new StartupError(
        `The database has a migration that this version does not know: ${name}.`,
        'It was made by a newer version: run that one, or use another database.',
      );
    }
    if (checksums.get(name) !== checksum) {
      const hint = 'Restore the file as it was, and put the change into a migration of its own.';
      return new StartupError(`The migration ${name} was edited after it had been applied to this database.`, hint);
    }
    return [];
  });
}

async function deploy(url: string): Promise<void> {
  const child = spawn(process.execPath, [path.join(ROOT, 'prisma/cli.mjs'), 'migrate', 'deploy'], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Out of Ctrl-C's reach: a migration that is cut off half-way has to be repaired by hand.
    detached: process.platform !== 'win32',
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0)
    throw new StartupError(
      `The database could not be migrated:\n${output.trim()}`,
      'Nothing was started; the database is as far as the message says.',
    );
}

/** Connects to the database, which is created if the server lacks it. */
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

/** Another process was faster: seen before (42P04) or while (23505) both made it. */
function ignoreExisting(error: unknown): void {
  if (!(error instanceof DatabaseError && ['42P04', '23505'].includes(error.code ?? ''))) throw error;
}

async function open(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {}); // told to whoever queries next
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
  const hint = 'Check DATABASE_URL and that the server runs there; without DATABASE_URL, npm start brings a database of its own.';
  return new StartupError(`PostgreSQL at ${hostname}:${port || 5432} cannot be used: ${reason(error)}`, hint, error);
}

/** A refused connection to a host with several addresses has no message, only a code. */
const reason = (error: unknown): string => (error as Error).message || String((error as { code?: unknown }).code);
