/** The API as the bot uses it: GraphQL over HTTP, uploads, downloads and the follow-up of jobs, always in the name of one person. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ANSWERS, isOver, Upload, type Answer, type Job, type JobPage, type Options } from './answers.ts';
import { DOCUMENTS, type DocumentName } from './documents.ts';
import { ApiError, hasCode } from './error.ts';
import { JobSocket } from './socket.ts';

/** The owner that a Telegram user is to the API. */
export const ownerOf = (userId: number): string => `telegram:${userId}`;

/** What to render; what is left out is the API's to choose. */
export interface Choice {
  readonly durationSeconds?: number;
  readonly resolution?: string;
  readonly motion?: string;
  readonly fit?: string;
}

export interface CreateInput extends Choice {
  readonly image: { readonly uploadId: string } | { readonly jobId: string };
  /** Makes it safe to ask twice. */
  readonly idempotencyKey: string;
  readonly engine?: string;
  readonly seed?: number;
}

export interface ApiSettings {
  /** Without a slash at its end. */
  readonly url: string;
  /** A key with act-as. */
  readonly key: string;
  /** Wait before a follow-up that broke is taken up again, in milliseconds. */
  readonly retryMs: number;
  /** Aborts everything under way. */
  readonly signal: AbortSignal;
  /** Called when the API begins not to answer, and when it does again. */
  readonly onAway?: (isAway: boolean) => void;
}

/** Somebody to ask for where only the answer counts. */
const ANYBODY = 'telegram:examples';
const REQUEST_MS = 10_000;
const DELETE_MS = 60_000;
const OPTIONS_MS = 30_000;
/** A stream that stops for good ends with its connection; this is for one that trickles. */
const TRANSFER_MS = 600_000;
/** A job that was created goes on whatever goes wrong with a question about it: so many are asked in vain before it is given up. */
const MOST_FAILURES = 20;

export class ApiClient {
  readonly #settings: ApiSettings;
  readonly #socket: JobSocket;
  #isAway = false;
  #options: { readonly answer: Promise<Options>; readonly until: number } | null = null;

  constructor(settings: ApiSettings) {
    this.#settings = settings;
    this.#socket = new JobSocket(settings.url, settings.key);
  }

