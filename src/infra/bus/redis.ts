import type { Redis } from 'ioredis';
import type { BusMessage, ProgressBus } from '../../jobs/ports/bus.ts';
import type { Log } from '../../jobs/ports/log.ts';
import { encodeMessage, Subscribers, type Listener } from './subscribers.ts';
import { reporter, withDeadline } from '../connection.ts';
import { Gate } from '../gate.ts';
import { connectRedis } from '../redis.ts';

/** Longest wait for an answer, in milliseconds. */
const ANSWER_MS = 1900;
/** How often the subscribing connection is asked for a sign of life; without one for 4 s it is replaced. */
const BEAT_MS = 10_000;
/** Topics in one SUBSCRIBE command. */
const BATCH = 500;

/** Redis pub/sub: a channel a topic, one connection to publish and one to listen. */
export class RedisBus implements ProgressBus {
  readonly #channelPrefix: string;
  readonly #subscribers: Subscribers;
  readonly #report: (error: unknown) => void;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #beat: NodeJS.Timeout;
  /** Open while there is a connection on which all topics are subscribed. */
  readonly #subscribed = new Gate();

  constructor(url: string, prefix: string, log: Log) {
    this.#channelPrefix = `${prefix}:bus:`;
    this.#subscribers = new Subscribers(log);
    this.#report = reporter(log, 'bus');
    const connectionName = `${prefix}_bus`;
    this.#publisher = connectRedis(url, this.#report, { connectionName });
    // What is subscribed follows `#subscribers`, not what ioredis remembers.
    this.#subscriber = connectRedis(url, this.#report, { connectionName, autoResubscribe: false });
    this.#subscriber.on('message', (channel: string, text: string) =>
      this.#subscribers.dispatch(channel.slice(this.#channelPrefix.length), text),
    );
    this.#subscribed.shut();
    this.#subscriber.on('close', () => this.#subscribed.shut());
    this.#subscriber.on('ready', () => void this.#send('subscribe', this.#subscribers.topics).then(() => this.#subscribed.open()));
    this.#beat = setInterval(() => void this.#subscriber.ping().catch(this.#report), BEAT_MS).unref();
  }

  async publish(topic: string, message: BusMessage): Promise<void> {
    await withDeadline(this.#publisher.publish(this.#channelPrefix + topic, encodeMessage(message)), ANSWER_MS, 'the bus did not answer');
  }

  async subscribe(topic: string, listener: Listener): Promise<() => Promise<void>> {
    const known = this.#subscribers.has(topic);
    const remove = this.#subscribers.add(topic, listener);
    if (!known) void this.#send('subscribe', [topic]);
    // Answers come in order: when the ping is answered, the topic is subscribed, be it by this call or an earlier one.
    await withDeadline(
      this.#subscribed.passed().then(() => this.#subscriber.ping()),
      ANSWER_MS,
      'the bus did not answer',
    ).catch(() => {});
    return async () => {
      remove();
      if (!this.#subscribers.has(topic)) await this.#send('unsubscribe', [topic]);
    };
  }

  async ping(): Promise<void> {
    await withDeadline(Promise.all([this.#publisher.ping(), this.#subscriber.ping()]), ANSWER_MS, 'the bus did not answer');
  }

  async close(): Promise<void> {
    clearInterval(this.#beat);
    this.#subscribers.clear();
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
  }

  /** Never rejects: while Redis is away nothing is sent, and all topics are subscribed anew on its return. */
  async #send(command: 'subscribe' | 'unsubscribe', topics: string[]): Promise<void> {
    const channels = topics.map((topic) => this.#channelPrefix + topic);
    const batches: Promise<unknown>[] = [];
    for (let start = 0; start < channels.length; start += BATCH) {
      if (this.#subscriber.status !== 'ready') break;
      batches.push(this.#subscriber[command](...channels.slice(start, start + BATCH)));
    }
    await Promise.all(batches).catch(this.#report);
  }
}
