/**
 * Client of the GraphQL API for Node.js and browsers: typed documents, uploads, downloads and following a job. The caller decides how long
 * to keep trying; without a RetryPolicy every call fails at the first error.
 */
import { z } from 'zod';
import { DOCUMENTS } from './documents.ts';
import { ApiError, hasCode } from './error.ts';
import { RESULT_SCHEMAS, type ResultOf, type CreateJobInput, type JobFields, type Variables } from './generated.ts';
import { failFast, pause, retrying, Setbacks, type RetryPolicy } from './retry.ts';
import { Transport, type Body, type RequestOptions, type TransportOptions } from './transport.ts';

export type Job = JobFields;
export type JobOptions = Job['options'];
export type JobProgress = ResultOf<'jobProgress'>['jobProgress'];
export type JobPage = ResultOf<'jobs'>['jobs'];
export type Options = ResultOf<'options'>['options'];
export type { CreateJobInput };

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Gives up at the first error unless given. */
  readonly retry?: RetryPolicy;
  /** In milliseconds, for each try. */
  readonly timeoutMs?: number;
}

export interface UploadOptions extends CallOptions {
  /** Size of the photo, if known. */
  readonly sizeBytes?: number;
}

export interface FollowOptions {
  readonly signal?: AbortSignal;
  /** For errors other than NOT_FOUND. Gives up at the first one unless given. */
  readonly retry?: RetryPolicy;
  /** Polling interval while no WebSocket can be opened, in milliseconds. */
  readonly pollMs: number;
}

/** A photo: a Blob in a browser; elsewhere a function that opens it once the API has accepted the connection. */
export type PhotoSource = Blob | (() => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>);

type Init = Pick<RequestOptions, 'method' | 'headers' | 'body'>;

const Upload = z.object({ id: z.string(), sha256: z.string() });
export type Upload = z.infer<typeof Upload>;

const Health = z.object({ instance: z.string() });

const isTerminal = ({ status }: Pick<Job, 'status'>): boolean => status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED';

export class ApiClient {
  readonly #transport: Transport;
  readonly #actAs: string | null;

  private constructor(transport: Transport, actAs: string | null) {
    this.#transport = transport;
    this.#actAs = actAs;
  }

  /** Opens no connection yet. */
  static create(options: TransportOptions): ApiClient {
    return new ApiClient(new Transport(options), null);
  }

