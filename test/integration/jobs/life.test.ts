import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisUrl } from '../../support/redis.ts';
import { Stack, type JobView, type ProgressView } from '../../support/stack.ts';
import { rendererOf } from '../../support/processes.ts';
import { eventually, until } from '../../support/waiting.ts';

const isRendering = ({ job }: ProgressView) => job.stage === 'RENDERING' && (job.step ?? 0) > 2;

/** Takes some seconds, so that there is something to interrupt. */
const LONG = { resolution: 'P720', durationSeconds: 12 };

const TRANSPORTS = [
  { transport: 'PostgreSQL', redis: false },
  { transport: 'Redis', redis: true },
];

describe.each(TRANSPORTS)('a job', ({ transport, redis }) => {
  describe.skipIf(redis && !redisUrl())(`with queue and bus on ${transport}`, () => {
    let stack: Stack;
    beforeAll(async () => {
      stack = await Stack.start({ redis, statesKept: true, environment: { SHUTDOWN_GRACE_SECONDS: '0.1' } });
    });
    afterAll(async () => {
      await stack?.stop();
    });

    /** A job whose first attempt is slowed down and is rendering; a restarted renderer has its usual speed. */
    const createSlowly = async (): Promise<JobView> => {
      await stack.brakeRenderer();
      const job = await stack.create();
      await stack.follow(job.id, isRendering);
      return job;
    };

    it('is rendered to the video that its result describes, and a subscriber receives every step in order', async () => {
      const job = await stack.create({ motion: 'PAN_L' });
      const events = await stack.follow(job.id);
      const end = events.at(-1)!.job;
      expect(end).toMatchObject({
        status: 'COMPLETED',
        percent: 100,
        stage: null,
        attempt: 1,
        error: null,
        queuePosition: null,
        estimatedSecondsRemaining: null,
      });
      expect(end.result).toMatchObject({ width: 480, height: 360, frameCount: 36, framesPerSecond: 12, durationSeconds: 3 });
      const video = Buffer.from(await (await fetch(end.result!.video!.url)).arrayBuffer());
      expect(video.length).toBe(end.result!.sizeBytes);
      expect(createHash('sha256').update(video).digest('hex')).toBe(end.result!.sha256);
      const poster = await fetch(end.result!.poster!.url);
      expect([poster.status, poster.headers.get('content-type')]).toEqual([200, 'image/jpeg']);

      const revisions = events.map(({ revision }) => revision);
      expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
      const percents = events.map((event) => event.job.percent);
      expect(percents).toEqual(percents.toSorted((a, b) => a - b));
      expect((await stack.states(job.id)).map(({ stage }) => stage)).toContain('RENDERING');
      await until(async () => (await stack.files('.scratch')).length === 0);
    });

    it('is CANCELLED at once while it is rendered, and the worker takes the next job', async () => {
      const long = await stack.create(LONG);
      const { previewUrl } = (await stack.follow(long.id, (event) => isRendering(event) && event.previewUrl !== null)).at(-1)!;
      const preview = await fetch(previewUrl!);
      expect([preview.status, preview.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
      expect(
        Buffer.from(await preview.arrayBuffer())
          .subarray(0, 3)
          .toString('hex'),
      ).toBe('ffd8ff');
      const { data } = await stack.cancel(long.id);
      expect(data.cancelJob).toMatchObject({ status: 'CANCELLED', stage: null });
      expect((await fetch(previewUrl!)).status).toBe(410);
      const next = await stack.create();
      expect((await stack.finish(next.id)).status).toBe('COMPLETED');
      expect((await stack.job(long.id))!.status).toBe('CANCELLED');
      expect((await stack.files()).filter((file) => file.includes(long.id))).toEqual([`hot/${long.id}/photo`]);
    });

    it('can be cancelled while it is being claimed, without a restart of the renderer', async () => {
      const renderer = await rendererOf(stack.worker!.process.pid!);
      for (let round = 0; round < 8; round++) {
        const job = await stack.create(LONG);
        await new Promise((resolve) => setTimeout(resolve, round * 10));
        await stack.cancel(job.id);
      }
      const next = await stack.create();
      expect((await stack.finish(next.id)).status).toBe('COMPLETED');
      expect(await rendererOf(stack.worker!.process.pid!)).toBe(renderer);
    });

    it('moves up in the queue when a job before it is cancelled', async () => {
      const running = await stack.create(LONG);
      await stack.follow(running.id, isRendering);
      const second = await stack.create();
      const third = await stack.create();
      expect([second.queuePosition, third.queuePosition]).toEqual([1, 2]);
      const movedUp = stack.follow(third.id, ({ job }) => job.queuePosition === 1);
      await stack.cancel(second.id);
      expect((await movedUp).at(-1)!.job.queuePosition).toBe(1);
      await stack.cancel(running.id);
      expect((await stack.finish(third.id)).status).toBe('COMPLETED');
      expect(await stack.job(second.id)).toMatchObject({ status: 'CANCELLED', attempt: 0 });
    });

    it('completes in a second attempt when its renderer is killed', async () => {
      const job = await createSlowly();
      process.kill(await rendererOf(stack.worker!.process.pid!), 'SIGKILL');
      const events = await stack.follow(job.id);
      expect((await stack.states(job.id)).filter(({ status }) => status === 'RETRYING')).toEqual([
        expect.objectContaining({ attempt: 1, errorCode: 'WORKER_LOST' }),
      ]);
      expect(events.at(-1)!.job).toMatchObject({ status: 'COMPLETED', attempt: 2, error: null });
    });

    it('completes once, in a second attempt, when its worker is killed', async () => {
      const job = await createSlowly();
      await stack.worker!.kill();
      await stack.startWorker();
      const events = await stack.follow(job.id);
      expect(events.at(-1)!.job).toMatchObject({ status: 'COMPLETED', attempt: 2 });
      expect((await stack.files('archive')).filter((file) => file.includes(job.id))).toHaveLength(2);
    });

    it('is released by a stopping worker, and the attempt does not count', async () => {
      const job = await stack.create(LONG);
      await stack.follow(job.id, isRendering);
      expect(await stack.worker!.stop()).toBe(0);
      expect(await stack.job(job.id)).toMatchObject({ status: 'QUEUED', stage: null, attempt: 1, maxAttempts: 4 });
      await stack.startWorker();
      await stack.follow(job.id, isRendering);
      expect(await stack.job(job.id)).toMatchObject({ status: 'PROCESSING', attempt: 2, maxAttempts: 4 });
      await stack.cancel(job.id);
    });

    it('is queued again when the queue has lost its entry, and entries without a job are dropped', async () => {
      await stack.worker!.stop();
      const job = await stack.create();
      const unknownId = randomUUID();
      await stack.sql('UPDATE job SET "createdAt" = now() - interval \'1 minute\' WHERE id = $1', [job.id]);
      const { openQueue } = await import('../../../src/infra/queue/queue.ts');
      const queue = openQueue({
        redisUrl: redis ? redisUrl() : undefined,
        databaseUrl: stack.databaseUrl,
        prefix: stack.environment['QUEUE_PREFIX']!,
        stalledSeconds: 2,
      });
      // The queue rejects after a few seconds, which a slow machine may need.
      try {
        await eventually(() => queue.remove('PREVIEW', job.id));
        await eventually(async () => expect(await queue.state('PREVIEW', job.id)).toBe('waiting'));
        await eventually(() => queue.enqueue('PREVIEW', unknownId));
        await stack.startWorker();
        expect((await stack.finish(job.id)).status).toBe('COMPLETED');
        await eventually(async () => expect(await queue.state('PREVIEW', unknownId)).toBe('missing'));
      } finally {
        await queue.close();
      }
    });
  });
});
