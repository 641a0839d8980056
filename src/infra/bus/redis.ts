import type { Redis } from 'ioredis';
import type { BusMessage, ProgressBus } from '../../jobs/ports/bus.ts';
import type { Log } from '../../jobs/ports/log.ts';
import { encodeMessage, Subscribers, type Listener } from './subscribers.ts';
import { withDeadline } from '../../process/deadline.ts';
import { reporter } from '../connection.ts';
import { Gate } from '../gate.ts';
import { connectRedis } from '../redis.ts';

/** Longest wait for a reply, in milliseconds. */
const REPLY_TIMEOUT_MS = 1900;
/** Interval at which the subscribing connection is checked; without a reply within 4 s it is replaced. */
const CHECK_EVERY_MS = 10_000;
/** Topics in one SUBSCRIBE command. */
const BATCH = 500;

/** A bus on Redis pub/sub: one channel per topic, one connection to publish and one to subscribe. */
export class RedisBus implements ProgressBus {
  readonly #channelPrefix: string;
  readonly #subscribers: Subscribers;
  readonly #report: (error: unknown) => void;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #checking: NodeJS.Timeout;
  /** Open while all topics are subscribed on a live connection. */
  readonly #subscribed = new Gate();

  constructor(url: string, prefix: string, log: Log) {
    this.#channelPrefix = `${prefix}:bus:`;
    this.#subscribers = new Subscribers(log);
    this.#report = reporter(log, 'bus');
    const connectionName = `${prefix}_bus`;
    this.#publisher = connectRedis(url, this.#report, { connectionName });
    // Subscriptions are restored from `#subscribers`, not by ioredis.
    this.#subscriber = connectRedis(url, this.#report, { connectionName, autoResubscribe: false });
    this.#subscriber.on('message', (channel: string, text: string) =>
      this.#subscribers.dispatch(channel.slice(this.#channelPrefix.length), text),
    );
    this.#subscribed.shut();
    this.#subscriber.on('close', () => this.#subscribed.shut());
    this.#subscriber.on('ready', () => void this.#send('subscribe', this.#subscribers.topics).then(() => this.#subscribed.open()));
    this.#checking = setInterval(() => void this.#subscriber.ping().catch(this.#report), CHECK_EVERY_MS).unref();
  }

  async publish(topic: string, message: BusMessage): Promise<void> {
    await withDeadline(
      this.#publisher.publish(this.#channelPrefix + topic, encodeMessage(message)),
      REPLY_TIMEOUT_MS,
      'the bus did not answer',
    );
  }

  async subscribe(topic: string, listener: Listener): Promise<() => Promise<void>> {
    const known = this.#subscribers.has(topic);
    const remove = this.#subscribers.add(topic, listener);
    if (!known) void this.#send('subscribe', [topic]);
    // Replies arrive in order: after the reply to the ping, the topic is subscribed, by this call or an earlier one.
    await withDeadline(
      this.#subscribed.passed().then(() => this.#subscriber.ping()),
      REPLY_TIMEOUT_MS,
      'the bus did not answer',
    ).catch(() => {});
    return async () => {
      remove();
      if (!this.#subscribers.has(topic)) await this.#send('unsubscribe', [topic]);
    };
  }

  async ping(): Promise<void> {
    await withDeadline(Promise.all([this.#publisher.ping(), this.#subscriber.ping()]), REPLY_TIMEOUT_MS, 'the bus did not answer');
  }

  async close(): Promise<void> {
    clearInterval(this.#checking);
    this.#subscribers.clear();
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
  }

  /** Never rejects: while Redis is unreachable nothing is sent, and all topics are subscribed again when it returns. */
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