  /** The same client on behalf of `owner`, which requires a key with act-as. */
  as(owner: string): ApiClient {
    return new ApiClient(this.#transport, owner);
  }

  get url(): string {
    return this.#transport.url;
  }

  /** Identifies the API process. @throws ApiError UNREACHABLE if it is not the API that responds */
  async instance(call: CallOptions = {}): Promise<string> {
    const { status, json } = await this.#request('/healthz', call);
    const health = Health.safeParse(json).data;
    if (!health) throw ApiError.from(null, status, this.url);
    return health.instance;
  }

  /** Everything that can be requested. @throws ApiError */
  async options(call?: CallOptions): Promise<Options> {
    return (await this.query('options', {}, call)).options;
  }

  /** Null if the owner has no such job. @throws ApiError */
  async job(id: string, call?: CallOptions): Promise<Job | null> {
    return (await this.query('job', { id }, call)).job;
  }

  /** The owner's jobs, newest first. @throws ApiError */
  async jobs(variables: Variables['jobs'], call?: CallOptions): Promise<JobPage> {
    return (await this.query('jobs', variables, call)).jobs;
  }

  /** Safe to repeat with the same idempotencyKey. @throws ApiError */
  async createJob(input: CreateJobInput, call?: CallOptions): Promise<Job> {
    return (await this.query('createJob', { input }, call)).createJob;
  }

  /** @throws ApiError, NOT_CANCELLABLE for a job that has completed or failed */
  async cancelJob(id: string, call?: CallOptions): Promise<Job> {
    return (await this.query('cancelJob', { id }, call)).cancelJob;
  }

  /** @throws ApiError */
  async deleteJob(id: string, call?: CallOptions): Promise<void> {
    await this.query('deleteJob', { id }, call);
  }

  /** Deletes everything the owner has; returns the number of deleted jobs. @throws ApiError */
  async deleteMyData(call?: CallOptions): Promise<number> {
    return (await this.query('deleteMyData', {}, call)).deleteMyData;
  }

  /**
   * Sends a photo to the API.
   * @param photo opened again for each try; the opened stream is read to its end or closed
   * @throws ApiError; errors of opening and reading the photo, unchanged; the reason of the signal
   */
  async upload(photo: PhotoSource, { sizeBytes, ...call }: UploadOptions = {}): Promise<Upload> {
    return await retrying(
      () => (photo instanceof Blob ? this.#upload(photo, {}, call) : this.#stream(photo, sizeBytes, call)),
      call.retry ?? failFast,
      call.signal,
    );
  }

  /** Deletes an upload; succeeds if it is already gone. @throws ApiError */
  async deleteUpload(id: string, call: CallOptions = {}): Promise<void> {
    const { status, json } = await this.#request(`/uploads/${id}`, call, { method: 'DELETE' });
    if (status !== 204 && status !== 404) throw ApiError.from(json, status, this.url);
  }

  /**
   * Downloads the file of a signed link. The link contains the API's public address; the request goes to this client's address instead.
   * @throws ApiError, EXPIRED once the file is deleted
   */
  async download(link: string, { signal, retry = failFast, timeoutMs = this.#transport.transferMs }: CallOptions = {}) {
    const { pathname, search } = new URL(link);
    const path = pathname.slice(pathname.search(/\/(videos|posters|previews)\//)) + search;
    return await retrying(() => this.#transport.open(path, { timeoutMs, signal, actAs: null }), retry, signal);
  }

  /**
   * Yields the job's states from now until it has finished, across broken connections, and null after each failed try while the API does
   * not respond. Subscribes over WebSocket, and polls over HTTP where that fails.
   * @throws ApiError NOT_FOUND if the job is deleted, or the error at which the policy gives up; the reason of the signal
   */
  async *follow(id: string, { signal, retry = failFast, pollMs }: FollowOptions): AsyncGenerator<Job | null> {
    for (const setbacks = new Setbacks(retry); ;) {
      signal?.throwIfAborted();
      try {
        for await (const { job } of this.progress(id, signal)) {
          setbacks.succeed();
          yield job;
          if (isTerminal(job)) return;
        }
      } catch (error) {
        if (hasCode(error, 'NOT_FOUND')) throw error; // the request below reports any other error
      }
      signal?.throwIfAborted();
      const [job, error] = await this.job(id, { signal }).then(
        (found) => [found, null] as const,
        (thrown: unknown) => [undefined, thrown] as const,
      );
      if (job === null) throw new ApiError('NOT_FOUND', 'The job has been deleted.');
      if (job === undefined) {
        signal?.throwIfAborted();
        const waitMs = setbacks.fail(error);
        yield null;
        await pause(waitMs, signal);
        continue;
      }
      setbacks.succeed();
      yield job;
      if (isTerminal(job)) return;
      await pause(pollMs, signal);
    }
  }

  /** The job's progress over one subscription. @throws ApiError, UNREACHABLE if the socket breaks */
  async *progress(id: string, signal?: AbortSignal): AsyncGenerator<JobProgress> {
    for await (const data of this.#transport.subscribe(DOCUMENTS.jobProgress, { id }, this.#actAs, signal)) {
      yield RESULT_SCHEMAS.jobProgress.parse(data).jobProgress;
    }
  }

  /** Executes one of the documents and returns its data. @throws ApiError */
  async query<N extends keyof typeof DOCUMENTS>(name: N, variables: Variables[N], call: CallOptions = {}): Promise<ResultOf<N>> {
    return await retrying(
      async () => {
        const { status, json } = await this.#send('/graphql', call, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ query: DOCUMENTS[name], variables }),
        });
        const { data, errors } = (json ?? {}) as { data?: unknown; errors?: unknown };
        if (errors !== undefined || data == null) throw ApiError.from(json, status, this.url);
        return RESULT_SCHEMAS[name].parse(data) as ResultOf<N>;
      },
      call.retry ?? failFast,
      call.signal,
    );
  }

  /** Closes the socket and ends every subscription on it. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #request(path: string, call: CallOptions, init: Init = {}): Promise<{ status: number; json: unknown }> {
    return await retrying(() => this.#send(path, call, init), call.retry ?? failFast, call.signal);
  }

  async #send(path: string, { signal, timeoutMs = this.#transport.requestMs }: CallOptions, init: Init) {
    return await this.#transport.request(path, { ...init, timeoutMs, signal, actAs: this.#actAs });
  }

  async #upload(body: Body, headers: Readonly<Record<string, string>>, call: CallOptions): Promise<Upload> {
    const { status, json } = await this.#send(
      '/uploads',
      { timeoutMs: this.#transport.transferMs, ...call },
      { method: 'POST', headers: { 'Content-Type': 'application/octet-stream', ...headers }, body },
    );
    if (status === 201) return Upload.parse(json);
    throw ApiError.from(json, status, this.url);
  }

  async #stream(open: Exclude<PhotoSource, Blob>, sizeBytes: number | undefined, call: CallOptions): Promise<Upload> {
    let readError: unknown;
    const chunks = (async function* read() {
      try {
        yield* await open();
      } catch (error) {
        readError = error;
        throw error;
      }
    })();
    try {
      return await this.#upload(streamOf(chunks), sizeBytes === undefined ? {} : { 'Content-Length': String(sizeBytes) }, call);
    } catch (error) {
      call.signal?.throwIfAborted();
      throw readError ?? error;
    } finally {
      void chunks.return(undefined).catch(() => {}); // not awaited: a read may be in progress
    }
  }
}

/** ReadableStream.from, which not every browser has. Reads nothing in advance. */
function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
