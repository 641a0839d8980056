/** The command line as a person meets it: real processes, each test folder with files and a database of its own. */
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

/** The quickest video. */
export const SMALL = ['--resolution', '360p', '--duration', '3'] as const;
/** One that leaves time to do something meanwhile. */
export const LARGE = ['--resolution', 'p1080', '--duration', '12'] as const;

/** A command that was started. */
export class Run {
  readonly process: ChildProcess;
  /** Exit code; null if a signal ended it. */
  readonly code: Promise<number | null>;
  /** Fulfilled once all its output is here, that of children too. */
  readonly closed: Promise<unknown>;
  stdout = '';
  stderr = '';
  #ended = false;

  constructor(args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }) {
    // In a group of its own, as a terminal gives every command.
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

  /** Until it has said something that matches. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout) && !pattern.test(this.stderr)) {
      if (this.#ended) throw new Error(`It ended without saying ${pattern}:\n${this.stdout}\n${this.stderr}`);
      await sleep(20);
    }
  }

  /** Ctrl-C: the terminal tells the whole group. */
  pressCtrlC(): void {
    process.kill(-this.process.pid!, 'SIGINT');
  }

  /** kill -9 of the command alone. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.code;
  }
}

/** A working directory, a storage folder, and what is run there. */
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

  /** As `run`; throws with all it said unless it exits 0. */
  async succeeds(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    const { code, ...said } = await this.run(...args);
    if (code !== 0) throw new Error(`${args.join(' ')} exits ${code}:\n${said.stdout}\n${said.stderr}`);
    return said;
  }

  /** Command lines of processes that work for this place, the database server among them. Linux only; empty elsewhere. */
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

  /** Until there are no processes any more; those that stay for 20 s. */
  async leftovers(): Promise<string[]> {
    for (const end = Date.now() + 20_000; ; await sleep(50)) {
      const left = await this.processes();
      if (left.length === 0 || Date.now() > end) return left;
    }
  }

  /** What is in the working directory. */
  async files(): Promise<string[]> {
    return (await readdir(this.work)).toSorted();
  }

  /** Logs of services that animate started. */
  async logs(): Promise<string[]> {
    return await readdir(path.join(this.storage, 'logs')).catch(() => []);
  }

  /** Asks the embedded database. */
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

  /** Ends whatever still runs, the database too, and removes all files. */
  async remove(): Promise<void> {
    for (const run of this.#runs) {
      if (run.process.exitCode === null && run.process.signalCode === null) run.process.kill('SIGTERM');
      await run.code;
    }
    // Whoever joins last stops a database that a killed command left running.
    if (existsSync(path.join(this.storage, 'postgres'))) await this.query('SELECT 1');
    await this.leftovers();
    await rm(path.dirname(this.work), { recursive: true, force: true, maxRetries: 5 });
  }
}
