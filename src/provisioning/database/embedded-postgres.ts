/**
 * PostgreSQL from npm, for machines without one: a real server on a data directory of this program.
 *
 * The server outlives the process that started it, and several processes may share one data directory: the first starts the server,
 * later ones join, the last one to leave stops it. Each user holds a shared advisory lock on a connection of its own, so that a killed
 * process releases it too. The next process adopts a server that was left running, and stops it.
 */
import { readFile, rm, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, DatabaseError } from 'pg';
import { type Binaries, findBinaries } from './binaries.ts';
import { chooseHome, holdsDatabase, type Home } from './home.ts';
import { isPostmaster, lockFile, type Postmaster, readPostmaster, stopPostmaster } from './postmaster.ts';
import { initialise, type Launch, launch, logFile, passwordFile, USER } from './spawn.ts';
import { StartupError, USE_OTHER_DATABASE } from '../../process/startup-error.ts';

const DATABASE = 'fanslymotion';
/** Key of the advisory lock; an arbitrary number. */
const IN_USE = 4_100_241_855;

export interface EmbeddedPostgresOptions {
  /** Folder of the data; created with its parents if missing. */
  readonly dataDir: string;
  /** False trades safety against power loss for speed, for tests. Default: true. */
  readonly durable?: boolean;
  /** Longest wait for the server in milliseconds, including recovery after a crash. Default: 60 000. */
  readonly startTimeoutMs?: number;
  /** How long each stop signal may take before a stronger one is sent, in milliseconds. Default: 10 000. */
  readonly stopSignalMs?: number;
}

export interface EmbeddedPostgres {
  /** Connection URL of the database `fanslymotion`, password included. */
  readonly url: string;
  /** Actual folder of the data. */
  readonly dataDir: string;
  /** True if the data is in another folder than requested, because this process is root and PostgreSQL's user cannot reach that one. */
  readonly relocated: boolean;
  /** True if the server was already running. */
  readonly adopted: boolean;
  /** Stops using the server, and stops it unless another process uses it. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts the database server of `dataDir`, or joins it. Does not keep the process alive.
 * @throws StartupError with a hint, and with the server's last log lines if there are any
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir, durable = true, startTimeoutMs = 60_000, stopSignalMs = 10_000 } = options;
  const home = await prepare(dataDir, durable);
  const password = await readPassword(home.dataDir);

  const { member, postmaster, adopted } = await joinOrLaunch(home, password, durable, startTimeoutMs);
  await member.createDatabase(DATABASE);
  member.unref();
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    if (await member.leave()) await stopPostmaster(home, postmaster, stopSignalMs);
    await member.close();
  };
  return {
    url: `postgresql://${USER}:${encodeURIComponent(password)}@127.0.0.1:${postmaster.port}/${DATABASE}`,
    dataDir: home.dataDir,
    relocated: home.relocated,
    adopted,
    stop: () => (stopping ??= stop()),
  };
}

/** Finds the existing database or creates a new one. */
async function prepare(dataDir: string, durable: boolean): Promise<Home> {
  try {
    const home = await chooseHome(dataDir, await findBinaries());
    if (!holdsDatabase(home.dataDir)) await initialise(home, durable);
    await checkMajorVersion(home.dataDir, home.binaries);
    return home;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new StartupError(
      `The embedded database cannot use ${dataDir}: ${message}`,
      `The folder must belong to the user who starts it. ${USE_OTHER_DATABASE}`,
      error,
    );
  }
}

async function checkMajorVersion(dataDir: string, { version }: Binaries): Promise<void> {
  const createdBy = (await readFile(`${dataDir}/PG_VERSION`, 'utf8')).trim();
  const [ours] = version.split('.');
  if (createdBy === ours) return;
  const hint = `Start the version of this program that created it and export the data with pg_dump, or move the folder away to start with an empty database. ${USE_OTHER_DATABASE}`;
  throw new StartupError(
    `The database in ${dataDir} was created by PostgreSQL ${createdBy}; this version contains PostgreSQL ${ours}, which cannot read it.`,
    hint,
  );
}

async function readPassword(dataDir: string): Promise<string> {
  try {
    return (await readFile(passwordFile(dataDir), 'utf8')).trim();
  } catch (error) {
    const hint = `Restore it, or start as the user it belongs to, or move ${dataDir} away to start with an empty database. ${USE_OTHER_DATABASE}`;
    throw new StartupError(`The password of the embedded database, ${passwordFile(dataDir)}, cannot be read.`, hint, error);
  }
}

interface Joined {
  readonly member: Member;
  readonly postmaster: Postmaster;
  readonly adopted: boolean;
}

async function joinOrLaunch(home: Home, password: string, durable: boolean, timeoutMs: number): Promise<Joined> {
  let launched: Launch | undefined;
  let failingSince: number | undefined;
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(15)) {
    const postmaster = await readPostmaster(home.dataDir);
    if (postmaster?.ready) {
      const member = await Member.join(home.dataDir, postmaster, password);
      if (member) {
        const adopted = launched === undefined || (launched.pid ?? postmaster.pid) !== postmaster.pid;
        // Our own server lost the race. It must not start later, when all have left: no process would ever stop it.
        if (adopted) await launched?.end();
        return { member, postmaster, adopted };
      }
    }
    if (launched?.hasExited()) {
      failingSince = launched.wasStopped() ? undefined : (failingSince ?? Date.now());
      if (failingSince !== undefined && Date.now() - failingSince > RELAUNCH_MS) throw await startFailure(home, launched);
      launched = undefined;
      await sleep(RELAUNCH_DELAY_MS);
      continue;
    }
    if (launched) continue;
    if (postmaster && (await isPostmaster(postmaster.pid))) {
      failingSince = undefined; // another process has started the server, or is about to stop it
    } else {
      await removeStaleLock(home.dataDir, postmaster);
      launched = await launch(home, durable);
    }
  }
  throw await startFailure(home, launched);
}

