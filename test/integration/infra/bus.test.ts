import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { openBus, type BusSettings } from '../../../src/infra/bus/bus.ts';
import { Latest } from '../../../src/api/progress/latest.ts';
import type { BusMessage, ProgressBus } from '../../../src/jobs/ports/bus.ts';
import { describeBackends, openSockets, type Backend, type BackendSettings } from '../../support/backends.ts';
import { startCompiled } from '../../support/compiled.ts';
import { redisUrl } from '../../support/redis.ts';
import { eventually } from '../../support/waiting.ts';
import { openWire } from '../../support/wire.ts';

const buses: ProgressBus[] = [];
const open = (settings: BackendSettings, more: Partial<BusSettings> = {}): ProgressBus => {
  const bus = openBus({ ...settings, ...more });
  buses.push(bus);
  return bus;
};
afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.close()));
});

/** Subscribes and remembers what comes, from some moment on. */
const listen = async (bus: ProgressBus, topic: string) => {
  const messages: BusMessage[] = [];
  const unsubscribe = await bus.subscribe(topic, (message) => messages.push(message));
  return { messages, unsubscribe };
};

/** As `listen`, from now on. */
const collect = async (bus: ProgressBus, topic: string) => {
  await eventually(() => bus.ping());
  return await listen(bus, topic);
};

/** Publishes until it arrives: while a connection comes back, messages may be lost. */
const publishUntil = (bus: ProgressBus, topic: string, messages: BusMessage[]): Promise<void> =>
  eventually(async () => {
    await bus.publish(topic, { probe: true });
    expect(messages.at(-1)).toEqual({ probe: true });
  });

/** Has the server end the connections of an installation's buses, and returns how many there were. */
async function endConnections(backend: Backend): Promise<number> {
  const name = `${backend.settings().prefix}_bus`;
  if (backend.name === 'Redis') {
    const redis = new Redis(backend.url);
    const clients = String(await redis.call('CLIENT', 'LIST'))
      .split('\n')
      .filter((line) => line.includes(` name=${name} `));
    await Promise.all(clients.map((line) => redis.call('CLIENT', 'KILL', 'ID', /^id=(\d+)/.exec(line)?.[1] ?? '')));
    redis.disconnect();
    return clients.length;
  }
  const client = new Client(backend.url);
  await client.connect();
  const { rowCount } = await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [name]);
  await client.end();
  return rowCount ?? 0;
}

