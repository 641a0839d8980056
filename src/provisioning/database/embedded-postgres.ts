/**
 * PostgreSQL from npm, for machines that have none: real server processes on a data directory of ours.
 *
 * The server outlives whoever started it, and several processes may use one data directory: the first starts the server, later ones
 * join, the last one to leave stops it. "In use" is a shared advisory lock that each holds on a connection of its own, so a process
 * that is killed lets go of it too, and the server it leaves behind is adopted and stopped by whoever comes next.
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
/** Key of the advisory lock; any number will do. */
const IN_USE = 4_100_241_855;

export interface EmbeddedPostgresOptions {
  /** Folder of the data; made if it is missing. Its parent folders too. */
  readonly dataDir: string;
  /** False gives up safety against power loss for speed, as tests like it. Default: true. */
  readonly durable?: boolean;
  /** Longest wait for the server, recovery after a crash included. Default: 60 000. */
  readonly startTimeoutMs?: number;
  /** Wait before a server that is told to stop is told more urgently. Default: 10 000. */
  readonly stopPatienceMs?: number;
}

export interface EmbeddedPostgres {
  /** Connection URL of the database `fanslymotion`, password included. */
  readonly url: string;
  /** Where the data really is. */
  readonly dataDir: string;
  /** True if the data is not where it was asked for: we are root and PostgreSQL's user could not reach that folder. Worth telling. */
  readonly relocated: boolean;
  /** True if the server was running already. */
  readonly adopted: boolean;
  /** Leaves, and stops the server unless another process uses it. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts the database server of `dataDir`, or joins it. Does not keep the process alive by itself.
 * @throws StartupError saying what is wrong and what to do, with the server's last words if it had any
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir, durable = true, startTimeoutMs = 60_000, stopPatienceMs = 10_000 } = options;
  const home = await prepare(dataDir, durable);
  const password = await readPassword(home.dataDir);

  const { member, postmaster, adopted } = await joinOrLaunch(home, password, durable, startTimeoutMs);
  await member.createDatabase(DATABASE);
  member.unref();
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    if (await member.leave()) await stopPostmaster(home, postmaster, stopPatienceMs);
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

/** A database to start: the one that is there, or a new one. */
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
  const made = (await readFile(`${dataDir}/PG_VERSION`, 'utf8')).trim();
  const [ours] = version.split('.');
  if (made === ours) return;
  const hint = `Start the version of this program that made it and export the data with pg_dump, or move the folder away to begin anew. ${USE_OTHER_DATABASE}`;
  throw new StartupError(
    `The database in ${dataDir} was made by PostgreSQL ${made}; this version brings PostgreSQL ${ours}, which cannot read it.`,
    hint,
  );
}

async function readPassword(dataDir: string): Promise<string> {
  try {
    return (await readFile(passwordFile(dataDir), 'utf8')).trim();
  } catch (error) {
    const hint = `Restore it, or start as the user it belongs to, or move ${dataDir} away to begin anew. ${USE_OTHER_DATABASE}`;
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
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(15)) {
    const postmaster = await readPostmaster(home.dataDir);
    if (postmaster?.ready) {
      const member = await Member.join(home.dataDir, postmaster, password);
      if (member) {
        const adopted = launched === undefined || (launched.pid ?? postmaster.pid) !== postmaster.pid;
        // Ours was late; if it were later still, it would find the database free when all have left, and serve nobody for ever.
        if (adopted) await launched?.end();
        return { member, postmaster, adopted };
      }
    }
    if (launched?.hasExited()) {
      if (!isWorthAnotherTry(await launched.lastLines())) throw await gaveUp(home, launched);
      launched = undefined;
    }
    if (launched === undefined && !(postmaster && (await isPostmaster(postmaster.pid)))) {
      await removeStaleLock(home.dataDir, postmaster);
      launched = await launch(home, durable);
    }
  }
  throw await gaveUp(home, launched);
}

/**
 * Another process was faster or is just about to write its lock, the port was taken meanwhile, a killed server's last process is still
 * leaving, or somebody joined before us and has left again, alone.
 */
const isWorthAnotherTry = (log: string): boolean =>
  /lock file "postmaster\.pid" (already exists|is empty)|could not create any TCP\/IP sockets|pre-existing shared memory block|received \w+ shutdown request/.test(
    log,
  );

async function gaveUp(home: Home, launched: Launch | undefined): Promise<StartupError> {
  const words = (await launched?.lastLines()) || 'It said nothing.';
  return new StartupError(
    `PostgreSQL does not start on ${home.dataDir}. Its last words:\n${words}`,
    `The whole log is ${logFile(home.dataDir)}. ${USE_OTHER_DATABASE}`,
  );
}

/**
 * PostgreSQL clears away the lock of a dead server itself, unless another of the user's programs has its process number by now, as
 * often happens in containers; nor an empty one, which a server leaves that dies in the moment between making and writing it.
 */
async function removeStaleLock(dataDir: string, stale: Postmaster | undefined): Promise<void> {
  const now = await readPostmaster(dataDir);
  const isSame = now !== undefined && now.pid === stale?.pid && now.startedAt === stale.startedAt;
  const file = await stat(lockFile(dataDir)).catch(() => null);
  const isRemnant = file?.size === 0 && Date.now() - file.mtimeMs > EMPTY_LOCK_MS;
  if (isSame || isRemnant) await rm(lockFile(dataDir), { force: true });
}

/** A server that starts writes its lock within that time. */
const EMPTY_LOCK_MS = 5_000;

/** One user of the server: a connection that holds the shared lock. */
class Member {
  readonly #client: Client;
  readonly #socket: Socket;

  private constructor(client: Client, socket: Socket) {
    this.#client = client;
    this.#socket = socket;
  }

  /**
   * Joins the users of `postmaster`. Undefined if it is not there, not ready or about to stop.
   * @throws StartupError if something else answers there
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
    client.on('error', () => {}); // the server went away; whoever queries it will notice
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
      // Another process was faster: seen before (42P04) or while (23505) both made it.
      if (!(error instanceof DatabaseError && ['42P04', '23505'].includes(error.code ?? ''))) throw error;
    }
  }

  /**
   * Lets go of the server.
   * @returns true if nobody else uses it; nobody can join then, until this connection ends
   */
  async leave(): Promise<boolean> {
    this.#socket.ref();
    try {
      await this.#client.query(`SELECT pg_advisory_unlock_shared(${IN_USE})`);
      const { rows } = await this.#client.query<{ alone: boolean }>(`SELECT pg_try_advisory_lock(${IN_USE}) AS alone`);
      return rows[0]?.alone === true;
    } catch {
      return true; // the server is gone or going
    }
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}
