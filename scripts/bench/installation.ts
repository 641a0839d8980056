import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, type Client as SocketClient } from 'graphql-ws';
import { Client as PgClient } from 'pg';
import { WebSocket } from 'ws';
import { ROOT } from '../../src/process/version.ts';

const PHOTO = path.join(ROOT, 'test/fixtures/photos/cat.jpg');
/** Longest wait for a state of the installation, in milliseconds. */
const WAIT_MS = 60_000;

export interface InstallationOptions {
  readonly name: string;
  /** Root of a built checkout. */
  readonly program: string;
  /** An empty database. */
  readonly databaseUrl: string;
  /** Queue and bus are on PostgreSQL if it is undefined. */
  readonly redisUrl: string | undefined;
  /** An empty folder. */
  readonly folder: string;
  /** Variables added to the environment of all processes. */
  readonly environment: Readonly<Record<string, string>>;
}

/** One change of a job, recorded by a trigger. */
export interface RecordedChange {
  readonly jobId: string;
  readonly status: string;
  readonly revision: number;
  /** When the row was written, in milliseconds since 1970. */
  readonly at: number;
}

/** A job's state as a subscriber received it. */
export interface ReceivedState {
  readonly revision: number;
  readonly status: string;
  /** When it arrived, in milliseconds since 1970. */
  readonly at: number;
}

/**
 * One installation of a built checkout: a database, an API process and, when started, a worker process on the CPU. It is used through its
 * public API, and writes to its job table are recorded by a trigger, so that different versions of the program can be compared.
 */
export class Installation {
  readonly name: string;
  readonly #options: InstallationOptions;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #database: PgClient;
  #api: ChildProcess | null = null;
  #worker: ChildProcess | null = null;
  #url = '';
  #socket: SocketClient | null = null;

