/** A client of the API, as anybody could write one: uploads over HTTP, GraphQL over HTTP and WebSocket, downloads by link. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { isErrorCode, type ErrorAdvice } from '../../jobs/errors.ts';
import { isTerminal } from '../../jobs/job.ts';
import { Failure } from '../failure.ts';
import { Answer, GraphQLErrors, HttpError, isOurs, JOB_FIELDS, JobView, parse, Progress, Upload } from './answers.ts';
import type { RequestedVideo } from './arguments.ts';

export interface CreateInput extends RequestedVideo {
  readonly image: { readonly uploadId: string };
  readonly clientRef: string;
  readonly idempotencyKey: string;
}

/** Told of a lost connection (why), and of its return (null). */
export type OnTrouble = (reason: string | null) => void;

/** How long an API may be out of reach before it is given up. */
const PATIENCE_MS = 60_000;
const REQUEST_MS = 30_000;
const RETRY_MS = 1_000;
/** A socket that says nothing is asked for a sign of life this often, and dropped if it gives none for as long. */
const KEEP_ALIVE_MS = 10_000;

export class ApiClient {
  readonly url: string;
  readonly #key: string | undefined;
  readonly #onTrouble: OnTrouble;

  /** @param url without a slash at its end */
  constructor(url: string, key: string | undefined, onTrouble: OnTrouble) {
    this.url = url;
    this.#key = key;
    this.#onTrouble = onTrouble;
  }

  /** @throws Failure UNREACHABLE if nothing like our API answers there */
  async greet(signal: AbortSignal): Promise<void> {
    const answer = await this.#request('/healthz', { signal, patienceMs: 0 });
    if (!z.object({ instance: z.string() }).safeParse(answer.body).success) {
      throw new Failure('UNREACHABLE', `What answers at ${this.url} is not this program's API.`, { retry: 'NEVER' });
    }
  }

