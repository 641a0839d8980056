import { rm } from 'node:fs/promises';
import path from 'node:path';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ApiError } from '../../../src/client/error.ts';
import { Stack, type JobView } from '../../support/stack.ts';
import { eventually, until } from '../../support/waiting.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ worker: false, environment: { ENGINE_GRACE_SECONDS: '600' } });
  await workerIs('READY');
});
afterAll(async () => {
  await stack?.stop();
});
const sockets: WebSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});

/** A worker as its heartbeat shows it, that takes nothing. */
async function workerIs(state: string): Promise<void> {
  await stack.sql(
    `INSERT INTO worker (id, host, pid, device, engines, "defaultEngines", state, version) VALUES ('w', 'h', 1, 'cpu', '{PREVIEW}', '{PREVIEW}', $1, '0')
    ON CONFLICT (id) DO UPDATE SET state = $1, "lastSeenAt" = now()`,
    [state],
  );
}

interface Message {
  type: string;
  id?: string;
  payload?: { data?: Record<string, unknown>; errors?: ErrorView[] } & ErrorView[];
}
interface ErrorView {
  message: string;
  extensions: { code: string };
}

/** One socket that stays open whatever its operations come to. */
async function openSocket() {
  const socket = new WebSocket(`${stack.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  sockets.push(socket);
  const messages: Message[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await until(async () => messages.some(({ type }) => type === 'connection_ack'));
  const of = (id: string) => messages.filter((message) => message.id === id);
  return {
    socket,
    start: (id: string, query: string, variables = {}) =>
      socket.send(JSON.stringify({ type: 'subscribe', id, payload: { query, variables } })),
    of,
    first: (id: string) => until(async () => of(id)[0]),
  };
}

const FOLLOW = 'subscription ($id: ID!) { jobProgress(id: $id) { revision job { status } } }';
const introspection = getIntrospectionQuery({
  descriptions: true,
  inputValueDeprecation: true,
  oneOf: true,
  specifiedByUrl: true,
  schemaDescription: true,
  directiveIsRepeatable: true,
});
const aliases = (count: number, field: string) => Array.from({ length: count }, (_, n) => `a${n}:${field}`).join(' ');

const WRONG = [
  ['is not GraphQL', '{ job(id: '],
  ['requests an unknown field', '{ nothing }'],
  ['has thousands of tokens', `{ options { ${aliases(700, 'framesPerSecond')} } }`],
  ['has dozens of root fields', `{ ${aliases(21, '__typename')} }`],
  [
    'hides them in fragments',
    `{ ...A ...B } fragment A on Query { ${aliases(15, '__typename')} } fragment B on Query { ...A ${Array.from({ length: 15 }, (_, n) => `b${n}:__typename`).join(' ')} }`,
  ],
] as const;
const RIGHT = [
  ['the introspection query of GraphiQL', introspection],
  ['an operation with twenty root fields', `{ ${aliases(20, '__typename')} }`],
  ['an operation that spreads a fragment repeatedly', `{ ...A ...A ...A } fragment A on Query { ${aliases(15, '__typename')} }`],
] as const;

describe('an operation over HTTP', () => {
  it.each(WRONG)('is refused as BAD_INPUT when it %s', async (_what, query) => {
    const { status, errors } = await stack.graphql(query);
    expect([status, errors![0]!.extensions.code]).toEqual([400, 'BAD_INPUT']);
  });

  it.each(RIGHT)('succeeds as %s', async (_what, query) => {
    expect((await stack.graphql(query)).errors).toBeUndefined();
  });

  it('reads nothing that it does not request', async () => {
    await stack.sql('ALTER TABLE worker RENAME TO worker_away');
    try {
      expect((await stack.graphql('{ options { motions { name } limits { queueLimit } } }')).errors).toBeUndefined();
      expect((await stack.graphql('{ options { engines { name } } }')).errors).toBeDefined();
    } finally {
      await stack.sql('ALTER TABLE worker_away RENAME TO worker');
    }
  });

  it('is refused with a hint to use WebSocket if it is a subscription', async () => {
    const { status, errors } = await stack.graphql(FOLLOW, { id: '00000000-0000-4000-8000-000000000000' });
    expect([status, errors![0]!.extensions.code]).toEqual([400, 'BAD_INPUT']);
    expect(errors![0]!.message).toContain('WebSocket');
  });

  it.each([
    ['a body that is no JSON', '{"query": ', 400, 'BAD_INPUT', 'JSON'],
    [
      'a body beyond 4 MB',
      JSON.stringify({ query: '{ __typename }', variables: { photo: 'x'.repeat(4_200_000) } }),
      413,
      'IMAGE_TOO_LARGE',
      'POST /uploads',
    ],
  ])('gets a GraphQL error for %s', async (_what, body, status, code, said) => {
    const response = await fetch(`${stack.url}/graphql`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    const { errors } = (await response.json()) as { errors: ErrorView[] };
    expect([response.status, errors[0]!.extensions.code]).toEqual([status, code]);
    expect(errors[0]!.message).toContain(said);
  });

  it.each([
    ['a cursor of dashes', `{ jobs(after: "${cursor(`2026-01-01T00:00:00.000Z ${'-'.repeat(36)}`)}") { nodes { id } } }`],
    [
      'a cursor from before our era',
      `{ jobs(after: "${cursor('-000500-01-01T00:00:00.000Z 00000000-0000-4000-8000-000000000000')}") { nodes { id } } }`,
    ],
    ['a clientRef that no database holds', '{ jobs(filter: { clientRef: "a\\u0000b" }) { nodes { id } } }'],
    ['a time before our era', '{ jobs(filter: { createdAfter: "-000500-01-01T00:00:00.000Z" }) { nodes { id } } }'],
    ['a time in the year 0', '{ jobs(filter: { createdAfter: "0000-01-01T00:00:00.000Z" }) { nodes { id } } }'],
  ])('with %s is BAD_INPUT instead of INTERNAL', async (_what, query) => {
    expect((await stack.graphql(query)).errors![0]!.extensions.code).toBe('BAD_INPUT');
  });
});

const cursor = (text: string) => Buffer.from(text).toString('base64url');

describe('an operation over WebSocket', () => {
  it.each(WRONG)('fails as BAD_INPUT when it %s, and its socket stays open', async (_what, query) => {
    const { start, first } = await openSocket();
    start('wrong', query);
    expect(await first('wrong')).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'BAD_INPUT' } }] });
    start('right', '{ options { framesPerSecond } }');
    expect(await first('right')).toMatchObject({ type: 'next', payload: { data: { options: { framesPerSecond: 12 } } } });
  });

  it.each(RIGHT)('succeeds as %s', async (_what, query) => {
    const { start, first } = await openSocket();
    start('right', query);
    const { type, payload } = await first('right');
    expect([type, payload!.errors]).toEqual(['next', undefined]);
  });

  it('is refused beyond a hundred on one socket', async () => {
    const { id } = await stack.create();
    const { start, first, socket } = await openSocket();
    for (let n = 0; n < 100; n++) start(`s${n}`, FOLLOW, { id });
    for (let n = 0; n < 100; n++) expect((await first(`s${n}`)).type).toBe('next');
    start('s100', FOLLOW, { id });
    expect(await first('s100')).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'OWNER_LIMIT' } }] });
    socket.send(JSON.stringify({ type: 'complete', id: 's0' }));
    start('s101', FOLLOW, { id });
    expect((await first('s101')).type).toBe('next');
    await stack.cancel(id);
  });

  it('receives no state twice when others subscribe to the same job', async () => {
    const { id } = await stack.create();
    const { start, first, of } = await openSocket();
    for (const name of ['a', 'b', 'c', 'd']) {
      start(name, FOLLOW, { id });
      await first(name);
    }
    await stack.cancel(id);
    await eventually(() => expect(of('a').at(-1)!.type).toBe('complete'));
    const revisions = of('a').flatMap(({ payload }) =>
      payload?.data ? [(payload.data['jobProgress'] as { revision: number }).revision] : [],
    );
    expect(new Set(revisions).size).toBe(revisions.length);
  });
});

describe('a request for something missing', () => {
  const codeOf = (answer: { errors?: { extensions: { code: string } }[] }) => answer.errors?.[0]?.extensions.code;

  it('fails with UPLOAD_NOT_FOUND for the file of an upload and EXPIRED for the photo of an earlier job', async () => {
    const uploadId = await stack.upload();
    const job = await stack.create({ image: { uploadId } });
    await stack.cancel(job.id);
    await rm(path.join(stack.storage, 'uploads', uploadId));
    expect(codeOf(await stack.tryCreate({ image: { uploadId } }))).toBe('UPLOAD_NOT_FOUND');
    await rm(path.join(stack.storage, 'hot', job.id), { recursive: true });
    expect(codeOf(await stack.tryCreate({ image: { jobId: job.id } }))).toBe('EXPIRED');
    expect(codeOf(await stack.graphql('mutation ($id: ID!) { retryJob(id: $id) { id } }', { id: job.id }))).toBe('EXPIRED');
  });

  it('reports the same reason in Query.options and createJob for an engine whose only worker cannot render', async () => {
    await workerIs('UNHEALTHY');
    try {
      const { data } = await stack.graphql<{ options: { engines: object[] } }>(
        '{ options { engines { name available isDefault unavailableReason } } }',
      );
      expect(data.options.engines[0]).toEqual({
        name: 'PREVIEW',
        available: false,
        isDefault: false,
        unavailableReason: 'the worker that offers it is unhealthy',
      });
      for (const input of [{}, { engine: 'PREVIEW' }]) expect(codeOf(await stack.tryCreate(input))).toBe('ENGINE_UNAVAILABLE');
    } finally {
      await workerIs('READY');
    }
  });
});

describe('metrics', () => {
  it('count a finished job once under concurrent scrapes', async () => {
    const job: JobView = await stack.create();
    await stack.sql(`UPDATE job SET status = 'COMPLETED', "startedAt" = now(), "finishedAt" = now(), "renderSeconds" = 3 WHERE id = $1`, [
      job.id,
    ]);
    const scrape = async () =>
      /^fanslymotion_job_render_seconds_count\S* (\d+)$/m.exec(await (await fetch(`${stack.url}/metrics`)).text())?.[1];
    expect(new Set(await Promise.all([scrape(), scrape(), scrape(), scrape()]))).toEqual(new Set(['1']));
    expect(await scrape()).toBe('1');
  });
});

describe('uploads of one owner', () => {
  it('are limited under concurrent requests until one is deleted, independently of other owners', async () => {
    const limited = await Stack.start({
      worker: false,
      environment: { API_KEYS: 'alice:alice-secret-0123456,bob:bob-secret-012345678', UPLOADS_PER_OWNER: '3' },
    });
    try {
      const upload = (secret: string) =>
        limited.upload('cat.jpg', { Authorization: `Bearer ${secret}` }).then(
          () => 'stored',
          (error: ApiError) => `${error.code} ${error.retryAfterSeconds}`,
        );
      const answers = await Promise.all(Array.from({ length: 8 }, () => upload('alice-secret-0123456')));
      expect(answers.filter((answer) => answer === 'stored')).toHaveLength(3);
      for (const answer of answers.filter((each) => each !== 'stored')) expect(answer).toMatch(/^OWNER_LIMIT 3[56]\d\d$/);
      expect(await limited.files('uploads')).toHaveLength(3);
      expect(await upload('bob-secret-012345678')).toBe('stored');
      const [{ id }] = (await limited.sql("SELECT id FROM upload WHERE owner LIKE '%alice'")) as [{ id: string }];
      const remove = async (which: string, secret: string) => {
        const response = await fetch(`${limited.url}/uploads/${which}`, {
          method: 'DELETE',
          headers: { Authorization: `Bearer ${secret}` },
        });
        return [response.status, await response.text()];
      };
      for (const [which, secret] of [
        [id, 'bob-secret-012345678'],
        ['..%2f..', 'alice-secret-0123456'],
      ])
        expect(await remove(which!, secret!)).toEqual([404, expect.stringMatching(/UPLOAD_NOT_FOUND/)]);
      expect(await remove(id, 'alice-secret-0123456')).toEqual([204, '']);
      expect(await remove(id, 'alice-secret-0123456')).toEqual([404, expect.stringMatching(/UPLOAD_NOT_FOUND/)]);
      expect(await limited.files('uploads')).toHaveLength(3); // two of hers, one of his
      expect(await upload('alice-secret-0123456')).toBe('stored');
    } finally {
      await limited.stop();
    }
  });
});
