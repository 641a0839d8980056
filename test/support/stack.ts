/** A whole installation for a suite: a database of its own, a storage folder, real API and worker processes. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient, type Client } from 'graphql-ws';
import { Client as PgClient } from 'pg';
import { WebSocket } from 'ws';
import { ApiClient, type CreateJobInput, type Job, type JobProgress } from '../../src/client/client.ts';
import { DOCUMENTS } from '../../src/client/documents.ts';
import { brake, type Brake } from './brake.ts';
import { createTestDatabase } from './database.ts';
import { rendererOf } from './processes.ts';
import { ownPrefix, redisUrl } from './redis.ts';
import { TOKEN } from './token.ts';
import { until } from './waiting.ts';

export const PHOTOS = path.resolve('test/fixtures/photos');

export interface PartProcess {
  readonly process: ChildProcess;
  readonly ready: Record<string, string>;
  /** SIGTERM, and until it is gone. */
  stop(): Promise<number | null>;
  /** SIGKILL, and until it is gone. */
  kill(): Promise<void>;
}

export interface StackOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Redis for queue and progress instead of PostgreSQL. */
  readonly redis?: boolean;
  /** Every state of every job is kept for `states`. */
  readonly statesKept?: boolean;
  /** Folder of the built program to start; by default the checkout. */
  readonly program?: string;
  /** False: no worker at first. */
  readonly worker?: boolean;
}

/** Answer of a GraphQL operation over HTTP. */
export interface Answer<T> {
  readonly status: number;
  readonly data: T;
  readonly errors?: { message: string; path?: (string | number)[]; extensions: { code: string; [key: string]: unknown } }[];
}

/** A job, and an event of it, as the client of the API returns them. */
export type { Job as JobView, JobProgress as ProgressView } from '../../src/client/client.ts';

/** The state of a job at some time, as its row had it. */
export interface JobState {
  status: string;
  attempt: number;
  stage: string | null;
  step: number | null;
  totalSteps: number | null;
  percent: number;
  errorCode: string | null;
}

export class Stack {
  readonly environment: NodeJS.ProcessEnv;
  readonly storage: string;
  readonly databaseUrl: string;
  readonly #dropDatabase: () => Promise<void>;
  readonly #program: string;
  readonly #parts = new Set<PartProcess>();
  readonly #sockets = new Set<Client>();
  api!: PartProcess;
  worker: PartProcess | null = null;
  bot: PartProcess | null = null;

  private constructor(database: { url: string; drop(): Promise<void> }, options: StackOptions) {
    this.storage = mkdtempSync(path.join(tmpdir(), 'fm-stack-'));
    this.databaseUrl = database.url;
    this.#dropDatabase = database.drop;
    this.#program = options.program ?? '.';
    this.environment = {
      ...process.env,
      NODE_ENV: 'test',
      LOG_LEVEL: process.env['TEST_LOG'] ?? 'fatal',
      HOST: '127.0.0.1',
      PORT: '0',
      DATABASE_URL: database.url,
      REDIS_URL: options.redis ? redisUrl() : '',
      QUEUE_PREFIX: ownPrefix(),
      STORAGE_DIR: this.storage,
      API_KEYS: '',
      BOT_API_KEY: '',
      PUBLIC_URL: '',
      CORS_ORIGINS: '',
      BOT_TOKEN: '',
      HEARTBEAT_SECONDS: '1.5',
      HOUSEKEEPING_SECONDS: '0.5',
      STALLED_SECONDS: '2',
      RETRY_DELAY_SECONDS: '0.5',
      CANCEL_GRACE_SECONDS: '30',
      ...options.environment,
    };
  }

  static async start(options: StackOptions = {}): Promise<Stack> {
    const stack = new Stack(await createTestDatabase(), options);
    await Promise.all([stack.startApi(), ...(options.worker === false ? [] : [stack.startWorker()])]);
    if (options.statesKept) await stack.#keepStates();
    return stack;
  }

