import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openQueue } from '../../../src/infra/queue/queue.ts';
import { describeBackends, openSockets } from '../../support/backends.ts';
import { startCompiled } from '../../support/compiled.ts';
import { consume, DONE, EMPTY, held, queueOpener } from '../../support/queues.ts';
import { eventually } from '../../support/waiting.ts';

/** Entries of dead workers are given away after a second. */
const SOON = { stalledSeconds: 1 };

describeBackends('render queue under faults', (backend) => {
  const open = queueOpener(backend);

  it('delivers the entry of a killed worker to another one, repeatedly', async () => {
    const queue = open(backend.settings(), SOON);
    const id = randomUUID();
    await queue.enqueue('PREVIEW', id);
    for (let deaths = 0; deaths < 2; deaths++) {
      const worker = await startCompiled('test/support/queue-worker.ts', { ...backend.settings(), ...SOON });
      try {
        expect(await worker.message(() => true)).toEqual({ took: id });
      } finally {
        await worker.kill();
      }
    }
    const { taken } = await consume(queue);
    await eventually(() => expect(taken).toEqual([id]));
    await eventually(async () => expect(await queue.counts('PREVIEW')).toEqual(EMPTY));
  });

  it('keeps an entry with its handler for much longer than the stalled time', async () => {
    const stalled = { stalledSeconds: 3 };
    const queue = open(backend.settings(), stalled);
    const id = randomUUID();
    const { work, end } = held();
    const signals: AbortSignal[] = [];
    const first = await consume(queue, ({ signal }) => {
      signals.push(signal);
      return work;
    });
    await queue.enqueue('PREVIEW', id);
    await eventually(() => expect(first.taken).toEqual([id]));
    const second = await consume(open(backend.settings(), stalled));
    await sleep(7_500);
    end();
    await eventually(async () => expect(await queue.state('PREVIEW', id)).toBe('missing'));
    expect([first.taken, second.taken]).toEqual([[id], []]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });

  it('aborts the signal of a worker that has lost its connection and its entry', async () => {
    const { wire, settings } = await backend.wired();
    const id = randomUUID();
    const { work, end } = held({ then: 'again', delayMs: 0 });
    const signals: AbortSignal[] = [];
    const lost = await consume(open(settings, SOON), ({ signal }) => {
      signals.push(signal);
      return work;
    });
    const queue = open(backend.settings(), SOON);
    await queue.enqueue('PREVIEW', id);
    await eventually(() => expect(lost.taken).toEqual([id]));
    await lost.consumer.pause();
    wire.freeze();
    const other = await consume(queue);
    await eventually(() => expect(other.taken).toEqual([id]));
    wire.mend();
    await eventually(() => expect(signals.map(({ aborted }) => aborted)).toEqual([true]));
    end();
    await lost.consumer.close();
    expect(await queue.state('PREVIEW', id)).toBe('missing');
    expect(other.taken).toEqual([id]);
  });

  it.each(['cut', 'freeze'] as const)('rejects while the connection is down (%s), and recovers afterwards', async (away) => {
    const { wire, settings } = await backend.wired();
    const queue = open(settings);
    const [before, during, after] = [randomUUID(), randomUUID(), randomUUID()];
    const { taken } = await consume(queue);
    await queue.enqueue('PREVIEW', before);
    await eventually(async () => expect([taken, await queue.state('PREVIEW', before)]).toEqual([[before], 'missing']));

    wire[away]();
    const answers = await Promise.allSettled([
      queue.enqueue('PREVIEW', during),
      queue.state('PREVIEW', before),
      queue.counts('PREVIEW'),
      queue.remove('PREVIEW', during),
      queue.ping(),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));

    wire.mend();
    await eventually(() => queue.ping());
    await queue.enqueue('PREVIEW', after);
    await eventually(() => expect(taken).toEqual([before, after]));
  });

  it('connects when the server starts later', async () => {
    const { wire, settings } = await backend.wired();
    wire.cut();
    const queue = open(settings);
    const id = randomUUID();
    const { taken } = await consume(queue);
    await expect(queue.ping()).rejects.toBeInstanceOf(Error);
    wire.mend();
    await eventually(() => queue.enqueue('PREVIEW', id));
    await eventually(() => expect(taken).toEqual([id]));
  });

  it('acknowledges an entry whose handler ends while the connection is down', async () => {
    const { wire, settings } = await backend.wired();
    const queue = open(settings);
    const id = randomUUID();
    const { work, end } = held({ then: 'again', delayMs: 0 });
    const { taken } = await consume(queue, async () => (taken.length === 1 ? work : DONE));
    await queue.enqueue('PREVIEW', id);
    await eventually(() => expect(taken).toEqual([id]));
    wire.cut();
    end();
    await sleep(200);
    wire.mend();
    await eventually(() => expect(taken).toEqual([id, id]));
    await eventually(async () => expect(await queue.counts('PREVIEW')).toEqual(EMPTY));
  });

  it('leaves no connection open when it closes, whether the server is reachable or not', async () => {
    const { wire, settings } = await backend.wired();
    const theWire = 1;
    await eventually(() => expect(openSockets()).toBe(theWire));
    const reachable = openQueue({ ...backend.settings(), stalledSeconds: 1 });
    const unreachable = openQueue({ ...settings, stalledSeconds: 1 });
    for (const queue of [reachable, unreachable]) {
      const { taken } = await consume(queue);
      await queue.enqueue('PREVIEW', 'probe');
      await eventually(async () => expect(await queue.counts('PREVIEW')).toEqual(EMPTY));
      await queue.consume('SVD_XT', async () => DONE);
      expect(taken.length).toBeLessThanOrEqual(1);
    }
    expect(openSockets()).toBeGreaterThan(theWire);
    wire.cut();
    await Promise.all([reachable.close(), unreachable.close()]);
    await eventually(() => expect(openSockets()).toBe(theWire));
    await expect(reachable.enqueue('PREVIEW', randomUUID())).rejects.toThrow('closed');
  });
});
