import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { StartupError, USE_OTHER_DATABASE } from '../../process/startup-error.ts';
import { program } from './binaries.ts';
import { holdsDatabase, type Home } from './home.ts';

/** The database's superuser. */
export const USER = 'fanslymotion';

export const passwordFile = (dataDir: string): string => path.join(dataDir, 'fanslymotion.password');
export const logFile = (dataDir: string): string => path.join(dataDir, 'server.log');

const LOG_MAX_BYTES = 5_000_000;
/** How long a server that is not needed may take to stop before it is killed, in milliseconds. */
const END_MS = 5_000;

/** Only what the loader and Windows need, because this process's environment contains secrets. LC_ALL=C keeps messages in English. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP, TMP } = process.env;
  const given = Object.entries({ PATH, SystemRoot, TEMP, TMP }).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), LC_ALL: 'C', TZ: 'UTC' };
}

/** With a working directory that the server's user can enter, unlike perhaps that of this process. */
const spawnOptions = (home: Home): SpawnOptions => ({
  ...home.user,
  cwd: home.binaries.folder,
  env: serverEnvironment(),
  windowsHide: true,
});

/**
 * Creates a new database cluster with a random password. It is created in a temporary folder and renamed, so that a cluster is never
 * incomplete, and if two processes try at once, one succeeds and the other finds its cluster.
 */
export async function initialise(home: Home, durable: boolean): Promise<void> {
  const { dataDir, user } = home;
  const present = await readdir(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (present.length > 0) {
    throw new StartupError(
      `${dataDir} holds files but no database.`,
      `Move them away, or choose another STORAGE_DIR. ${USE_OTHER_DATABASE}`,
    );
  }
  await removeAbandonedDrafts(dataDir);
  const draft = `${dataDir}.new-${process.pid}-${randomBytes(4).toString('hex')}`;
  const password = `${draft}.password`;
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(password, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
    if (user) await Promise.all([draft, password].map((name) => chown(name, user.uid, user.gid)));
    await initdb(home, draft, password, durable);
    await rename(password, passwordFile(draft));
    if (home.relocated)
      await writeFile(
        path.join(draft, 'README'),
        'Database of a FanslyMotion installation that runs as root in a folder that only root can enter.\n',
      );
    await rename(draft, dataDir);
  } catch (error) {
    if (!holdsDatabase(dataDir)) throw error; // otherwise another process was faster
  } finally {
    await Promise.all([draft, password].map((name) => rm(name, { recursive: true, force: true })));
  }
}

/** Removes what processes left that were killed while creating a cluster. */
async function removeAbandonedDrafts(dataDir: string): Promise<void> {
  const parent = path.dirname(dataDir);
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(`${path.basename(dataDir)}.new-`) && /\.new-(\d+)-/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) await rm(path.join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function initdb(home: Home, folder: string, password: string, durable: boolean): Promise<void> {
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const args = ['-D', folder, '-U', USER, `--pwfile=${password}`, '--auth=scram-sha-256', ...locale, '--no-instructions'];
  if (!durable) args.push('--no-sync');
  const child = spawn(program(home.binaries, 'initdb'), args, { ...spawnOptions(home), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));
  const code = await ended(child);
  if (code === 0) return;
  const userHasNoName = output.includes('could not look up effective user ID');
  const hint = `${userHasNoName ? 'Start as a user who has a name on this machine.' : 'Check that the disk has free space.'} ${USE_OTHER_DATABASE}`;
  throw new StartupError(`PostgreSQL could not create a database in ${home.dataDir}:\n${output.trim()}`, hint);
}

/** A server process that is starting. */
export interface Launch {
  /** Undefined on Windows, where pg_ctl starts the server. */
  readonly pid?: number;
  readonly hasExited: () => boolean;
  /** Whether it has exited because it was told to stop, by another process that had joined and left, and not because of an error. */
  readonly wasStopped: () => boolean;
  /** The last lines that the server has logged since it was launched. */
  readonly lastLines: () => Promise<string>;
  /** Stops it and waits until it has exited. */
  readonly end: () => Promise<void>;
}

/** Starts the server on a free port. It outlives this process and is not reached by Ctrl-C: the last user stops it. */
export async function launch(home: Home, durable: boolean): Promise<Launch> {
  const name = logFile(home.dataDir);
  if ((await sizeOf(name)) > LOG_MAX_BYTES) await rename(name, `${name}.1`);
  const logStart = await sizeOf(name);
  const lastLines = async (): Promise<string> => {
    const text = (await readFile(name)).subarray(logStart).toString();
    return text.trim().split('\n').slice(-15).join('\n');
  };

  const settings = Object.entries(serverSettings(await freePort(), durable)).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  // On Windows, PostgreSQL refuses to run with administrator privileges; pg_ctl drops them.
  if (process.platform === 'win32') {
    const start = ['start', '-W', '-D', home.dataDir, '-l', name, '-o', settings.join(' ')];
    const code = await ended(spawn(program(home.binaries, 'pg_ctl'), start, { ...spawnOptions(home), stdio: 'ignore' }));
    return { hasExited: () => code !== 0, wasStopped: () => false, lastLines, end: async () => {} };
  }
  const log = await open(name, 'a', 0o600);
  try {
    if (home.user) await log.chown(home.user.uid, home.user.gid); // so that this user can also start it without root
    const child = spawn(program(home.binaries, 'postgres'), ['-D', home.dataDir, ...settings], {
      ...spawnOptions(home),
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    let exited = false;
    const exit = ended(child)
      .catch(() => null)
      .finally(() => (exited = true));
    child.unref();
    const end = async (): Promise<void> => {
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      await exit;
      clearTimeout(timer);
    };
    return { pid: child.pid, hasExited: () => exited, wasStopped: () => child.exitCode === 0, lastLines, end };
  } finally {
    await log.close();
  }
}

/** Modest, because the machine has other work to do. Values contain no spaces: on Windows they are passed as one line. */
function serverSettings(port: number, durable: boolean): Record<string, string | number> {
  return {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    cluster_name: 'fanslymotion',
    max_connections: 100,
    shared_buffers: '32MB',
    max_wal_size: '256MB',
    io_method: 'sync', // no I/O worker processes
    max_parallel_workers_per_gather: 0,
    max_logical_replication_workers: 0,
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_messages: 'log', // starts, stops and crashes; clients receive the errors of their own statements
    log_checkpoints: 'off',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('The system assigned no port.');
  return address.port;
}

const sizeOf = (name: string): Promise<number> =>
  stat(name).then(
    ({ size }) => size,
    () => 0,
  );

/** The exit code. Rejects if the program cannot be run. */
function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', (cause) =>
      reject(new StartupError(`PostgreSQL's programs do not run on this machine: ${cause.message}`, USE_OTHER_DATABASE, cause)),
    );
  });
}