/**
 * How long a server that fails to start is started again, in milliseconds. The cause may be temporary: another process is about to write
 * its lock file, the port was taken in the meantime, or the last process of a killed server is still exiting.
 */
const RELAUNCH_MS = 3_000;
const RELAUNCH_DELAY_MS = 100;

async function startFailure(home: Home, launched: Launch | undefined): Promise<StartupError> {
  const lines = (await launched?.lastLines()) || 'It logged nothing.';
  return new StartupError(
    `PostgreSQL does not start on ${home.dataDir}. Its last log lines:\n${lines}`,
    `The whole log is ${logFile(home.dataDir)}. ${USE_OTHER_DATABASE}`,
  );
}

/**
 * PostgreSQL removes the lock file of a dead server itself, except in two cases: another program of the same user has its process id
 * by now, as often happens in containers; or the file is empty, because the server died between creating and writing it.
 */
async function removeStaleLock(dataDir: string, stale: Postmaster | undefined): Promise<void> {
  const now = await readPostmaster(dataDir);
  const isSame = now !== undefined && now.pid === stale?.pid && now.startedAt === stale.startedAt;
  const file = await stat(lockFile(dataDir)).catch(() => null);
  const isRemnant = file?.size === 0 && Date.now() - file.mtimeMs > EMPTY_LOCK_MS;
  if (isSame || isRemnant) await rm(lockFile(dataDir), { force: true });
}

/** A starting server writes its lock file within this time, in milliseconds. Shorter than RELAUNCH_MS, so that a remnant is removed. */
const EMPTY_LOCK_MS = 2_000;

/** One user of the server: a connection that holds the shared lock. */
class Member {
  readonly #client: Client;
  readonly #socket: Socket;

  private constructor(client: Client, socket: Socket) {
    this.#client = client;
    this.#socket = socket;
  }

  /**
   * Joins the users of `postmaster`. Undefined if it is not running, not ready or about to stop.
   * @throws StartupError if another server uses its port
   */
  static async join(dataDir: string, { port, pid }: Postmaster, password: string): Promise<Member | undefined> {
    const socket = new Socket();
    const client = new Client({
      host: '127.0.0.1',
      port,
      user: USER,
      password,
      database: 'postgres',
      stream: () => socket,
      connectionTimeoutMillis: 5000,
    });
    client.on('error', () => {}); // the server stopped; the next query fails
    try {
      await client.connect();
      const { rows } = await client.query<{ dir: string }>(
        `SELECT current_setting('data_directory') AS dir, pg_advisory_lock_shared(${IN_USE})`,
      );
      if (path.resolve(rows[0]?.dir ?? '') !== path.resolve(dataDir))
        throw new StartupError(`The server on port ${port} does not serve ${dataDir}.`, `Stop process ${pid}, then try again.`);
      return new Member(client, socket);
    } catch (error) {
      await client.end().catch(() => {});
      if (error instanceof StartupError) throw error;
      if (error instanceof DatabaseError && error.code === '28P01' && (await isPostmaster(pid))) {
        throw new StartupError(
          `PostgreSQL (process ${pid}) runs on ${dataDir} but does not know the password in ${passwordFile(dataDir)}.`,
          `Stop process ${pid}, then try again. ${USE_OTHER_DATABASE}`,
          error,
        );
      }
      return undefined;
    }
  }

  /** Lets the process end while the connection is open. */
  unref(): void {
    this.#socket.unref();
  }

  async createDatabase(name: string): Promise<void> {
    const { rowCount } = await this.#client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount) return;
    try {
      await this.#client.query(`CREATE DATABASE ${name}`);
    } catch (error) {
      // Another process was faster: before (42P04) or during (23505) this statement.
      if (!(error instanceof DatabaseError && ['42P04', '23505'].includes(error.code ?? ''))) throw error;
    }
  }

  /**
   * Stops using the server.
   * @returns true if no other process uses it; none can join until this connection ends
   */
  async leave(): Promise<boolean> {
    this.#socket.ref();
    try {
      await this.#client.query(`SELECT pg_advisory_unlock_shared(${IN_USE})`);
      const { rows } = await this.#client.query<{ alone: boolean }>(`SELECT pg_try_advisory_lock(${IN_USE}) AS alone`);
      return rows[0]?.alone === true;
    } catch {
      return true; // the server has stopped or is stopping
    }
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}
