import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DURATIONS, FITS, frameCount, frameSize, MOTIONS, names, ORIENTATIONS, RESOLUTIONS } from '../../src/catalog/catalog.ts';
import { DOCUMENTS } from '../../src/client/documents.ts';
import { VERSION } from '../../src/process/version.ts';
import { Stack, type JobView } from '../support/stack.ts';
import { until } from '../support/waiting.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start();
});
afterAll(async () => {
  await stack?.stop();
});

describe('every value of the catalogue becomes a video', () => {
  // Each case takes the next value of every list, or the last one again. The slowest resolutions come with the shortest videos.
  const lists = {
    motion: names(MOTIONS),
    durationSeconds: DURATIONS.toSorted((a, b) => b - a),
    resolution: ['P360', 'P360', ...names(RESOLUTIONS)],
    orientation: names(ORIENTATIONS),
    fit: names(FITS),
  };
  const cases = Array.from({ length: Math.max(...Object.values(lists).map(({ length }) => length)) }, (_, i) =>
    Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values[Math.min(i, values.length - 1)]!])),
  );

  it.each(cases)('$motion, $durationSeconds s, $resolution, $orientation, $fit', async (input) => {
    const job = await stack.create(input);
    expect(job.options).toMatchObject(Object.fromEntries(Object.entries(input).filter(([, value]) => value !== 'AUTO')));
    const { status, error, result, options } = await stack.finish(job.id);
    expect({ status, error }).toEqual({ status: 'COMPLETED', error: null });
    const size = frameSize({ resolution: options.resolution as 'P360', orientation: options.orientation as 'LANDSCAPE' });
    expect(result).toMatchObject({
      ...size,
      frameCount: frameCount(options.durationSeconds),
      framesPerSecond: 12,
      durationSeconds: options.durationSeconds,
    });
    const video = await fetch(result!.video!.url, { method: 'HEAD' });
    expect([video.status, video.headers.get('content-length')]).toEqual([200, String(result!.sizeBytes)]);
  });

  it('whose render time is estimated from those of equal jobs', async () => {
    const client = stack.client();
    const [{ estimates }, { nodes }] = await Promise.all([client.options(), client.jobs({ first: 100 })]);
    const times = nodes
      .filter(({ options }) => options.resolution === 'P360' && options.durationSeconds === 12)
      .map(({ result }) => result!.renderSeconds);
    expect(times.length).toBeGreaterThan(0);
    const { seconds } = estimates.find(
      (estimate) => estimate.engine === 'PREVIEW' && estimate.resolution === 'P360' && estimate.durationSeconds === 12,
    )!;
    const tolerance = 0.05; // rounded to tenths
    expect(seconds).toBeGreaterThanOrEqual(Math.min(...times) - tolerance);
    expect(seconds).toBeLessThanOrEqual(Math.max(...times) + tolerance);
  });
});

describe('a client with a normalised cache', () => {
  it('sees its job change in the cache by following it', async () => {
    const socket = stack.socket();
    const client = new ApolloClient({
      cache: new InMemoryCache(),
      link: ApolloLink.split(
        ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
        new GraphQLWsLink(socket),
        new HttpLink({ uri: `${stack.url}/graphql` }),
      ),
    });
    try {
      const { data } = await client.mutate<{ createJob: JobView }>({
        mutation: gql(DOCUMENTS.createJob),
        variables: { input: { image: { uploadId: await stack.upload() }, resolution: 'P360', durationSeconds: 3 } },
      });
      const { id } = data!.createJob;
      const read = () =>
        client.cache.readFragment<JobView>({
          id: `Job:${id}`,
          fragment: gql`
            fragment J on Job {
              id
              status
              percent
              result {
                sha256
              }
            }
          `,
        });
      expect(read()!.status).toBe('QUEUED');
      await new Promise<void>((resolve, reject) => {
        client
          .subscribe({
            query: gql(DOCUMENTS.jobProgress),
            variables: { id },
          })
          .subscribe({ complete: resolve, error: reject });
      });
      expect(read()).toMatchObject({ status: 'COMPLETED', percent: 100, result: { sha256: expect.stringMatching(/^[\da-f]{64}$/) } });
    } finally {
      client.stop();
    }
  });
});

describe('plain HTTP', () => {
  it('answers at /, /healthz and /readyz', async () => {
    const get = async (route: string) => (await fetch(`${stack.url}${route}`)).json();
    expect(await get('/')).toMatchObject({ name: 'FanslyMotion', version: VERSION, links: { graphql: '/graphql' } });
    expect(await get('/healthz')).toMatchObject({ status: 'alive' });
    await until(async () => ((await get('/readyz')) as { status: string }).status === 'ready');
    expect(await get('/readyz')).toEqual({ status: 'ready' });
    expect((await fetch(`${stack.url}/nothing`)).status).toBe(404);
  });

  it('counts jobs, queues, workers, times and subscribers for Prometheus', async () => {
    // The worker finishes a job a moment after clients see the video.
    const text = await until(async () => {
      const metrics = await (await fetch(`${stack.url}/metrics`)).text();
      return (
        /fanslymotion_workers\{state="READY"\} 1/.test(metrics) &&
        /fanslymotion_queue_depth\{engine="PREVIEW",state="waiting"\} 0/.test(metrics) &&
        metrics
      );
    });
    expect(text).toMatch(/fanslymotion_jobs\{status="COMPLETED",engine="PREVIEW"\} \d+/);
    expect(Number(/fanslymotion_job_render_seconds_count\{engine="PREVIEW"\} (\d+)/.exec(text)?.[1])).toBeGreaterThan(0);
    expect(text).toMatch(/fanslymotion_subscribers 0/);
    expect(Number(/fanslymotion_progress_events_total (\d+)/.exec(text)?.[1])).toBeGreaterThan(0);
    expect(text).toContain('process_cpu_seconds_total');
  });
});
