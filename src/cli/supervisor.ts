import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Config } from '../config.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../provisioning/database/embedded-postgres.ts';
import { migrate } from '../provisioning/database/migrate.ts';
import { STOP_MS } from '../process/run.ts';
import { storageFolder } from '../infra/services.ts';

export interface SupervisorOptions {
  readonly config: Config;
  /** Variables of the children in addition to this process's own; an empty value unsets one. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where children write: the output of this process, or a file descriptor. */
  readonly output: 'inherit' | number;
  /** Restarts a part that stops unexpectedly. */
  readonly restart: boolean;
  /** Also runs the bot. */
  readonly bot?: boolean;
  readonly say: (line: string) => void;
  /** As `say`, for lines that require action. */
  readonly warn?: (line: string) => void;
  /** Called each time the API starts to listen. */
  readonly onApi?: (api: { readonly url: string; readonly instance: string }) => void;
  /** Called when a part that was ready stops unexpectedly and is not restarted. */
  readonly onEnded?: (how: string) => void;
}

/** The entry points of the child processes. */
const PARTS = { api: '../main', worker: '../../worker/main', bot: '../../bot/main' } as const;

type PartName = keyof typeof PARTS;

/** A part is killed if it exceeds the stop time that it announced by more than this, in milliseconds. */
const STOP_MARGIN_MS = 100;
/** A part that is not ready after this time is killed, in milliseconds. */
const START_MS = 60_000;
const RESTART_MS = 1_000;
/** Delay before starting a part is retried after it failed to start, in milliseconds. */
const START_RETRY_MS: Readonly<Record<PartName, number>> = { api: 5_000, worker: 5_000, bot: 30_000 };

/** Runs database, API, worker and bot as child processes, which stop when this process ends, for whatever reason. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children = new Map<PartName, { readonly process: ChildProcess; stopWithinMs: number }>();
  #postgres: EmbeddedPostgres | null = null;
  #environment: NodeJS.ProcessEnv = {};
  #starting: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;
  #url = '';
  #instance = '';

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** URL of the API. */
  get url(): string {
    return this.#url;
  }

  /** Identifies the API process. */
  get instance(): string {
    return this.#instance;
  }

  /**
   * Starts everything in order. A bot that fails to start is retried and does not affect the others.
   * @throws Error if another part fails to start; the caller then calls `stop`
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { config, environment, say } = this.#options;
    let databaseUrl = config.DATABASE_URL;
    if (!databaseUrl) {
      this.#postgres = await startEmbeddedPostgres({ dataDir: path.join(storageFolder(config), 'postgres') });
      databaseUrl = this.#postgres.url;
      say(`database  embedded PostgreSQL${this.#postgres.adopted ? ', already running' : ''}, data in ${this.#postgres.dataDir}`);
    } else {
      say('database  PostgreSQL at DATABASE_URL');
    }
    if (this.#stopping) return;
    await migrate(databaseUrl, say);
    this.#environment = { ...process.env, ...environment, DATABASE_URL: databaseUrl };
    if (this.#stopping) return;
    await Promise.all([this.#run('api'), this.#run('worker')]);
    if (this.#stopping || !this.#options.bot) return;
    this.#environment['BOT_API_URL'] = config.BOT_API_URL ?? this.#url;
    await this.#run('bot').catch((error: unknown) => this.#tryLater('bot', error));
  }

  /** Stops all children gracefully, and then the database. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await Promise.all([...this.#children.values()].map((child) => stopChild(child.process, child.stopWithinMs + STOP_MARGIN_MS)));
    await this.#starting?.catch(() => {}); // reported to the caller of `start`
    await this.#postgres?.stop();
  }

  /** Starts a part; resolves when it is ready. */
  async #run(name: PartName): Promise<void> {
    const { output, restart, say } = this.#options;
    const file = new URL(`${PARTS[name]}${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
    const child = fork(file, [], { env: this.#environment, execArgv: ['--enable-source-maps'], stdio: ['ignore', output, output, 'ipc'] });
    const entry = { process: child, stopWithinMs: STOP_MS };
    this.#children.set(name, entry);
    let ready = false;
    child.once('exit', (code, signal) => {
      this.#children.delete(name);
      if (!ready || this.#stopping) return;
      const how = `${name} stopped unexpectedly (${signal ?? `exit code ${code}`})`;
      say(restart ? `${how}; restarting it` : how);
      if (restart) setTimeout(() => void this.#runAgain(name), RESTART_MS);
      else this.#options.onEnded?.(how);
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        child.once('exit', (code, signal) =>
          reject(new Error(`the ${name} process did not start (${signal ?? `exit code ${code}`}); see its last log lines`)),
        );
        child.once('error', reject);
        child.on('message', (message: { type?: string; stopWithinMs?: number; url?: string; instance?: string }) => {
          if (message.type !== 'ready') return;
          ready = true;
          entry.stopWithinMs = message.stopWithinMs ?? STOP_MS;
          if (message.url && message.instance) this.#apiIsReady(message.url, message.instance);
          resolve();
        });
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #apiIsReady(url: string, instance: string): void {
    this.#url = url;
    this.#instance = instance;
    // After a restart, clients find it at the same address.
    this.#environment['PORT'] = new URL(url).port;
    this.#options.onApi?.({ url, instance });
  }

  async #runAgain(name: PartName): Promise<void> {
    if (this.#stopping) return;
    await this.#run(name).catch((error: unknown) => this.#tryLater(name, error));
  }

  #tryLater(name: PartName, error: unknown): void {
    if (this.#stopping) return;
    const { say, warn = say } = this.#options;
    warn(`${error instanceof Error ? error.message : String(error)}; retrying in ${START_RETRY_MS[name] / 1000} s`);
    setTimeout(() => void this.#runAgain(name), START_RETRY_MS[name]);
  }
}

async function stopChild(child: ChildProcess, withinMs: number): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  // Windows has no graceful signal, but a part also stops gracefully when its parent disconnects.
  if (process.platform === 'win32' && child.connected) child.disconnect();
  else child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
  await gone;
  clearTimeout(timer);
}
