/** Sends a client's HTTP requests and holds its WebSocket. Knows nothing of GraphQL documents. */
import { createClient, type Client } from 'graphql-ws';
import { ApiError } from './error.ts';

export interface TransportOptions {
  /** Address of the API, without a trailing slash. */
  readonly url: string;
  /** Secret of an API key. */
  readonly key?: string;
  /** The WebSocket class; the global one unless given. Node.js has none before version 22. */
  readonly webSocket?: unknown;
  /** Aborts everything in progress. */
  readonly signal?: AbortSignal;
  /** How long a request that carries no file may take, in milliseconds; 30 s unless given. */
  readonly requestMs?: number;
  /** How long an upload or a download may take, in milliseconds; unlimited unless given. */
  readonly transferMs?: number;
  /** Called with the error when the API becomes unreachable, and with null when it responds again. */
  readonly onReachability?: (problem: ApiError | null) => void;
}

export type Body = string | Blob | ReadableStream<Uint8Array>;

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  readonly timeoutMs: number | undefined;
  /** The owner on whose behalf the request is made; null for the key's own. */
  readonly actAs: string | null;
  readonly signal: AbortSignal | undefined;
}

/** Interval of pings on an idle socket, and the timeout for their replies. */
const KEEP_ALIVE_MS = 10_000;
const REQUEST_MS = 30_000;

export class Transport {
  readonly url: string;
  readonly requestMs: number;
  readonly transferMs: number | undefined;
  readonly #options: TransportOptions;
  #socket: Client | null = null;
  #isReachable = true;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.url = options.url;
    this.requestMs = options.requestMs ?? REQUEST_MS;
    this.transferMs = options.transferMs;
  }

  /**
   * The response of the API, or of a proxy in front of it, with its body parsed.
   * @throws ApiError UNREACHABLE if there is none; the reason of `signal`
   */
  async request(path: string, options: RequestOptions): Promise<{ readonly status: number; readonly json: unknown }> {
    try {
      const response = await this.#fetch(path, options);
      const text = await response.text();
      this.#noteReachability(null);
      return { status: response.status, json: parse(text) };
    } catch (error) {
      throw this.#failure(error, options.signal);
    }
  }

  /**
   * The body of a response with a status below 400, unread.
   * @throws ApiError; the reason of `signal`
   */
  async open(path: string, options: RequestOptions): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#fetch(path, options).catch((error: unknown) => {
      throw this.#failure(error, options.signal);
    });
    this.#noteReachability(null);
    if (response.ok && response.body) return response.body as ReadableStream<Uint8Array>;
    throw ApiError.from(parse(await response.text().catch(() => '')), response.status, this.url);
  }

  /**
   * The results of a subscription, to its end or until the socket breaks. All subscriptions share one socket.
   * @throws ApiError, UNREACHABLE if the socket breaks
   */
  async *subscribe(
    query: string,
    variables: Record<string, unknown>,
    actAs: string | null,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<unknown> {
    this.#socket ??= this.#connect();
    const events = this.#socket.iterate({ query, variables, ...(actAs === null ? {} : { extensions: { actAs } }) });
    const unsubscribe = () => void events.return?.();
    const signals = [signal, this.#options.signal].filter((each) => each !== undefined);
    for (const each of signals) each.addEventListener('abort', unsubscribe, { once: true });
    try {
      for (const each of signals) each.throwIfAborted();
      for await (const { data, errors } of events) {
        if (errors) throw ApiError.from({ errors }, 200, this.url);
        this.#noteReachability(null);
        yield data;
      }
    } catch (error) {
      // GraphQL errors come as an array; anything else concerns the socket.
      if (Array.isArray(error)) throw ApiError.from({ errors: error as unknown[] }, 200, this.url);
      throw error instanceof ApiError ? error : ApiError.unreachable(this.url, error);
    } finally {
      for (const each of signals) each.removeEventListener('abort', unsubscribe);
    }
  }

  async close(): Promise<void> {
    await this.#socket?.dispose();
  }

  async #fetch(path: string, { method, headers, body, timeoutMs, actAs, signal }: RequestOptions): Promise<Response> {
    const signals = [this.#options.signal, signal, timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)];
    const init = {
      method: method ?? 'GET',
      headers: { ...headers, ...this.#authorization(), ...(actAs === null ? {} : { 'X-Act-As': actAs }) },
      signal: AbortSignal.any(signals.filter((each) => each !== undefined)),
      // Required by fetch for a body that is a stream.
      ...(body === undefined ? {} : { body, duplex: 'half' as const }),
    };
    return await fetch(this.url + path, init);
  }

  #failure(error: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    const unreachable = ApiError.unreachable(this.url, error);
    if (!this.#options.signal?.aborted) this.#noteReachability(unreachable);
    return unreachable;
  }

  #noteReachability(problem: ApiError | null): void {
    if (this.#isReachable !== (problem === null)) this.#options.onReachability?.(problem);
    this.#isReachable = problem === null;
  }

  #authorization(): Record<string, string> {
    return this.#options.key === undefined ? {} : { Authorization: `Bearer ${this.#options.key}` };
  }

  #connect(): Client {
    let overdue: ReturnType<typeof setTimeout> | undefined;
    const client = createClient({
      url: `${this.url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: this.#options.webSocket,
      connectionParams: this.#authorization(),
      connectionAckWaitTimeout: KEEP_ALIVE_MS,
      keepAlive: KEEP_ALIVE_MS,
      // `ApiClient.follow` subscribes again, and then receives the current state.
      retryAttempts: 0,
      on: {
        ping: (received) => {
          if (!received) overdue = setTimeout(() => client.terminate(), KEEP_ALIVE_MS);
        },
        message: () => clearTimeout(overdue),
        closed: () => clearTimeout(overdue),
      },
    });
    return client;
  }
}

/** JSON as a value; undefined for anything else. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
