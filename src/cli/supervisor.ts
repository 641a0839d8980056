import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Config } from '../config.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../infra/embedded-postgres.ts';
import { migrate } from '../infra/migrate.ts';
import { storageFolder } from '../infra/services.ts';

export interface SupervisorOptions {
  readonly config: Config;
  /** Environment of the children beside this process's own; an empty text unsets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where children write: this process's own output, or a file's descriptor. */
  readonly output: 'inherit' | number;
  /** Starts a part again when it ends by itself. */
  readonly restart: boolean;
  readonly say: (line: string) => void;
}

/** Parts that run as processes of their own. */
const PARTS = { api: '../main', worker: '../../worker/main' } as const;

type PartName = keyof typeof PARTS;

/** A part that is told to stop has this long; then it is killed. */
const STOP_MS = 4_600;
const RESTART_MS = 1_000;

/** The running whole: database, API and worker, as children that leave when this process does, however it ends. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children = new Map<PartName, ChildProcess>();
  #postgres: EmbeddedPostgres | null = null;
  #environment: NodeJS.ProcessEnv = {};
  #stopping: Promise<void> | null = null;
  #url = '';
  #instance = '';

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Where the API listens. */
  get url(): string {
    return this.#url;
  }

  /** Names the API process. */
  get instance(): string {
    return this.#instance;
  }

  /**
   * Starts what is missing, in order.
   * @throws Error if a part does not start; what was started is to be stopped
   */
  async start(): Promise<void> {
    const { config, environment, say } = this.#options;
    let databaseUrl = config.DATABASE_URL;
    if (!databaseUrl) {
      this.#postgres = await startEmbeddedPostgres({ dataDir: path.join(storageFolder(config), 'postgres') });
      databaseUrl = this.#postgres.url;
      say(`database  embedded PostgreSQL${this.#postgres.adopted ? ', found running' : ''}, data in ${this.#postgres.dataDir}`);
    } else {
      say('database  PostgreSQL of DATABASE_URL');
    }
    if (this.#stopping) return;
    await migrate(databaseUrl, say);
    this.#environment = { ...process.env, ...environment, DATABASE_URL: databaseUrl };
    if (this.#stopping) return;
    await Promise.all([this.#run('api'), this.#run('worker')]);
  }

  /** Ends all children in good order, within 5 s, and then the database. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await Promise.all([...this.#children.values()].map(async (child) => {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(timer);
    }));
    await this.#postgres?.stop();
  }

  /** Starts a part; resolves when it is ready. */
  async #run(name: PartName): Promise<void> {
    const { output, restart, say } = this.#options;
    const file = new URL(`${PARTS[name]}${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
    const child = fork(file, [], { env: this.#environment, execArgv: ['--enable-source-maps'], stdio: ['ignore', output, output, 'ipc'] });
    this.#children.set(name, child);
    let ready = false;
    child.once('exit', (code, signal) => {
      this.#children.delete(name);
      if (!ready || this.#stopping || !restart) return;
      say(`${name} ended by itself (${signal ?? `exit code ${code}`}); starting it again`);
      setTimeout(() => void this.#runAgain(name), RESTART_MS).unref();
    });
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code, signal) => reject(new Error(`the ${name} process did not start (${signal ?? `exit code ${code}`}); its last lines say why`)));
      child.once('error', reject);
      child.on('message', (message: { type?: string; url?: string; instance?: string }) => {
        if (message.type !== 'ready') return;
        ready = true;
        if (message.url) this.#url = message.url;
        if (message.instance) this.#instance = message.instance;
        resolve();
      });
    });
  }

  async #runAgain(name: PartName): Promise<void> {
    if (this.#stopping) return;
    await this.#run(name).catch((error: unknown) => {
      this.#options.say(error instanceof Error ? error.message : String(error));
      setTimeout(() => void this.#runAgain(name), 5 * RESTART_MS).unref();
    });
  }
}
