import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Pool, type ClientConfig } from 'pg';
import type { BusMessage, ProgressBus } from '../../jobs/ports/bus.ts';
import type { Log } from '../../jobs/ports/log.ts';
import { encodeMessage, Subscribers, type Listener } from './subscribers.ts';
import { withDeadline } from '../../process/deadline.ts';
import { reporter } from '../connection.ts';

/** Longest wait for a reply, in milliseconds. */
const REPLY_TIMEOUT_MS = 1900;
/** Interval at which the listening connection is checked; without a reply within `REPLY_TIMEOUT_MS` it is replaced. */
const CHECK_EVERY_MS = 10_000;

/** A listening connection; `lost` settles when it ends. */
interface Listening {
  readonly client: Client;
  readonly lost: Promise<void>;
}

/**
 * A bus on LISTEN/NOTIFY. All topics share one channel, since a connection that listens to thousands of channels makes every NOTIFY slow. A
 * notification consists of the topic, a line break and the message.
 */
export class PostgresBus implements ProgressBus {
  readonly #channel: string;
  readonly #connection: ClientConfig;
  readonly #subscribers: Subscribers;
  readonly #report: (error: unknown) => void;
  readonly #publisher: Pool;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #listening: Promise<Listening>;

  constructor(connectionString: string, prefix: string, log: Log) {
    this.#channel = `${prefix}_bus`;
    this.#connection = {
      connectionString,
      keepAlive: true,
      connectionTimeoutMillis: REPLY_TIMEOUT_MS,
      query_timeout: REPLY_TIMEOUT_MS,
      application_name: this.#channel,
    };
    this.#subscribers = new Subscribers(log);
    this.#report = reporter(log, 'bus');
    // One connection, so that messages are sent in the order of the calls.
    this.#publisher = new Pool({ ...this.#connection, max: 1 });
    this.#publisher.on('error', this.#report);
    this.#listening = this.#listen();
    this.#loop = this.#keepListening();
  }

  async publish(topic: string, message: BusMessage): Promise<void> {
    await this.#query(`SELECT pg_notify($1, $2)`, [this.#channel, `${topic}\n${encodeMessage(message)}`]);
  }

  async subscribe(topic: string, listener: Listener): Promise<() => Promise<void>> {
    const remove = this.#subscribers.add(topic, listener);
    await withDeadline(this.#listening, REPLY_TIMEOUT_MS, 'not listening').catch(() => {});
    return async () => remove();
  }

  async ping(): Promise<void> {
    await Promise.all([this.#query('SELECT 1', []), withDeadline(this.#listening, REPLY_TIMEOUT_MS, 'the bus did not answer')]);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#subscribers.clear();
    await withDeadline(Promise.all([this.#publisher.end(), this.#loop]), REPLY_TIMEOUT_MS, 'the bus did not close').catch(this.#report);
  }

  async #query(text: string, values: string[]): Promise<void> {
    await withDeadline(this.#publisher.query(text, values), REPLY_TIMEOUT_MS, 'the bus did not answer');
  }

  async #listen(): Promise<Listening> {
    const client = new Client(this.#connection);
    const lost = new Promise<void>((resolve) => {
      client.once('end', resolve);
      client.on('error', (error) => {
        if (!this.#closing.signal.aborted) this.#report(error);
        resolve();
      });
    });
    client.on('notification', ({ payload = '' }) => {
      const end = payload.indexOf('\n');
      this.#subscribers.dispatch(payload.slice(0, end), payload.slice(end + 1));
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${client.escapeIdentifier(this.#channel)}`);
      return { client, lost };
    } catch (error) {
      void client.end().catch(() => {});
      throw error;
    }
  }

  /** Keeps one connection listening; a lost one is replaced after 0.1 s, 0.2 s and so on, at most 1 s. */
  async #keepListening(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const { client, lost } = await this.#listening;
        failures = 0;
        await this.#watch(client, lost);
        await withDeadline(client.end(), REPLY_TIMEOUT_MS, 'the connection did not close');
      } catch (error) {
        if (!signal.aborted) this.#report(error);
      }
      await sleep(Math.min(100 * (failures + 1), 1000), null, { signal }).catch(() => {});
      if (signal.aborted) return;
      this.#listening = this.#listen();
    }
  }

  /** Returns when the connection is lost or does not reply, or when the bus is closed. */
  async #watch(client: Client, lost: Promise<void>): Promise<void> {
    const ended = new AbortController();
    const stop = (): void => ended.abort();
    this.#closing.signal.addEventListener('abort', stop, { once: true });
    if (this.#closing.signal.aborted) stop();
    void lost.then(stop);
    try {
      while (!ended.signal.aborted) {
        await sleep(CHECK_EVERY_MS, null, { signal: ended.signal }).catch(() => {});
        if (!ended.signal.aborted) await client.query('SELECT 1');
      }
    } catch (error) {
      this.#report(error);
    } finally {
      this.#closing.signal.removeEventListener('abort', stop);
    }
  }
}
