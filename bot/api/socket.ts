/** The bot's one WebSocket to the API, shared by everybody it follows jobs for. */
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import { ANSWERS, type Job } from './answers.ts';
import { DOCUMENTS } from './documents.ts';
import { ApiError } from './error.ts';

/** A socket that says nothing is asked for a sign of life this often, and dropped if it gives none for as long. */
const KEEP_ALIVE_MS = 10_000;

export class JobSocket {
  readonly #client: Client;

  constructor(url: string, key: string) {
    let overdue: NodeJS.Timeout | undefined;
    this.#client = createClient({
      url: `${url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { Authorization: `Bearer ${key}` },
      connectionAckWaitTimeout: KEEP_ALIVE_MS,
      keepAlive: KEEP_ALIVE_MS,
      // Whoever follows a job comes back by himself, and is told the present state then.
      retryAttempts: 0,
      on: {
        ping: (received) => {
          if (!received) overdue = setTimeout(() => this.#client.terminate(), KEEP_ALIVE_MS).unref();
        },
        message: () => clearTimeout(overdue),
        closed: () => clearTimeout(overdue),
      },
    });
  }

  /**
   * The job's present state and every later one, until and with its end, or until the socket breaks.
   * @param owner whose job it is
   * @throws ApiError NOT_FOUND if it is not there (any more) or not theirs; UNREACHABLE when the socket breaks
   */
  async *follow(owner: string, id: string, signal: AbortSignal): AsyncGenerator<Job> {
    const events = this.#client.iterate({ query: DOCUMENTS.jobProgress, variables: { id }, extensions: { actAs: owner } });
    const leave = () => void events.return?.();
    signal.addEventListener('abort', leave, { once: true });
    try {
      for await (const { data, errors } of events) {
        if (errors) throw ApiError.from({ errors }, 200);
        yield ANSWERS.jobProgress.parse(data).jobProgress.job;
      }
    } catch (error) {
      // An array: GraphQL's errors. Anything else has to do with the socket.
      if (Array.isArray(error)) throw ApiError.from({ errors: error as unknown[] }, 200);
      throw error instanceof ApiError ? error : ApiError.unreachable(error);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  async close(): Promise<void> {
    await this.#client.dispose();
  }
}
