/** The API as the bot uses it: with the bot's timeouts and retries, cached options, and on behalf of Telegram users. */
import { WebSocket } from 'ws';
import { ApiClient, type CreateJobInput, type Job, type Options } from '../src/client/client.ts';
import { hasCode } from '../src/client/error.ts';
import type { RetryPolicy } from '../src/client/retry.ts';

/** The API's owner for a Telegram user. */
export const ownerOf = (userId: number): string => `telegram:${userId}`;

/** What to render. The API's defaults apply to what is left out. */
export interface Choice {
  readonly durationSeconds?: number;
  readonly resolution?: string;
  readonly motion?: string;
  readonly fit?: string;
}

export type CreateInput = CreateJobInput;

export interface ApiSettings {
  /** Without a trailing slash. */
  readonly url: string;
  /** Secret of an API key with act-as. */
  readonly key: string;
  /** Delay before another try to follow a job, in milliseconds. */
  readonly retryMs: number;
  /** Aborts everything in progress. */
  readonly signal: AbortSignal;
  /** Called when the API becomes unreachable, and when it responds again. */
  readonly onReachability?: (isReachable: boolean) => void;
}

/** Owner for requests whose result is the same for every owner. */
const NEUTRAL_OWNER = 'telegram:examples';
const REQUEST_MS = 10_000;
const DELETE_MS = 60_000;
const OPTIONS_MS = 30_000;
const TRANSFER_MS = 600_000;
/** Failed status requests in a row, while the API responds, before a job is given up. The job itself continues regardless. */
const MAX_FAILURES = 20;

export class BotApi {
  readonly #client: ApiClient;
  readonly #retryMs: number;
  #options: { readonly loaded: Promise<Options>; readonly until: number } | null = null;

  constructor({ url, key, retryMs, signal, onReachability }: ApiSettings) {
    this.#retryMs = retryMs;
    this.#client = ApiClient.create({
      url,
      key,
      webSocket: WebSocket,
      signal,
      requestMs: REQUEST_MS,
      transferMs: TRANSFER_MS,
      onReachability: (problem) => onReachability?.(problem === null),
    });
  }

  /** The API on behalf of `owner`. */
  as(owner: string): ApiClient {
    return this.#client.as(owner);
  }

  /** Everything that can be requested, at most 30 seconds old. @throws ApiError */
  async options(): Promise<Options> {
    if (!this.#options || Date.now() > this.#options.until) {
      const loaded = this.#client.options();
      this.#options = { loaded, until: Date.now() + OPTIONS_MS };
      loaded.catch(() => (this.#options = null));
    }
    return await this.#options.loaded;
  }

  /** Cancels a job; one that has already finished stays as it is. @throws ApiError, NOT_FOUND among others */
  async cancelJob(owner: string, id: string): Promise<void> {
    await this.as(owner)
      .cancelJob(id)
      .catch((error: unknown) => {
        if (!hasCode(error, 'NOT_CANCELLABLE')) throw error;
      });
  }

  /** Deletes everything the owner has; returns the number of deleted jobs. @throws ApiError */
  async deleteMyData(owner: string): Promise<number> {
    return await this.as(owner).deleteMyData({ timeoutMs: DELETE_MS });
  }

  /**
   * Streams a photo to the API; returns the id of the upload.
   * @throws ApiError, OWNER_LIMIT while the owner has too many uploads; errors of `open` unchanged; the reason of `quit`
   */
  async upload(owner: string, open: () => Promise<AsyncIterable<Uint8Array>>, quit?: AbortSignal): Promise<string> {
    return (await this.as(owner).upload(open, { signal: quit })).id;
  }

  /** Downloads the file of a signed link. @throws ApiError, EXPIRED once the file is deleted */
  async download(link: string, quit?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    return await this.#client.download(link, { signal: quit });
  }

  /**
   * Yields the job's states from now until it has finished, however long the API is unreachable, and null while it is.
   * @throws ApiError NOT_FOUND if the job is deleted, and others that no retry resolves; the reason of `signal`
   */
  follow(owner: string, id: string, signal: AbortSignal): AsyncGenerator<Job | null> {
    const retry: RetryPolicy = ({ error, tries }) => (error.isOutage || (error.isTransient && tries < MAX_FAILURES) ? this.#retryMs : null);
    return this.as(owner).follow(id, { signal, retry, pollMs: this.#retryMs });
  }

  /** @throws ApiError unless the API responds and the key may act for other owners */
  async ping(): Promise<void> {
    await this.as(NEUTRAL_OWNER).options();
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