  private constructor(options: InstallationOptions) {
    this.name = options.name;
    this.#options = options;
    this.#database = new PgClient(options.databaseUrl);
    this.#environment = {
      ...process.env,
      NODE_ENV: 'production',
      LOG_LEVEL: 'fatal',
      HOST: '127.0.0.1',
      PORT: '0',
      DATABASE_URL: options.databaseUrl,
      REDIS_URL: options.redisUrl ?? '',
      QUEUE_PREFIX: path.basename(options.folder).replaceAll(/\W/g, '_'),
      STORAGE_DIR: path.join(options.folder, 'storage'),
      WORKER_DEVICES: 'cpu',
      API_KEYS: '',
      BOT_API_KEY: '',
      PUBLIC_URL: '',
      CORS_ORIGINS: '',
      ENGINE_GRACE_SECONDS: '3600',
      ...options.environment,
    };
  }

  /** Migrates the database and starts the API. */
  static async start(options: InstallationOptions): Promise<Installation> {
    const installation = new Installation(options);
    await mkdir(options.folder, { recursive: true });
    await installation.#migrate();
    await installation.#database.connect();
    await installation.#createRecorder();
    installation.#api = await installation.#fork('dist/src/main.js', (message) => (installation.#url = String(message['url'])));
    installation.#socket = createClient({
      url: `${installation.#url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      lazy: false,
    });
    return installation;
  }

  async startWorker(): Promise<void> {
    this.#worker = await this.#fork('dist/worker/main.js');
  }

  async stopWorker(): Promise<void> {
    await stopProcess(this.#worker);
    this.#worker = null;
  }

  async stop(): Promise<void> {
    await this.#socket?.dispose();
    await Promise.all([stopProcess(this.#worker), stopProcess(this.#api)]);
    await this.#database.end();
  }

  async query<T extends object>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.#database.query<T>(text, [...values])).rows;
  }

  /** Uploads the photo and returns the id of the upload. */
  async upload(): Promise<string> {
    const response = await fetch(`${this.#url}/uploads`, {
      method: 'POST',
      headers: { 'Content-Type': 'image/jpeg' },
      body: await readFile(PHOTO),
    });
    return ((await response.json()) as { id: string }).id;
  }

  /** Creates a job with the PREVIEW engine and returns its id. */
  async createJob(uploadId: string): Promise<string> {
    const input = { image: { uploadId }, engine: 'PREVIEW', resolution: 'P360', durationSeconds: 3 };
    const { createJob } = await this.#mutate<{ createJob: { id: string } }>(
      'mutation ($input: CreateJobInput!) { createJob(input: $input) { id } }',
      { input },
    );
    return createJob.id;
  }

  async cancelJob(id: string): Promise<void> {
    await this.#mutate('mutation ($id: ID!) { cancelJob(id: $id) { id } }', { id });
  }

  /** Subscribes to a job. `states` grows as they arrive. */
  follow(id: string): { readonly states: readonly ReceivedState[]; until(status: string): Promise<void> } {
    const states: ReceivedState[] = [];
    const query = 'subscription ($id: ID!) { jobProgress(id: $id) { revision job { status } } }';
    const ended = (async () => {
      const events = this.#socket!.iterate<{ jobProgress: { revision: number; job: { status: string } } }>({ query, variables: { id } });
      for await (const { data, errors } of events) {
        if (!data) throw new Error(`The subscription failed: ${JSON.stringify(errors)}`);
        states.push({
          revision: data.jobProgress.revision,
          status: data.jobProgress.job.status,
          at: performance.timeOrigin + performance.now(),
        });
      }
    })();
    let failure: unknown = null;
    ended.catch((error: unknown) => (failure = error));
    return {
      states,
      until: async (status) => {
        await waitFor(`${this.name}: the status ${status}`, async () => {
          if (failure !== null) throw failure;
          return states.some((state) => state.status === status);
        });
      },
    };
  }

  /** Waits until the worker is idle. */
  async workerIdle(): Promise<void> {
    await waitFor(`${this.name}: an idle worker`, async () => {
      const rows = await this.query<{ state: string }>(`SELECT state FROM worker WHERE "stoppedAt" IS NULL`);
      return rows.length > 0 && rows.every(({ state }) => state === 'READY');
    });
  }

  /** Waits until the worker has started an attempt. */
  async attemptStarted(): Promise<void> {
    await waitFor(`${this.name}: the start of an attempt`, async () => {
      return (await this.query(`SELECT id FROM job WHERE status = 'PROCESSING' LIMIT 1`)).length > 0;
    });
  }

  /** Starts or stops recording every write to a row of the job table. */
  async record(enabled: boolean): Promise<void> {
    await this.query(`ALTER TABLE job ${enabled ? 'ENABLE' : 'DISABLE'} TRIGGER bench_record`);
  }

  /** Returns what has been recorded since the last call, in order. */
  async takeChanges(): Promise<RecordedChange[]> {
    return await this.query<RecordedChange>(`
      WITH taken AS (DELETE FROM bench_change RETURNING *)
      SELECT job::text AS "jobId", status, revision, extract(epoch FROM at)::float8 * 1000 AS at FROM taken ORDER BY number`);
  }

  async #createRecorder(): Promise<void> {
    await this.query(`CREATE TABLE bench_change (number bigserial, job uuid, status text, revision int, at timestamptz)`);
    await this.query(`CREATE FUNCTION bench_record() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN INSERT INTO bench_change (job, status, revision, at) VALUES (NEW.id, NEW.status, NEW.revision, clock_timestamp()); RETURN NULL; END'`);
    await this.query(`CREATE TRIGGER bench_record AFTER INSERT OR UPDATE ON job FOR EACH ROW EXECUTE FUNCTION bench_record()`);
  }

  async #migrate(): Promise<void> {
    const child = spawn(process.execPath, [path.join(this.#options.program, 'prisma/cli.mjs'), 'migrate', 'deploy'], {
      cwd: this.#options.program,
      env: this.#environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`The migrations of ${this.#options.program} failed:\n${errors}`);
  }

  async #fork(file: string, onReady: (message: Readonly<Record<string, unknown>>) => void = () => {}): Promise<ChildProcess> {
    const child = fork(path.join(this.#options.program, file), [], {
      cwd: this.#options.program,
      env: this.#environment,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`${file} of ${this.name} exited with ${code} before it was ready.`)));
      child.on('message', (message: Readonly<Record<string, unknown>>) => {
        if (message['type'] !== 'ready') return;
        onReady(message);
        resolve();
      });
    });
    return child;
  }

  async #mutate<T>(query: string, variables: object): Promise<T> {
    const response = await fetch(`${this.#url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data: T; errors?: unknown };
    if (errors) throw new Error(`${this.name}: ${JSON.stringify(errors)}`);
    return data;
  }
}

async function stopProcess(child: ChildProcess | null): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

async function waitFor(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`Timed out waiting for ${what}.`);
    await sleep(5);
  }
}
