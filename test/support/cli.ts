/** The command line as users see it: real processes, and for each test a folder with its own files and database. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../src/provisioning/database/embedded-postgres.ts';

const PHOTOS = path.resolve('test/fixtures/photos');
export const photo = (name: string): string => path.join(PHOTOS, name);

/** Options of the fastest video. */
export const SMALL = ['--resolution', '360p', '--duration', '3'] as const;
/** Options of a video that takes long enough to act while it renders. */
export const LARGE = ['--resolution', 'p1080', '--duration', '12'] as const;

/** A running command. */
export class Run {
  readonly process: ChildProcess;
  /** Exit code; null if a signal ended it. */
  readonly code: Promise<number | null>;
  /** Resolves once all output is complete, including that of children. */
  readonly closed: Promise<unknown>;
  stdout = '';
  stderr = '';
  #ended = false;

  constructor(args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }) {
    // In its own process group, as a terminal starts every command.
    this.process = spawn(process.execPath, [path.resolve('src/cli/fanslymotion.mjs'), ...args], {
      ...options,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.closed = once(this.process, 'close');
    this.code = once(this.process, 'exit').then(([code]) => {
      this.#ended = true;
      return code as number | null;
    });
  }

  /** Waits until the output matches. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout) && !pattern.test(this.stderr)) {
      if (this.#ended) throw new Error(`exited without printing ${pattern}:\n${this.stdout}\n${this.stderr}`);
      await sleep(20);
    }
  }

  /** Ctrl-C: a terminal signals the whole process group. */
  pressCtrlC(): void {
    process.kill(-this.process.pid!, 'SIGINT');
  }

  /** kill -9 of the command alone. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.code;
  }
}

/** A working directory, a storage folder, and the commands run there. */
export class Place {
  readonly work: string;
  readonly storage: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly #runs: Run[] = [];

  constructor(environment: Readonly<Record<string, string>> = {}) {
    const folder = mkdtempSync(path.join(tmpdir(), 'fm-cli-'));
    chmodSync(folder, 0o755); // when root runs the tests, PostgreSQL runs as another user
    this.work = path.join(folder, 'work');
    this.storage = path.join(folder, 'storage');
    mkdirSync(this.work);
    this.environment = {
      ...process.env,
      STORAGE_DIR: this.storage,
      PORT: '0',
      HOST: '127.0.0.1',
      DATABASE_URL: '',
      REDIS_URL: '',
      API_KEYS: '',
      BOT_API_KEY: '',
      PUBLIC_URL: '',
      BOT_TOKEN: '',
      FFMPEG_PATH: '',
      LOG_LEVEL: 'info',
      ...environment,
    };
  }

  start(...args: string[]): Run {
    return this.startWith({}, ...args);
  }

  startWith(environment: Readonly<Record<string, string>>, ...args: string[]): Run {
    const run = new Run(args, { cwd: this.work, env: { ...this.environment, ...environment } });
    this.#runs.push(run);
    return run;
  }

  /** Runs a command to its end. */
  async run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    return await this.runWith({}, ...args);
  }

  async runWith(
    environment: Readonly<Record<string, string>>,
    ...args: string[]
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const run = this.startWith(environment, ...args);
    const code = await run.code;
    await run.closed;
    return { code, stdout: run.stdout, stderr: run.stderr };
  }

  /** Like `run`, but throws an error with all output unless the command exits with 0. */
  async succeeds(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    const { code, ...said } = await this.run(...args);
    if (code !== 0) throw new Error(`${args.join(' ')} exits ${code}:\n${said.stdout}\n${said.stderr}`);
    return said;
  }

  /** Command lines of the processes that belong to this place, including the database server. Linux only; empty elsewhere. */
  async processes(): Promise<string[]> {
    if (process.platform !== 'linux') return [];
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const lines = await Promise.all(
      pids.map(async (pid) => {
        const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
        const [command, environment] = await Promise.all([read('cmdline'), read('environ')]);
        return command.includes(this.storage) || environment.includes(`STORAGE_DIR=${this.storage}\0`)
          ? command.replaceAll('\0', ' ').trim()
          : '';
      }),
    );
    return lines.filter(Boolean);
  }

  /** Waits up to 20 s until no process is left and returns those that remain. */
  async leftovers(): Promise<string[]> {
    for (const end = Date.now() + 20_000; ; await sleep(50)) {
      const left = await this.processes();
      if (left.length === 0 || Date.now() > end) return left;
    }
  }

  /** Files in the working directory. */
  async files(): Promise<string[]> {
    return (await readdir(this.work)).toSorted();
  }

  /** Logs of services that animate started. */
  async logs(): Promise<string[]> {
    return await readdir(path.join(this.storage, 'logs')).catch(() => []);
  }

  /** Runs a query in the embedded database. */
  async query<T extends object>(sql: string): Promise<T[]> {
    const postgres = await startEmbeddedPostgres({ dataDir: path.join(this.storage, 'postgres') });
    const client = new Client(postgres.url);
    try {
      await client.connect();
      return (await client.query<T>(sql)).rows;
    } finally {
      await client.end();
      await postgres.stop();
    }
  }

  /** Stops all processes, including the database, and removes all files. */
  async remove(): Promise<void> {
    for (const run of this.#runs) {
      if (run.process.exitCode === null && run.process.signalCode === null) run.process.kill('SIGTERM');
      await run.code;
    }
    // The last command to join stops a database that a killed command left running.
    if (existsSync(path.join(this.storage, 'postgres'))) await this.query('SELECT 1');
    await this.leftovers();
    await rm(path.dirname(this.work), { recursive: true, force: true, maxRetries: 5 });
  }
}