  /** What can be asked for; half a minute old at most. @throws ApiError */
  async options(): Promise<Options> {
    if (!this.#options || Date.now() > this.#options.until) {
      const answer = this.#ask('options', {}, null).then(({ options }) => options);
      this.#options = { answer, until: Date.now() + OPTIONS_MS };
      answer.catch(() => (this.#options = null));
    }
    return await this.#options.answer;
  }

  /** Null if the owner has no such job. @throws ApiError */
  async job(owner: string, id: string): Promise<Job | null> {
    return (await this.#ask('job', { id }, owner)).job;
  }

  /** The owner's jobs, newest first. @throws ApiError */
  async jobs(owner: string, first: number, after: string | null): Promise<JobPage> {
    return (await this.#ask('jobs', { first, after }, owner)).jobs;
  }

  /** @throws ApiError */
  async createJob(owner: string, input: CreateInput): Promise<Job> {
    return (await this.#ask('createJob', { input }, owner)).createJob;
  }

  /** The job as it is now; one that was over before stays as it was. @throws ApiError NOT_FOUND and others */
  async cancelJob(owner: string, id: string): Promise<void> {
    await this.#ask('cancelJob', { id }, owner).catch((error: unknown) => {
      if (!hasCode(error, 'NOT_CANCELLABLE')) throw error;
    });
  }

  /** @throws ApiError NOT_FOUND and others */
  async deleteJob(owner: string, id: string): Promise<void> {
    await this.#ask('deleteJob', { id }, owner);
  }

  /** Deletes everything of the owner's; how many jobs that were. @throws ApiError */
  async deleteMyData(owner: string): Promise<number> {
    return (await this.#ask('deleteMyData', {}, owner, DELETE_MS)).deleteMyData;
  }

  /**
   * Streams a photo to the API; the upload's id.
   * @param open called once the API listens; what it opens is read to its end or closed
   * @param quit ends the upload
   * @throws ApiError, UPLOAD_LIMIT among others; errors of opening and reading the photo as they are; the reason of `quit`
   */
  async upload(owner: string, open: () => Promise<AsyncIterable<Uint8Array>>, quit?: AbortSignal): Promise<string> {
    let broken: unknown;
    const photo = (async function* read() {
      try {
        yield* await open();
      } catch (error) {
        broken = error;
        throw error;
      }
    })();
    try {
      const { status, json } = await this.#fetch(
        '/uploads',
        TRANSFER_MS,
        {
          method: 'POST',
          headers: { ...this.#headers(owner), 'Content-Type': 'application/octet-stream' },
          body: ReadableStream.from(photo),
          duplex: 'half',
        },
        quit,
      );
      if (status === 201) return Upload.parse(json).id;
      const refusal = ApiError.from(json, status);
      throw refusal.code === 'OWNER_LIMIT' ? new ApiError('UPLOAD_LIMIT', refusal.message, refusal) : refusal;
    } catch (error) {
      quit?.throwIfAborted();
      throw broken ?? error;
    } finally {
      void photo.return(undefined).catch(() => {}); // not waited for: it may be in the middle of a read
    }
  }

  /** Deletes an upload that nothing more is to be made of; fine if it is gone. @throws ApiError */
  async deleteUpload(owner: string, id: string): Promise<void> {
    const { status, json } = await this.#fetch(`/uploads/${id}`, REQUEST_MS, { method: 'DELETE', headers: this.#headers(owner) });
    if (status !== 204 && status !== 404) throw ApiError.from(json, status);
  }

  /**
   * The bytes behind a signed link of the API. Its host is what the world calls the API; we go where we reach it.
   * @param quit ends the download
   * @throws ApiError EXPIRED once the file is gone, and others
   */
  async download(link: string, quit?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const { pathname, search } = new URL(link);
    const path = pathname.slice(pathname.search(/\/(videos|posters)\//)) + search;
    const signal = AbortSignal.any([this.#settings.signal, AbortSignal.timeout(TRANSFER_MS), ...(quit ? [quit] : [])]);
    const response = await fetch(this.#settings.url + path, { signal }).catch((error: unknown) =>
      Promise.reject(ApiError.unreachable(error)),
    );
    if (!response.ok || !response.body) throw ApiError.from(await response.json().catch(() => null), response.status);
    return response.body;
  }

  /**
   * The job's states from now to its end, however often connections break meanwhile; null while the API is away. Where no socket can be
   * had, the job is asked for over HTTP.
   * @throws ApiError NOT_FOUND if it is deleted, and what does not pass; the reason of `signal` when that is aborted
   */
  async *follow(owner: string, id: string, signal: AbortSignal): AsyncGenerator<Job | null> {
    for (let failures = 0; ;) {
      signal.throwIfAborted();
      try {
        for await (const job of this.#socket.follow(owner, id, signal)) {
          failures = 0;
          yield job;
          if (isOver(job)) return;
        }
      } catch (error) {
        if (hasCode(error, 'NOT_FOUND')) throw error; // the rest is for HTTP to show
      }
      signal.throwIfAborted();
      const job = await this.job(owner, id).catch((error: unknown) => {
        if (error instanceof ApiError && (error.isAway || (error.isTransient && ++failures < MOST_FAILURES))) return undefined;
        throw error;
      });
      if (job) failures = 0;
      if (job === null) throw new ApiError('NOT_FOUND', 'The job has been deleted.');
      yield job ?? null;
      if (job && isOver(job)) return;
      await sleep(this.#settings.retryMs, undefined, { signal });
    }
  }

  /** @throws ApiError unless our API answers and lets the key act for others */
  async ping(): Promise<void> {
    await this.#ask('options', {}, ANYBODY);
  }

  async close(): Promise<void> {
    await this.#socket.close();
  }

  async #ask<N extends DocumentName>(name: N, variables: object, owner: string | null, timeoutMs = REQUEST_MS): Promise<Answer<N>> {
    const { status, json } = await this.#fetch('/graphql', timeoutMs, {
      method: 'POST',
      headers: { ...this.#headers(owner), 'Content-Type': 'application/json' },
      body: JSON.stringify({ query: DOCUMENTS[name], variables }),
    });
    const { data, errors } = (json ?? {}) as { data?: unknown; errors?: unknown };
    if (errors !== undefined || data == null) throw ApiError.from(json, status);
    return ANSWERS[name].parse(data) as Answer<N>;
  }

  async #fetch(path: string, timeoutMs: number, init: RequestInit, quit?: AbortSignal): Promise<{ status: number; json: unknown }> {
    const signal = AbortSignal.any([this.#settings.signal, AbortSignal.timeout(timeoutMs), ...(quit ? [quit] : [])]);
    try {
      const response = await fetch(this.#settings.url + path, { ...init, signal });
      const json: unknown = await response.json().catch(() => null);
      this.#note(false);
      return { status: response.status, json };
    } catch (error) {
      if (!this.#settings.signal.aborted && !quit?.aborted) this.#note(true);
      throw ApiError.unreachable(error);
    }
  }

  #note(isAway: boolean): void {
    if (isAway !== this.#isAway) this.#settings.onAway?.(isAway);
    this.#isAway = isAway;
  }

  #headers(owner: string | null): Record<string, string> {
    return { Authorization: `Bearer ${this.#settings.key}`, ...(owner === null ? {} : { 'X-Act-As': owner }) };
  }
}
