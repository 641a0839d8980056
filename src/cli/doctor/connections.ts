/** Checks what the services connect to, PostgreSQL and Redis, and the port they listen on. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { assertListenAllowed } from '../../api/http/guard.ts';
import type { Config } from '../../config.ts';
import { inspectDatabase } from '../../provisioning/database/migrate.ts';
import { findBinaries, program } from '../../provisioning/database/binaries.ts';
import { chooseHome, holdsDatabase } from '../../provisioning/database/home.ts';
import { isPostmaster, readPostmaster } from '../../provisioning/database/postmaster.ts';
import { serverEnvironment } from '../../provisioning/database/spawn.ts';
import { storageFolder } from '../../infra/services.ts';
import { StartupError, USE_OTHER_DATABASE } from '../../process/startup-error.ts';
import { AppError } from '../../jobs/errors.ts';
import { findRunning } from '../running.ts';
import { fail, ok, warn, type Finding } from './finding.ts';

const OLDEST_POSTGRES = 13;
const OLDEST_REDIS = 6.2;

export async function checkDatabase(config: Config): Promise<Finding> {
  try {
    return config.DATABASE_URL ? await checkServer(config.DATABASE_URL) : await checkEmbedded(config);
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    return fail('PostgreSQL', error.message.slice(0, -error.hint.length - 1), error.hint);
  }
}

async function checkServer(url: string): Promise<Finding> {
  const { hostname, port, pathname } = new URL(url);
  const { version, exists, pending, problem } = await inspectDatabase(url);
  const server = `PostgreSQL ${version} at ${hostname}:${port || 5432}`;
  if (Number.parseInt(version, 10) < OLDEST_POSTGRES)
    return fail('PostgreSQL', `${server} is too old`, `Use version ${OLDEST_POSTGRES} or newer, or unset DATABASE_URL.`);
  if (problem) return fail('PostgreSQL', problem.message.slice(0, -problem.hint.length - 1), problem.hint);
  if (!exists) return ok('PostgreSQL', `${server}; the database ${decodeURIComponent(pathname.slice(1))} is created at the first start`);
  return ok(
    'PostgreSQL',
    `${server}, ${pending.length === 0 ? 'migrations up to date' : `migrations to apply at the next start: ${pending.join(', ')}`}`,
  );
}

/** Runs the same program as the same user as a start would. */
async function checkEmbedded(config: Config): Promise<Finding> {
  const binaries = await findBinaries();
  const home = await chooseHome(path.join(storageFolder(config), 'postgres'), binaries);
  let version: string;
  try {
    const { stdout } = await promisify(execFile)(program(home.binaries, 'postgres'), ['--version'], {
      ...home.user,
      cwd: home.binaries.folder,
      env: serverEnvironment(),
      timeout: 8_000,
      windowsHide: true,
    });
    version = stdout.trim().replace(/^postgres \(PostgreSQL\) /, '');
  } catch (error) {
    return fail(
      'PostgreSQL',
      `the embedded PostgreSQL does not run: ${(error as Error).message.trim()}`,
      `Run npm ci again. ${USE_OTHER_DATABASE}`,
    );
  }
  const place = `data in ${home.dataDir}${home.relocated ? ', because its user cannot reach the storage folder' : ''}`;
  if (!holdsDatabase(home.dataDir)) return ok('PostgreSQL', `embedded ${version}; ${place}, created at the first start`);
  const createdBy = (await readFile(path.join(home.dataDir, 'PG_VERSION'), 'utf8')).trim();
  if (createdBy !== version.split('.')[0]) {
    return fail(
      'PostgreSQL',
      `${place} was created by PostgreSQL ${createdBy} and cannot be read by ${version}`,
      `Export it with the version of this program that created it, or move it away to start with an empty database. ${USE_OTHER_DATABASE}`,
    );
  }
  const postmaster = await readPostmaster(home.dataDir);
  const runs = postmaster !== undefined && (await isPostmaster(postmaster.pid));
  return ok('PostgreSQL', `embedded ${version}, ${runs ? `running as process ${postmaster.pid}` : 'not running now'}; ${place}`);
}

/** Null if Redis is not used. */
export async function checkRedis({ REDIS_URL }: Config): Promise<Finding | null> {
  if (!REDIS_URL) return null;
  const { hostname, port } = new URL(REDIS_URL);
  const where = `${hostname}:${port || 6379}`;
  const client = new Redis(REDIS_URL, {
    lazyConnect: true,
    connectTimeout: 5_000,
    commandTimeout: 5_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let last: Error | undefined;
  client.on('error', (error) => (last = error));
  try {
    await client.connect();
    const info = await client.info();
    const version = /^redis_version:(.+)$/m.exec(info)?.[1]?.trim() ?? '0';
    const policy = /^maxmemory_policy:(.+)$/m.exec(info)?.[1]?.trim() ?? 'noeviction';
    if (Number.parseFloat(version) < OLDEST_REDIS)
      return fail('Redis', `Redis ${version} at ${where} is too old`, `Use version ${OLDEST_REDIS} or newer, or unset REDIS_URL.`);
    if (policy !== 'noeviction')
      return warn(
        'Redis',
        `Redis ${version} at ${where} evicts keys when memory is short (${policy})`,
        'Set its maxmemory-policy to noeviction; otherwise queued jobs may be lost.',
      );
    return ok('Redis', `Redis ${version} at ${where}`);
  } catch (error) {
    const { message, code } = (last ?? error) as NodeJS.ErrnoException;
    return fail(
      'Redis',
      `Redis at ${where} cannot be used: ${message || code}`,
      'Check REDIS_URL and that the server is running; without REDIS_URL, PostgreSQL serves queue and progress.',
    );
  } finally {
    client.disconnect();
  }
}

/** A taken port blocks `npm start`, but not `animate`, which uses a free one. */
export async function checkPort(config: Config): Promise<Finding> {
  const { HOST, PORT } = config;
  const running = await findRunning(config);
  if (running) return ok('port', `FanslyMotion runs from this folder, at ${running.url}`);
  try {
    assertListenAllowed(config);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return warn('port', 'npm start would refuse to listen', error.message);
  }
  if (PORT === 0) return ok('port', `a free port on ${HOST} at each start`);
  const server = createServer();
  try {
    server.listen(PORT, HOST);
    await once(server, 'listening');
    return ok('port', `${PORT} on ${HOST} is free`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      return warn(
        'port',
        `${PORT} on ${HOST} is taken by another program; npm start cannot use it`,
        'Set PORT to a free port, or stop the other program.',
      );
    return warn(
      'port',
      `npm start cannot listen on ${HOST}:${PORT}: ${message}`,
      'Set HOST and PORT to an address of this machine; ports below 1024 may require more privileges.',
    );
  } finally {
    server.close();
  }
}