  async #keepStates(): Promise<void> {
    await this.sql('CREATE TABLE test_state (number serial, job uuid, state jsonb)');
    await this.sql(`CREATE FUNCTION test_keep_state() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN INSERT INTO test_state (job, state) VALUES (NEW.id, to_jsonb(NEW)); RETURN NULL; END'`);
    await this.sql('CREATE TRIGGER test_keep_state AFTER INSERT OR UPDATE ON job FOR EACH ROW EXECUTE FUNCTION test_keep_state()');
  }

  /** Every state of a job, oldest first, where `statesKept`; whoever follows it gets the newest only, and on a busy machine misses some. */
  async states(id: string): Promise<JobState[]> {
    return (await this.sql<{ state: JobState }>('SELECT state FROM test_state WHERE job = $1 ORDER BY number', [id])).map(
      ({ state }) => state,
    );
  }

  get url(): string {
    return this.api.ready['url']!;
  }

  async startApi(environment: Readonly<Record<string, string>> = {}): Promise<PartProcess> {
    this.api = await this.#start('dist/src/main.js', environment);
    return this.api;
  }

  async startWorker(environment: Readonly<Record<string, string>> = {}): Promise<PartProcess> {
    this.worker = await this.#start('dist/worker/main.js', environment);
    return this.worker;
  }

  /** Slows the worker's renderer down, so that a short video takes seconds; a release lets it finish at once. */
  async brakeRenderer(): Promise<Brake> {
    return brake(await rendererOf(this.worker!.process.pid!));
  }

  /** The bot as a client of this API; the key has to stand in the stack's environment. Times are scaled down unless said otherwise. */
  async startBot(telegram: { readonly url: string }, environment: Readonly<Record<string, string>> = {}): Promise<PartProcess> {
    this.bot = await this.#start('dist/bot/main.js', {
      BOT_TOKEN: TOKEN,
      BOT_API_ROOT: telegram.url,
      BOT_API_URL: this.url,
      BOT_PORT: '0',
      BOT_EDIT_SECONDS: '0.3',
      BOT_RETRY_SECONDS: '0.2',
      BOT_ALBUM_SECONDS: '0.3',
      ...environment,
    });
    return this.bot;
  }

  async #start(file: string, environment: Readonly<Record<string, string>>): Promise<PartProcess> {
    const child = fork(path.resolve(this.#program, file), [], {
      env: { ...this.environment, ...environment },
      execArgv: ['--enable-source-maps'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const gone = once(child, 'exit');
    const ready = await Promise.race([
      new Promise<Record<string, string>>((resolve) =>
        child.on('message', (message: { type: string } & Record<string, string>) => message.type === 'ready' && resolve(message)),
      ),
      gone.then(([code]) => {
        throw new Error(`${file} ended with ${code} before it was ready`);
      }),
    ]);
    const part: PartProcess = {
      process: child,
      ready,
      stop: async () => {
        child.kill('SIGTERM');
        const [code] = await gone;
        this.#parts.delete(part);
        return code as number | null;
      },
      kill: async () => {
        child.kill('SIGKILL');
        await gone;
        this.#parts.delete(part);
      },
    };
    this.#parts.add(part);
    return part;
  }

  /** Ends everything and removes it; a part that does not end in good order fails the suite. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) await socket.dispose();
    const codes = await Promise.all([...this.#parts].map((part) => part.stop()));
    await this.#dropDatabase();
    await rm(this.storage, { recursive: true, force: true });
    if (codes.some((code) => code !== 0)) throw new Error(`parts ended with exit codes ${codes.join(', ')}`);
  }

  async graphql<T = Record<string, never>>(
    query: string,
    variables: object = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    });
    return { status: response.status, ...((await response.json()) as { data: T }) };
  }

  /** A client of this API with the key and the owner of `headers`. */
  client({ Authorization: authorization, 'X-Act-As': owner }: Readonly<Record<string, string>> = {}): ApiClient {
    const client = ApiClient.create({ url: this.url, key: authorization?.replace('Bearer ', ''), webSocket: WebSocket });
    return owner === undefined ? client : client.as(owner);
  }

  async upload(photo = 'cat.jpg', headers: Readonly<Record<string, string>> = {}): Promise<string> {
    return (await this.client(headers).upload(new Blob([readFileSync(path.join(PHOTOS, photo))]))).id;
  }

  /** createJob at P360, 3 s unless said otherwise; the photo is uploaded unless the input names one. @throws ApiError */
  async create(input: object = {}, headers: Readonly<Record<string, string>> = {}): Promise<Job> {
    return await this.client(headers).createJob(await this.#inputOf(input, headers));
  }

  /** As `create`, for tests of the GraphQL response itself. */
  async tryCreate(input: object = {}, headers: Readonly<Record<string, string>> = {}): Promise<Answer<{ createJob: Job }>> {
    return await this.graphql(DOCUMENTS.createJob, { input: await this.#inputOf(input, headers) }, headers);
  }

  async #inputOf(input: object, headers: Readonly<Record<string, string>>): Promise<CreateJobInput> {
    const image = 'image' in input ? input.image : { uploadId: await this.upload('cat.jpg', headers) };
    return { resolution: 'P360', durationSeconds: 3, ...input, image } as CreateJobInput;
  }

  async job(id: string, headers: Readonly<Record<string, string>> = {}): Promise<Job | null> {
    return await this.client(headers).job(id);
  }

  async cancel(id: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer<{ cancelJob: Job }>> {
    return await this.graphql(DOCUMENTS.cancelJob, { id }, headers);
  }

  /** Gives an owner who has a job so many that were cancelled, of the same photo. */
  async cancelledJobs(key: string, owner: string, count: number): Promise<void> {
    const headers = { Authorization: `Bearer ${key}`, 'X-Act-As': owner };
    const [job] = await this.sql<{ id: string }>('SELECT id FROM job WHERE owner = $1', [owner]);
    for (let made = 0; made < count;) {
      const { id } = await this.create({ image: { jobId: job!.id } }, headers);
      // One that was rendered before it could be cancelled does not count.
      if ((await this.cancel(id, headers)).errors) await this.graphql('mutation ($id: ID!) { deleteJob(id: $id) }', { id }, headers);
      else made++;
    }
  }

  socket(connectionParams: Record<string, unknown> = {}): Client {
    const client = createClient({
      url: `${this.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams,
      retryAttempts: 0,
    });
    this.#sockets.add(client);
    return client;
  }

  /** Events of a job up to and with the first that `enough` accepts, its end otherwise. */
  async follow(
    id: string,
    enough: (event: JobProgress) => boolean = () => false,
    client = this.socket(),
    extensions?: Record<string, unknown>,
  ): Promise<JobProgress[]> {
    const events: JobProgress[] = [];
    const refused = (errors: readonly { message: string; extensions?: Record<string, unknown> }[]) =>
      new Error(`${String(errors[0]?.extensions?.['code'])}: ${errors[0]?.message}`);
    try {
      for await (const result of client.iterate<{ jobProgress: JobProgress }>({
        query: DOCUMENTS.jobProgress,
        variables: { id },
        extensions,
      })) {
        if (result.errors) throw refused(result.errors);
        events.push(result.data!.jobProgress);
        if (enough(result.data!.jobProgress)) break;
      }
    } catch (error) {
      throw Array.isArray(error) ? refused(error) : error;
    }
    return events;
  }

  async finish(id: string): Promise<Job> {
    return (await this.follow(id)).at(-1)!.job;
  }

  async sql<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    const client = new PgClient(this.databaseUrl);
    await client.connect();
    try {
      return (await client.query<T>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Paths below the storage folder, files only. */
  async files(folder = '.'): Promise<string[]> {
    const start = path.join(this.storage, folder);
    if (!existsSync(start)) return [];
    // A folder may go while it is being read; then it is read again.
    const entries = await until(() =>
      readdir(start, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        return existsSync(start) ? null : [];
      }),
    );
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(this.storage, path.join(entry.parentPath, entry.name)))
      .toSorted();
  }
}
