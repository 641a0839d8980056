import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { postgresBackend, redisBackend } from '../../../src/infra/queue/backend.ts';
import type { HandlerOutcome } from '../../../src/jobs/ports/queue.ts';
import { describeBackends } from '../../support/backends.ts';
import { consume, DONE, EMPTY, held, queueOpener } from '../../support/queues.ts';
import { eventually } from '../../support/waiting.ts';

describeBackends('render queue', (backend) => {
  const open = queueOpener(backend);

  it('delivers an entry once and keeps nothing of it', async () => {
    const queue = open();
    const id = randomUUID();
    const { taken } = await consume(queue);
    await queue.enqueue('PREVIEW', id);
    await eventually(() => expect(taken).toEqual([id]));
    await eventually(async () => expect(await queue.state('PREVIEW', id)).toBe('missing'));
    expect(await queue.counts('PREVIEW')).toEqual(EMPTY);
    expect(taken).toEqual([id]);
  });

  it('keeps one entry per job when it is enqueued again in any state', async () => {
    const queue = open();
    const [waiting, delayed] = [randomUUID(), randomUUID()];
    await Promise.all(Array.from({ length: 5 }, () => queue.enqueue('PREVIEW', waiting)));
    await queue.enqueue('PREVIEW', delayed, 60_000);
    await queue.enqueue('PREVIEW', delayed);
    expect(await queue.counts('PREVIEW')).toEqual({ waiting: 1, delayed: 1, active: 0 });

    const { work, end } = held();
    const { taken } = await consume(queue, () => work);
    await eventually(() => expect(taken).toEqual([waiting]));
    await queue.enqueue('PREVIEW', waiting);
    expect(await queue.counts('PREVIEW')).toEqual({ waiting: 0, delayed: 1, active: 1 });
    end();
    await eventually(async () => expect(await queue.state('PREVIEW', waiting)).toBe('missing'));
    expect(taken).toEqual([waiting]);
  });

  it('accepts a job again after its entry was handled', async () => {
    const queue = open();
    const id = randomUUID();
    const { taken } = await consume(queue);
    for (const times of [1, 2, 3]) {
      await queue.enqueue('PREVIEW', id);
      await eventually(async () => expect(await queue.state('PREVIEW', id)).toBe('missing'));
      expect(taken).toHaveLength(times);
    }
  });

  it('delivers entries one at a time, first in, first out', async () => {
    const queue = open();
    const ids = Array.from({ length: 6 }, () => randomUUID());
    for (const id of ids) await queue.enqueue('PREVIEW', id);
    let running = 0;
    let most = 0;
    const { taken } = await consume(queue, async () => {
      most = Math.max(most, ++running);
      await sleep(10);
      running--;
      return DONE;
    });
    await eventually(() => expect(taken).toEqual(ids));
    expect(most).toBe(1);
  });

  it('delivers each entry to one of several consumers', async () => {
    const queue = open();
    const ids = Array.from({ length: 20 }, () => randomUUID());
    const consumers = [await consume(queue), await consume(open()), await consume(queue)];
    await Promise.all(ids.map((id) => queue.enqueue('PREVIEW', id)));
    await eventually(() => expect(consumers.flatMap(({ taken }) => taken).toSorted()).toEqual(ids.toSorted()));
  });

  it('keeps the queues of engines separate', async () => {
    const queue = open();
    const id = randomUUID();
    const { taken } = await consume(queue);
    await queue.enqueue('SVD_XT', id);
    await queue.enqueue('PREVIEW', 'probe');
    await eventually(() => expect(taken).toEqual(['probe']));
    expect(await queue.state('SVD_XT', id)).toBe('waiting');
  });

  it('keeps installations separate', async () => {
    const queue = open();
    const other = open({ ...backend.settings(), prefix: 'another' });
    const id = randomUUID();
    await queue.enqueue('PREVIEW', id);
    expect(await other.state('PREVIEW', id)).toBe('missing');
    expect(await other.counts('PREVIEW')).toEqual(EMPTY);
  });

  it('delivers later entries before a delayed one', async () => {
    const queue = open();
    const [late, soon] = [randomUUID(), randomUUID()];
    const { taken } = await consume(queue);
    await queue.enqueue('PREVIEW', late, 3_000);
    expect(await queue.state('PREVIEW', late)).toBe('delayed');
    await queue.enqueue('PREVIEW', soon);
    await eventually(() => expect(taken).toEqual([soon, late]));
  });

  it('delivers an entry again when the handler returns it', async () => {
    const queue = open();
    const id = randomUUID();
    const outcomes: HandlerOutcome[] = [{ then: 'again', delayMs: 3_000 }, { then: 'again', delayMs: 0 }, DONE];
    const { taken } = await consume(queue, async () => outcomes.shift() ?? DONE);
    await queue.enqueue('PREVIEW', id);
    await eventually(async () => expect(await queue.state('PREVIEW', id)).toBe('delayed'));
    await eventually(async () => expect(await queue.state('PREVIEW', id)).toBe('missing'));
    expect(taken).toEqual([id, id, id]);
  });

  it('delivers a returned entry before later ones', async () => {
    const queue = open();
    const ids = Array.from({ length: 4 }, () => randomUUID());
    for (const id of ids) await queue.enqueue('PREVIEW', id);
    const { taken } = await consume(queue, async () => (taken.length === 1 ? { then: 'again', delayMs: 0 } : DONE));
    await eventually(() => expect(taken).toEqual([ids[0], ...ids]));
    await eventually(async () => expect(await queue.counts('PREVIEW')).toEqual(EMPTY));
  });

  it('delivers the entry that a closing consumer returned next', async () => {
    const queue = open();
    const ids = Array.from({ length: 3 }, () => randomUUID());
    const { work, end } = held({ then: 'again', delayMs: 0 });
    const first = await consume(queue, () => work);
    for (const id of ids) await queue.enqueue('PREVIEW', id);
    await eventually(() => expect(first.taken).toEqual([ids[0]]));
    const closing = first.consumer.close();
    end();
    await closing;
    const { taken } = await consume(queue);
    await eventually(() => expect(taken).toEqual(ids));
  });

  it('delivers an entry again when its handler rejects, and logs the error', async () => {
    const errors: object[] = [];
    const queue = open(backend.settings(), { log: { info: () => {}, warn: () => {}, error: (details) => errors.push(details) } });
    const id = randomUUID();
    const { taken } = await consume(queue, async () => {
      if (taken.length === 1) throw new Error('no luck');
      return DONE;
    });
    await queue.enqueue('PREVIEW', id);
    await eventually(async () => expect(await queue.state('PREVIEW', id)).toBe('delayed'));
    await eventually(() => expect(taken).toEqual([id, id]));
    expect(errors).toMatchObject([{ jobId: id, err: { message: 'no luck' } }]);
  });

  it('takes no entry while it is paused, and finishes the current one', async () => {
    const queue = open();
    const [inHand, next, later] = [randomUUID(), randomUUID(), randomUUID()];
    const { work, end } = held();
    const { taken, consumer } = await consume(queue, () => work);
    await queue.enqueue('PREVIEW', inHand);
    await eventually(() => expect(taken).toEqual([inHand]));
    await queue.enqueue('PREVIEW', next);
    await consumer.pause();
    end();
    await eventually(async () => expect(await queue.state('PREVIEW', inHand)).toBe('missing'));
    expect(await queue.state('PREVIEW', next)).toBe('waiting');

    const other = await consume(queue);
    await queue.enqueue('PREVIEW', later);
    await eventually(() => expect(other.taken).toEqual([next, later]));
    expect(taken).toEqual([inHand]);
  });

  it('takes no entry when it is paused while waiting for one', async () => {
    const queue = open();
    const [probe, id] = [randomUUID(), randomUUID()];
    const { taken, consumer } = await consume(queue);
    await queue.enqueue('PREVIEW', probe);
    await eventually(async () => expect(await queue.state('PREVIEW', probe)).toBe('missing'));
    await consumer.pause();
    await queue.enqueue('PREVIEW', id);
    await sleep(300);
    await eventually(async () => expect(await queue.state('PREVIEW', id)).toBe('waiting'));
    expect(taken).toEqual([probe]);
    consumer.resume();
    await eventually(() => expect(taken).toEqual([probe, id]));
  });

  it('removes waiting and delayed entries, but not one that is being handled', async () => {
    const queue = open();
    const [active, waiting, delayed] = [randomUUID(), randomUUID(), randomUUID()];
    const { work, end } = held();
    const { taken } = await consume(queue, () => work);
    await queue.enqueue('PREVIEW', active);
    await eventually(() => expect(taken).toEqual([active]));
    await queue.enqueue('PREVIEW', waiting);
    await queue.enqueue('PREVIEW', delayed, 60_000);
    expect(await queue.counts('PREVIEW')).toEqual({ waiting: 1, delayed: 1, active: 1 });

    for (const id of [active, waiting, delayed, randomUUID()]) await queue.remove('PREVIEW', id);
    const states = await Promise.all([active, waiting, delayed].map((id) => queue.state('PREVIEW', id)));
    expect(states).toEqual(['active', 'missing', 'missing']);
    end();
    await eventually(async () => expect(await queue.counts('PREVIEW')).toEqual(EMPTY));
    expect(taken).toEqual([active]);
  });

  it('removes an entry that BullMQ has failed, so that the job can be enqueued again', async () => {
    const { redisUrl, databaseUrl, prefix } = backend.settings();
    const raw = redisUrl ? redisBackend(redisUrl, prefix, () => {}) : postgresBackend(databaseUrl, prefix);
    const bullQueue = raw.queue('PREVIEW', () => {});
    const bullWorker = raw.worker('PREVIEW', 1000, () => {});
    const id = randomUUID();
    try {
      await bullQueue.waitUntilReady();
      await bullQueue.add('PREVIEW', {}, { jobId: id });
      const entry = await bullWorker.getNextJob('token');
      await entry.moveToFailed(new Error('given up'), 'token', false);
    } finally {
      await Promise.all([bullWorker.close(true), bullQueue.close()]);
      await raw.close();
    }

    const queue = open();
    await queue.enqueue('PREVIEW', id);
    expect(await queue.state('PREVIEW', id)).toBe('missing');
    await queue.enqueue('PREVIEW', id);
    expect(await queue.state('PREVIEW', id)).toBe('waiting');
  });

  it('closes a consumer after its current entry, and leaves the others in the queue', async () => {
    const queue = open();
    const [inHand, next] = [randomUUID(), randomUUID()];
    const { work, end } = held();
    const { taken, consumer } = await consume(queue, () => work);
    await queue.enqueue('PREVIEW', inHand);
    await eventually(() => expect(taken).toEqual([inHand]));
    await queue.enqueue('PREVIEW', next);
    let closed = false;
    const closing = consumer.close().then(() => (closed = true));
    await sleep(100);
    expect(closed).toBe(false);
    end();
    await closing;
    expect(await queue.state('PREVIEW', inHand)).toBe('missing');
    expect(await queue.state('PREVIEW', next)).toBe('waiting');
  });

  it('reports when a consumer last took or finished an entry', async () => {
    const queue = open();
    const { work, end } = held();
    const { taken, consumer } = await consume(queue, () => work);
    const opened = consumer.lastActiveAt.getTime();
    await sleep(20);
    await queue.enqueue('PREVIEW', randomUUID());
    await eventually(() => expect(taken).toHaveLength(1));
    const took = consumer.lastActiveAt.getTime();
    await sleep(20);
    end();
    await eventually(() => expect(consumer.lastActiveAt.getTime()).toBeGreaterThan(took));
    expect(took).toBeGreaterThan(opened);
  });
});
