/** Following a job over HTTP, on a server without WebSockets. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ApiClient, type Job } from '../../../src/client/client.ts';
import type { RetryPolicy } from '../../../src/client/retry.ts';
import { ERRORS, adviceFor, type ErrorCode } from '../../../src/jobs/errors.ts';
import { CLIENT_JOB } from '../../support/client-job.ts';

type Reply = Partial<Job> | ErrorCode | 'HANG_UP' | 'DELETED';

const JOB: Job = {
  ...CLIENT_JOB,
  status: 'QUEUED',
  stage: null,
  percent: 0,
  step: null,
  totalSteps: null,
  queuePosition: 1,
  attempt: 0,
  startedAt: null,
};

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

/** A client of an API that gives these replies in turn; the last one stays. */
async function serve(...replies: Reply[]): Promise<{ client: ApiClient; reachability: boolean[] }> {
  server = createServer((_request, response) => {
    const reply = replies.length > 1 ? replies.shift()! : replies[0]!;
    if (reply === 'HANG_UP') response.destroy();
    else if (reply === 'DELETED') send(response, { data: { job: null } });
    else if (typeof reply === 'object') send(response, { data: { job: { ...JOB, ...reply } } });
    else send(response, { errors: [{ message: ERRORS[reply].message, extensions: { code: reply, ...adviceFor(reply) } }] });
  });
  server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const reachability: boolean[] = [];
  const client = ApiClient.create({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    webSocket: WebSocket,
    onReachability: (problem) => reachability.push(problem === null),
  });
  return { client, reachability };
}

const send = (response: ServerResponse, body: object) =>
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));

async function follow(client: ApiClient, retry?: RetryPolicy, signal?: AbortSignal): Promise<(string | null)[]> {
  const states: (string | null)[] = [];
  for await (const job of client.follow('j', { retry, pollMs: 1, signal })) states.push(job?.status ?? null);
  return states;
}

describe('following a job without WebSockets', () => {
  it('polls until the job ends', async () => {
    const { client } = await serve({}, { status: 'PROCESSING' }, { status: 'COMPLETED' });
    expect(await follow(client)).toEqual(['QUEUED', 'PROCESSING', 'COMPLETED']);
  });

  it('yields null while the API is unreachable, and says when it is back', async () => {
    const { client, reachability } = await serve({}, 'HANG_UP', 'HANG_UP', { status: 'FAILED' });
    expect(await follow(client, ({ error }) => (error.isOutage ? 1 : null))).toEqual(['QUEUED', null, null, 'FAILED']);
    expect(reachability).toEqual([false, true]);
  });

  it('gives up when the policy says so, counting failures in a row only', async () => {
    const { client } = await serve('INTERNAL', 'INTERNAL', {}, 'INTERNAL', 'INTERNAL', 'INTERNAL');
    const tries: number[] = [];
    const policy: RetryPolicy = (setback) => {
      tries.push(setback.tries);
      return setback.error.isTransient && setback.tries < 3 ? 1 : null;
    };
    await expect(follow(client, policy)).rejects.toMatchObject({ code: 'INTERNAL', fault: 'SERVER', retry: 'SAME_REQUEST' });
    expect(tries).toEqual([1, 2, 1, 2, 3]);
  });

  it('gives up at the first error without a policy', async () => {
    const { client } = await serve('UNAVAILABLE');
    await expect(follow(client)).rejects.toMatchObject({ code: 'UNAVAILABLE', isOutage: true, hint: ERRORS.UNAVAILABLE.hint });
  });

  it('ends with NOT_FOUND when the job is deleted', async () => {
    const { client } = await serve({}, 'DELETED');
    await expect(follow(client, () => 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('ends with the reason of its signal', async () => {
    const { client } = await serve({});
    const ending = new AbortController();
    const following = follow(client, undefined, ending.signal);
    ending.abort(new Error('no longer wanted'));
    await expect(following).rejects.toThrow('no longer wanted');
  });
});