  /** Streams the photo there. @throws Failure with the API's code */
  async upload(file: string, signal: AbortSignal): Promise<z.infer<typeof Upload>> {
    const { size } = await stat(file);
    const { body } = await this.#request('/uploads', {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': String(size) },
      open: () => createReadStream(file),
      signal,
      patienceMs: PATIENCE_MS,
    });
    return Upload.parse(body);
  }

  /** Safe to repeat, thanks to its key; so it is, while the API is out of reach. */
  async createJob(input: CreateInput, signal: AbortSignal): Promise<JobView> {
    const data = await this.#query(`mutation ($input: CreateJobInput!) { createJob(input: $input) { ${JOB_FIELDS} } }`, { input }, signal);
    return JobView.parse(data['createJob']);
  }

  /** Gives up soon: whoever cancels wants to leave. */
  async cancelJob(id: string): Promise<void> {
    await this.#query('mutation ($id: ID!) { cancelJob(id: $id) { id } }', { id }, AbortSignal.timeout(3_000), 0);
  }

  /** The caller's newest jobs that are not at their end. */
  async activeJobs(): Promise<JobView[]> {
    const data = await this.#query(
      `{ jobs(first: 100, filter: { statuses: [QUEUED, PROCESSING, RETRYING] }) { nodes { ${JOB_FIELDS} } } }`,
      {},
      AbortSignal.timeout(3_000),
      0,
    );
    return z.object({ nodes: z.array(JobView) }).parse(data['jobs']).nodes;
  }

  /**
   * The job's states from now to its end. A lost socket is replaced; meanwhile, and where no socket can be had, the job is asked for
   * over HTTP.
   * @throws Failure NOT_FOUND if it is deleted, UNREACHABLE if the API stays away for a minute
   */
  async *follow(id: string, signal: AbortSignal): AsyncGenerator<JobView> {
    for (;;) {
      try {
        for await (const job of this.#subscribe(id, signal)) {
          this.#onTrouble(null);
          yield job;
          if (isTerminal(job.status)) return;
        }
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof Failure) throw error;
      }
      const job = await this.#job(id, signal);
      yield job;
      if (isTerminal(job.status)) return;
      await sleep(RETRY_MS, undefined, { signal });
    }
  }

  /** The bytes behind a link of the API. Its host is what the world calls the API; we go where we reach it. */
  async download(link: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const url = this.url + link.slice(link.lastIndexOf('/videos/'));
    return await this.#patiently(PATIENCE_MS, signal, async () => {
      const response = await fetch(url, { signal });
      if (response.ok && response.body) return response.body;
      throw this.#refusal(response.status, parse(await textOf(response)));
    });
  }

  async #job(id: string, signal: AbortSignal): Promise<JobView> {
    const data = await this.#query(`query ($id: ID!) { job(id: $id) { ${JOB_FIELDS} } }`, { id }, signal);
    if (data['job'] === null)
      throw new Failure('NOT_FOUND', 'The job has been deleted.', { hint: 'Start it again if that was not meant.' });
    return JobView.parse(data['job']);
  }

  async *#subscribe(id: string, signal: AbortSignal): AsyncGenerator<JobView> {
    let overdue: NodeJS.Timeout | undefined;
    const client = createClient({
      url: `${this.url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: this.#headers(),
      connectionAckWaitTimeout: KEEP_ALIVE_MS,
      keepAlive: KEEP_ALIVE_MS,
      retryAttempts: 0,
      on: {
        ping: (received) => {
          if (!received) overdue = setTimeout(() => client.terminate(), KEEP_ALIVE_MS);
        },
        message: () => clearTimeout(overdue),
      },
    });
    const leave = () => client.terminate();
    signal.addEventListener('abort', leave);
    try {
      signal.throwIfAborted();
      for await (const { data, errors } of client.iterate({
        query: `subscription ($id: ID!) { jobProgress(id: $id) { job { ${JOB_FIELDS} } } }`,
        variables: { id },
      })) {
        if (errors) throw this.#refusal(0, { errors });
        yield Progress.parse(data).jobProgress.job;
      }
    } catch (error) {
      // An array: GraphQL's errors. Anything else has to do with the socket.
      throw Array.isArray(error) ? this.#refusal(0, { errors: error }) : error;
    } finally {
      clearTimeout(overdue);
      signal.removeEventListener('abort', leave);
      await client.dispose();
    }
  }

  async #query(query: string, variables: object, signal: AbortSignal, patienceMs = PATIENCE_MS): Promise<Record<string, unknown>> {
    const { status, body } = await this.#request('/graphql', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      open: () => JSON.stringify({ query, variables }),
      signal,
      patienceMs,
      timeoutMs: REQUEST_MS,
    });
    const answer = Answer.safeParse(body);
    if (answer.success && answer.data.data && !answer.data.errors) return answer.data.data;
    throw this.#refusal(status, body);
  }

  /** One request, repeated for `patienceMs` while the API is out of reach. */
  async #request(
    path: string,
    { open, signal, patienceMs, timeoutMs, ...init }: RequestOptions,
  ): Promise<{ status: number; body: unknown }> {
    return await this.#patiently(patienceMs, signal, async () => {
      const body = open?.();
      const response = await fetch(this.url + path, {
        ...init,
        headers: { ...init.headers, ...this.#headers() },
        ...(body === undefined ? {} : { body, duplex: 'half' as const }),
        signal: timeoutMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      const text = await textOf(response);
      if (!response.ok && path !== '/graphql') throw this.#refusal(response.status, parse(text));
      return { status: response.status, body: parse(text) };
    });
  }

  /** Repeats `work` for `patienceMs` while it fails with anything but a Failure: the API is out of reach then. */
  async #patiently<T>(patienceMs: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (const end = Date.now() + patienceMs; ; await sleep(RETRY_MS, undefined, { signal })) {
      signal.throwIfAborted();
      try {
        const result = await work();
        this.#onTrouble(null);
        return result;
      } catch (error) {
        signal.throwIfAborted();
        const failure = error instanceof Failure ? error : this.#unreachable(error);
        if (failure === error || Date.now() >= end) throw failure;
        this.#onTrouble(failure.message);
      }
    }
  }

  #headers(): Record<string, string> {
    return this.#key === undefined ? {} : { Authorization: `Bearer ${this.#key}` };
  }

  #unreachable(error: unknown): Failure {
    return new Failure('UNREACHABLE', `The API at ${this.url} cannot be reached: ${reason(error)}.`, { cause: error });
  }

  /** What the API's own words mean for us. */
  #refusal(status: number, body: unknown): Failure {
    const [graphql] = GraphQLErrors.safeParse(body).data?.errors ?? [];
    const said = graphql ? { message: graphql.message, ...graphql.extensions } : HttpError.safeParse(body).data?.error;
    if (said === undefined) {
      return new Failure('UNREACHABLE', `What answers at ${this.url} is not this program's API (status ${status}).`, { retry: 'NEVER' });
    }
    if (said.code === 'UNAUTHENTICATED') {
      const hint = 'Give a valid secret with --api-key.';
      return new Failure(
        'UNAUTHENTICATED',
        this.#key === undefined ? `The API at ${this.url} wants an API key.` : `The API at ${this.url} does not accept this API key.`,
        { hint },
      );
    }
    return refused(said);
  }
}

/** A refusal in the API's own words; the command line's hint where it has one. */
function refused({ code, message, fault, retry, hint }: { code?: string; message: string } & Partial<ErrorAdvice>): Failure {
  if (isErrorCode(code)) return new Failure(code, message, { ...(fault && { fault }), ...(retry && { retry }) });
  return new Failure('INTERNAL', message, { ...(hint && { hint }), ...(fault && { fault }), ...(retry && { retry }) });
}

interface RequestOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** The body, anew for every try. */
  readonly open?: () => string | ReturnType<typeof createReadStream>;
  readonly signal: AbortSignal;
  readonly patienceMs: number;
  readonly timeoutMs?: number;
}

/** @throws Error if it comes from what stands before an API, and says so while the API restarts */
async function textOf(response: Response): Promise<string> {
  const text = await response.text();
  if ([502, 503, 504].includes(response.status) && !isOurs(text)) throw new Error(`it answers ${response.status}`);
  return text;
}

/** fetch hides the reason in a cause, or in several. */
function reason(error: unknown): string {
  const { cause, message, name } = error as Error & { cause?: unknown };
  if (name === 'TimeoutError') return 'no answer in time';
  if (cause instanceof AggregateError) return reason({ cause: cause.errors[0] as unknown });
  if (cause instanceof Error) return (cause as NodeJS.ErrnoException).code ?? cause.message;
  return message;
}