describeBackends('progress bus', (backend) => {
  it('delivers a message to all subscribers of its topic in all instances, and to no other', async () => {
    const [one, two] = [open(backend.settings()), open(backend.settings())];
    const here = await collect(one, 'job:a');
    const hereToo = await collect(one, 'job:a');
    const there = await collect(two, 'job:a');
    const other = await collect(two, 'job:b');
    const message = { revision: 7, done: false, name: 'Zoë – "1"', nothing: null };
    await one.publish('job:a', message);
    await one.publish('job:b', { last: true });
    await eventually(() => expect(other.messages).toEqual([{ last: true }]));
    for (const { messages } of [here, hereToo, there]) await eventually(() => expect(messages).toEqual([message]));
  });

  it('exchanges messages with other processes', async () => {
    const bus = open(backend.settings());
    const child = await startCompiled('test/support/bus-echo.ts', backend.settings());
    try {
      await child.message((message) => message === 'listening');
      const { messages } = await collect(bus, 'echo');
      for (let n = 0; n < 3; n++) await bus.publish('call', { n });
      await eventually(() => expect(messages).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]));
    } finally {
      await child.kill();
    }
  });

  it('delivers messages of one topic in order', async () => {
    const [sender, receiver] = [open(backend.settings()), open(backend.settings())];
    const topics = ['job:a', 'job:b', 'job:c'];
    const received = await Promise.all(topics.map((topic) => collect(receiver, topic)));
    const numbers = Array.from({ length: 200 }, (_, n) => ({ n }));
    await Promise.all(numbers.flatMap((message) => topics.map((topic) => sender.publish(topic, message))));
    for (const { messages } of received) await eventually(() => expect(messages).toEqual(numbers));
  });

  it('stops delivering to a subscriber that has unsubscribed, and continues with the others', async () => {
    const bus = open(backend.settings());
    const [leaving, staying] = [await collect(bus, 'job:a'), await collect(bus, 'job:a')];
    await leaving.unsubscribe();
    await leaving.unsubscribe();
    await bus.publish('job:a', { n: 1 });
    await eventually(() => expect(staying.messages).toEqual([{ n: 1 }]));
    await staying.unsubscribe();
    const again = await collect(bus, 'job:a');
    await bus.publish('job:a', { n: 2 });
    await eventually(() => expect(again.messages).toEqual([{ n: 2 }]));
    expect(leaving.messages).toEqual([]);
    expect(staying.messages).toEqual([{ n: 1 }]);
  });

  it('logs the error of a listener and continues with the others', async () => {
    const errors: object[] = [];
    const bus = open(backend.settings(), { log: { info: () => {}, warn: () => {}, error: (details) => errors.push(details) } });
    await bus.subscribe('job:a', () => {
      throw new Error('bad listener');
    });
    const { messages } = await collect(bus, 'job:a');
    await bus.publish('job:a', { n: 1 });
    await bus.publish('job:a', { n: 2 });
    await eventually(() => expect(messages).toEqual([{ n: 1 }, { n: 2 }]));
    expect(errors).toMatchObject([{ topic: 'job:a', err: { message: 'bad listener' } }, { topic: 'job:a' }]);
  });

  it('keeps thousands of topics separate', async () => {
    const [sender, receiver] = [open(backend.settings()), open(backend.settings())];
    const count = 3000;
    const heard = new Map<number, unknown[]>();
    const unsubscribes = await Promise.all(
      Array.from({ length: count }, (_, topic) =>
        receiver.subscribe(`job:${topic}`, ({ n }) => heard.set(topic, [...(heard.get(topic) ?? []), n])),
      ),
    );
    for (let first = 0; first < count; first += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => sender.publish(`job:${first + i}`, { n: first + i })));
    }
    await eventually(() => expect(heard.size).toBe(count));
    expect([...heard].every(([topic, numbers]) => numbers.length === 1 && numbers[0] === topic)).toBe(true);

    await Promise.all(unsubscribes.map((unsubscribe) => unsubscribe()));
    const last = await collect(receiver, 'last');
    await sender.publish('job:1', { n: -1 });
    await sender.publish('last', { n: 0 });
    await eventually(() => expect(last.messages).toEqual([{ n: 0 }]));
    expect(heard.get(1)).toEqual([1]);
  });

  it('keeps only the latest message for a slow reader', async () => {
    const bus = open(backend.settings());
    const { messages } = await collect(bus, 'job:a');
    const latest = new Latest<BusMessage>(await bus.subscribe('job:a', (message) => latest.push(message)));
    await Promise.all(Array.from({ length: 200 }, (_, n) => bus.publish('job:a', { n })));
    await eventually(() => expect(messages).toHaveLength(200));
    expect(await latest.next()).toEqual({ value: { n: 199 }, done: false });
    await latest.return();
    await bus.publish('job:a', { n: 200 });
    await eventually(() => expect(messages).toHaveLength(201));
    expect(await latest.next()).toEqual({ value: undefined, done: true });
  });

  it('accepts a message of 7000 bytes and rejects a larger one', async () => {
    const bus = open(backend.settings());
    const { messages } = await collect(bus, 'job:a');
    const largest = { text: 'é'.repeat((7000 - '{"text":""}'.length - 1) / 2) };
    await bus.publish('job:a', largest);
    await eventually(() => expect(messages).toEqual([largest]));
    await expect(bus.publish('job:a', { text: `${largest.text}éé` })).rejects.toThrow('too large');
  });

  it('delivers every message once after the server has closed its connections', async () => {
    const [sender, receiver] = [open(backend.settings()), open(backend.settings())];
    const a = await collect(receiver, 'job:a');
    const b = await collect(receiver, 'job:b');
    await sender.publish('job:a', { early: true });
    expect(await endConnections(backend)).toBeGreaterThanOrEqual(2);
    await publishUntil(sender, 'job:a', a.messages);
    await publishUntil(sender, 'job:b', b.messages);
    await sender.publish('job:a', { n: 1 });
    await sender.publish('job:b', { n: 2 });
    const told = () => [a, b].map(({ messages }) => messages.filter((message) => 'n' in message));
    await eventually(() => expect(told()).toEqual([[{ n: 1 }], [{ n: 2 }]]));
  });

  it.each(['cut', 'freeze'] as const)(
    'rejects while the connection is down (%s), accepts subscribers, and delivers to all when it is restored',
    async (away) => {
      const { wire, settings } = await backend.wired();
      const bus = open(settings);
      const before = await collect(bus, 'job:before');
      await bus.ping();

      wire[away]();
      const answers = await Promise.allSettled([bus.publish('job:before', { n: 0 }), bus.ping()]);
      expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      const during = await listen(bus, 'job:during');
      const left = await listen(bus, 'job:left');
      await left.unsubscribe();

      wire.mend();
      await publishUntil(bus, 'job:during', during.messages);
      await publishUntil(bus, 'job:before', before.messages);
      await bus.ping();
      await bus.publish('job:left', { n: 1 });
      await publishUntil(bus, 'job:before', before.messages);
      expect(left.messages).toEqual([]);
    },
  );

  it('connects when the server starts later', async () => {
    const { wire, settings } = await backend.wired();
    wire.cut();
    const bus = open(settings);
    const { messages } = await listen(bus, 'job:a');
    await expect(bus.publish('job:a', { n: 0 })).rejects.toBeInstanceOf(Error);
    wire.mend();
    await publishUntil(bus, 'job:a', messages);
  });

  it('leaves no connection open when it closes, whether the server is reachable or not', async () => {
    const { wire, settings } = await backend.wired();
    const theWire = 1;
    await eventually(() => expect(openSockets()).toBe(theWire));
    const [reachable, unreachable] = [openBus(backend.settings()), openBus(settings)];
    for (const bus of [reachable, unreachable]) {
      const { messages } = await collect(bus, 'job:a');
      await publishUntil(bus, 'job:a', messages);
    }
    expect(openSockets()).toBeGreaterThan(theWire);
    wire.cut();
    await Promise.all([reachable.close(), unreachable.close()]);
    await eventually(() => expect(openSockets()).toBe(theWire));
    await expect(reachable.publish('job:a', { n: 1 })).rejects.toThrow(/closed|end/);
  });
});

describe.skipIf(!redisUrl())('progress bus with its own Redis', () => {
  it('recovers after Redis has been killed and restarted', async () => {
    // A free port: the wire's own address, given up again.
    const placeholder = await openWire('redis://127.0.0.1:1');
    await placeholder.close();
    const { port } = new URL(placeholder.url);
    const start = async () => {
      const server = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
        stdio: 'ignore',
      });
      await eventually(() => promisify(execFile)('redis-cli', ['-p', port, 'ping']));
      return server;
    };
    const first = await start();
    const bus = open({ redisUrl: `redis://127.0.0.1:${port}`, databaseUrl: '', prefix: 'own' });
    const { messages } = await collect(bus, 'job:a');
    await publishUntil(bus, 'job:a', messages);
    first.kill('SIGKILL');
    await once(first, 'exit');
    await expect(bus.publish('job:a', { n: 1 })).rejects.toBeInstanceOf(Error);
    const second = await start();
    try {
      const heard = messages.length;
      await eventually(async () => {
        await bus.publish('job:a', { n: 2 });
        expect(messages.length).toBeGreaterThan(heard);
      });
    } finally {
      second.kill('SIGKILL');
      await once(second, 'exit');
    }
  });
});
