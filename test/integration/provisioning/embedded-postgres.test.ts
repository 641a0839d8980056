import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../../src/provisioning/database/embedded-postgres.ts';
import { findBinaries, program } from '../../../src/provisioning/database/binaries.ts';
import { chooseHome } from '../../../src/provisioning/database/home.ts';
import { isPostmaster, readPostmaster } from '../../../src/provisioning/database/postmaster.ts';
import { type CompiledProcess, startCompiled } from '../../support/compiled.ts';
import { processes } from '../../support/processes.ts';
import { eventually } from '../../support/waiting.ts';

const isRoot = process.getuid?.() === 0;

let folder: string;
let dataDir: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'postgres-'));
  await chmod(folder, 0o755);
  dataDir = path.join(folder, 'storage', 'postgres');
});
afterEach(() => rm(folder, { recursive: true }));

const start = (at = dataDir): Promise<EmbeddedPostgres> => startEmbeddedPostgres({ dataDir: at, durable: false });

/** Starts it in a process of its own. */
async function startElsewhere(): Promise<{ child: CompiledProcess; postgres: Omit<EmbeddedPostgres, 'stop'>; stop(): Promise<void> }> {
  const child = await startCompiled('test/support/postgres-starter.ts', { dataDir, durable: false });
  const postgres = (await child.message(() => true)) as Omit<EmbeddedPostgres, 'stop'>;
  const stop = async (): Promise<void> => {
    const ended = once(child.process, 'exit');
    child.process.send('stop');
    expect(await ended).toEqual([0, null]);
  };
  return { child, postgres, stop };
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client(url);
  await client.connect();
  return client
    .query(sql)
    .then(({ rows }) => rows)
    .finally(() => client.end());
}

async function serverPid(at = dataDir): Promise<number> {
  const postmaster = await readPostmaster(at);
  return postmaster!.pid;
}

describe('a new database', () => {
  it('is UTF-8, requires its random password, and accepts connections from this machine only', async () => {
    const postgres = await start();
    try {
      expect(postgres).toMatchObject({ dataDir, adopted: false, relocated: false });
      const settings = `current_setting('server_encoding') AS encoding, datlocprovider AS provider, current_setting('listen_addresses') AS address, current_setting('unix_socket_directories') AS sockets`;
      expect(await query(postgres.url, `SELECT ${settings} FROM pg_database WHERE datname = 'fanslymotion'`)).toEqual([
        { encoding: 'UTF8', provider: 'b', address: '127.0.0.1', sockets: '' },
      ]);
      const guessed = new URL(postgres.url);
      guessed.password = 'guessed';
      await expect(query(guessed.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
      expect((await stat(path.join(dataDir, 'fanslymotion.password'))).mode & 0o777).toBe(0o600);
    } finally {
      await postgres.stop();
    }
  });

  it('leaves no process and no temporary folder behind when it stops', async () => {
    const postgres = await start();
    const pid = await serverPid();
    await postgres.stop();
    await postgres.stop();
    expect(await isPostmaster(pid)).toBe(false);
    expect(await readdir(path.dirname(dataDir))).toEqual(['postgres']);
    await expect(query(postgres.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });

  it.skipIf(process.platform !== 'linux')('gives the server nothing of our environment', async () => {
    process.env['SOME_SECRET'] = 'do-not-tell';
    const postgres = await start();
    const environment = await readFile(`/proc/${await serverPid()}/environ`, 'utf8');
    delete process.env['SOME_SECRET'];
    await postgres.stop();
    expect(environment).toContain('LC_ALL=C');
    expect(environment).not.toContain('do-not-tell');
  });

  it('is not created among other files', async () => {
    await mkdir(dataDir, { recursive: true });
    await writeFile(path.join(dataDir, 'thesis.txt'), 'years of work');
    await expect(start()).rejects.toThrow('holds files but no database');
    expect(await readdir(dataDir)).toEqual(['thesis.txt']);
  });
});

describe('a server whose starting process was killed', () => {
  it('keeps running until the next start adopts and stops it', async () => {
    const killed = await startElsewhere();
    const pid = await serverPid();
    await query(killed.postgres.url, 'CREATE TABLE kept AS SELECT 1 AS one');
    await killed.child.kill();

    const postgres = await start();
    expect(postgres).toMatchObject({ adopted: true, url: killed.postgres.url });
    expect(await serverPid()).toBe(pid);
    expect(await query(postgres.url, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
    // The server takes a moment to see that the other is gone.
    await eventually(async () =>
      expect(await query(postgres.url, "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory'")).toEqual([{ count: 1 }]),
    );
    await postgres.stop();
    expect(await isPostmaster(pid)).toBe(false);
  });
});

describe('two processes that start the same new database at once', () => {
  it('share one server, which the last one stops', async () => {
    const [first, second] = await Promise.all([startElsewhere(), startElsewhere()]);
    expect([first.postgres.adopted, second.postgres.adopted].toSorted()).toEqual([false, true]);
    expect(first.postgres.url).toBe(second.postgres.url);
    const pid = await serverPid();
    const servers = (await processes()).filter(({ command }) => command.includes(`-D ${dataDir} `));
    expect(servers.map((server) => server.pid)).toEqual([pid]);

    await first.stop();
    expect(await query(second.postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await second.stop();
    expect(await isPostmaster(pid)).toBe(false);
    expect(await readdir(path.dirname(dataDir))).toEqual(['postgres']);
  });

  it('start it again if one of them used and stopped it before the other, which had launched it, could join', async () => {
    const visit = await start(); // makes the database
    await visit.stop();
    const child = await startCompiled('test/support/postgres-starter.ts', { dataDir, durable: false });
    await eventually(() => stat(path.join(dataDir, 'postmaster.pid')));
    child.process.kill('SIGSTOP');
    try {
      await (await start()).stop();
    } finally {
      child.process.kill('SIGCONT');
    }
    const postgres = (await child.message(() => true)) as Omit<EmbeddedPostgres, 'stop'>;
    expect(await query(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    const ended = once(child.process, 'exit');
    child.process.send('stop');
    expect(await ended).toEqual([0, null]);
  });

  it('never use a server that is being stopped', async () => {
    const visit = async (): Promise<unknown> => {
      const postgres = await start();
      const rows = await query(postgres.url, 'SELECT 1 AS one');
      await postgres.stop();
      return rows;
    };
    await visit();
    const visits = await Promise.all(Array.from({ length: 4 }, async () => [await visit(), await visit(), await visit()]));
    expect(visits.flat(2)).toEqual(Array.from({ length: 12 }, () => ({ one: 1 })));
    expect(await readPostmaster(dataDir)).toBeUndefined();
  });
});

describe('an existing database', () => {
  it('recovers after the server was killed', async () => {
    const before = await startEmbeddedPostgres({ dataDir, durable: true });
    await query(before.url, 'CREATE TABLE kept AS SELECT 1 AS one');
    process.kill(await serverPid(), 'SIGKILL');
    await before.stop();

    const after = await start();
    expect(after.adopted).toBe(false);
    expect(await query(after.url, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
    await after.stop();
  });

  it('starts after a server died before writing its lock file', async () => {
    await (await start()).stop();
    const lock = path.join(dataDir, 'postmaster.pid');
    await writeFile(lock, '');
    const longAgo = Date.now() / 1000 - 60;
    await utimes(lock, longAgo, longAgo);
    const postgres = await start();
    expect(postgres.adopted).toBe(false);
    await postgres.stop();
  });

  it('starts although another program has the process id of a dead server', async () => {
    await (await start()).stop();
    const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], {
      ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
      cwd: '/',
      stdio: 'ignore',
    });
    await writeFile(path.join(dataDir, 'postmaster.pid'), `${other.pid}\n${dataDir}\n1\n5432\n\n127.0.0.1\n1 1\nready   \n`);
    const postgres = await start();
    expect(postgres.adopted).toBe(false);
    await postgres.stop();
    expect(other.exitCode).toBeNull();
    other.kill();
    await once(other, 'exit');
  });

  it('is refused if another major version of PostgreSQL created it', async () => {
    await (await start()).stop();
    await writeFile(path.join(dataDir, 'PG_VERSION'), '17\n');
    await expect(start()).rejects.toThrow(/created by PostgreSQL 17; this version contains PostgreSQL 18.*pg_dump.*DATABASE_URL/s);
  });

  it("reports the server's last log lines when it does not start", async () => {
    await (await start()).stop();
    await appendFile(path.join(dataDir, 'postgresql.conf'), 'no_such_setting = 1\n');
    await expect(start()).rejects.toThrow(/does not start.*unrecognized configuration parameter "no_such_setting".*server\.log/s);
  });
});

describe.skipIf(!isRoot)('root, in a folder that only root may enter', () => {
  const remove: string[] = [];
  beforeEach(() => chmod(folder, 0o700));
  afterEach(() => Promise.all(remove.splice(0).map((name) => rm(name, { recursive: true, force: true }))));

  it('keeps the data under /var/lib/fanslymotion, where the next start finds it', async () => {
    const postgres = await start();
    remove.push(postgres.dataDir);
    expect(postgres).toMatchObject({ relocated: true, dataDir: expect.stringMatching(/^\/var\/lib\/fanslymotion\/\w+$/) });
    await query(postgres.url, 'CREATE TABLE kept AS SELECT 1 AS one');
    await postgres.stop();

    const again = await start();
    expect(again.dataDir).toBe(postgres.dataDir);
    expect(await query(again.url, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
    await again.stop();
    expect(await readdir(path.dirname(dataDir))).toEqual([]);
  });

  it("copies the programs to where the server's user can run them", async () => {
    const found = await findBinaries();
    const hidden = { folder: path.join(folder, 'package'), version: `test-${process.pid}` };
    await cp(found.folder, hidden.folder, { recursive: true, verbatimSymlinks: true });
    await chmod(path.join(hidden.folder, 'native', 'share'), 0o700);

    const homes = await Promise.all([chooseHome(dataDir, hidden), chooseHome(dataDir, hidden)]);
    const { binaries, user } = homes[0];
    remove.push(binaries.folder);
    expect(homes[1]).toEqual(homes[0]);
    expect(binaries.folder).toBe(`/var/lib/fanslymotion/binaries-${hidden.version}`);
    const { stdout } = await promisify(execFile)(program(binaries, 'postgres'), ['--version'], { ...user, cwd: '/' });
    expect(stdout).toContain('PostgreSQL) 18');
    expect((await stat(path.join(binaries.folder, 'native', 'share'))).mode & 0o777).toBe(0o755);
  });

  it.skipIf(process.platform !== 'linux')('runs a database that belongs to somebody as that user', async () => {
    await chmod(folder, 0o755);
    await (await start()).stop();
    await promisify(execFile)('chown', ['-R', '1:1', dataDir]);
    const postgres = await start();
    expect((await stat(`/proc/${await serverPid()}`)).uid).toBe(1);
    await postgres.stop();
  });
});
