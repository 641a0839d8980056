import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema, isEnumType, isInputObjectType, isIntrospectionType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { names, DURATIONS, FITS, MOTIONS, RESOLUTIONS } from '../../../src/catalog/catalog.ts';
import { ENGINES } from '../../../src/catalog/engines.ts';
import { VERSION } from '../../../src/process/version.ts';
import { PHOTOS, Stack } from '../../support/stack.ts';
import { until } from '../../support/waiting.ts';

const KEYS = { API_KEYS: 'alice:alice-secret-0123456,bob:bob-secret-012345678,bot:bot-secret-0123456789:act-as' };
const ALICE = { Authorization: 'Bearer alice-secret-0123456' };
const BOB = { Authorization: 'Bearer bob-secret-012345678' };
const BOT = { Authorization: 'Bearer bot-secret-0123456789' };

const codeOf = (answer: { errors?: { extensions: { code: string } }[] }) => answer.errors?.[0]?.extensions.code;

describe('the schema', () => {
  const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));

  it('describes every type, field, argument and value', () => {
    const silent: string[] = [];
    for (const type of Object.values(schema.getTypeMap())) {
      if (isIntrospectionType(type) || ['String', 'Int', 'Float', 'Boolean', 'ID'].includes(type.name)) continue;
      const isRoot = ['Query', 'Mutation', 'Subscription'].includes(type.name);
      if (!type.description && !isRoot) silent.push(type.name);
      if (isEnumType(type))
        silent.push(
          ...type
            .getValues()
            .filter((value) => !value.description)
            .map((value) => `${type.name}.${value.name}`),
        );
      if (isObjectType(type) || isInputObjectType(type)) {
        for (const field of Object.values(type.getFields())) {
          if (!field.description) silent.push(`${type.name}.${field.name}`);
          const args = isObjectType(type) ? type.getFields()[field.name]!.args : [];
          silent.push(...args.filter((arg) => !arg.description).map((arg) => `${type.name}.${field.name}(${arg.name})`));
        }
      }
    }
    expect(silent).toEqual([]);
  });
});

describe('an API without keys', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start({ environment: { QUEUE_LIMIT: '4', BACKLOG_LIMIT: '0' } });
  });
  afterAll(async () => {
    await stack?.stop();
  });

  it('lists the options of the catalogue', async () => {
    const { data } = await stack.graphql<{
      options: Record<string, { name: string; isDefault: boolean; seconds: number; available: boolean; tuning: object[] }[]> & {
        limits: object;
        seed: object;
      };
    }>(`{ options {
      resolutions { name width height description isDefault } durations { seconds frameCount isDefault } framesPerSecond
      motions { name description bestFor isDefault } orientations { name description isDefault } fits { name description isDefault }
      engines { name description available unavailableReason isDefault tuning { name kind min max default } } seed { min max }
      limits { photoMaxBytes photoMaxPixels photoMinSide photoFormats base64MaxBytes queueLimit ownerLimit maxAttempts filesKeptHours }
      estimates { engine resolution durationSeconds seconds } } }`);
    const { options } = data;
    expect(options['resolutions']!.map(({ name }) => name)).toEqual(names(RESOLUTIONS));
    expect(options['motions']!.map(({ name }) => name)).toEqual(names(MOTIONS));
    expect(options['fits']!.map(({ name }) => name)).toEqual(names(FITS));
    expect(options['durations']!.map(({ seconds }) => seconds)).toEqual(DURATIONS);
    expect(options['engines']!.map(({ name, available, isDefault }) => [name, available, isDefault])).toEqual([
      ['PREVIEW', true, true],
      ['SVD_XT', false, false],
    ]);
    for (const list of ['resolutions', 'durations', 'motions', 'orientations', 'fits'])
      expect(options[list]!.filter(({ isDefault }) => isDefault)).toHaveLength(1);
    expect(options.limits).toMatchObject({
      photoMaxBytes: 20_000_000,
      photoMaxPixels: 50_000_000,
      photoMinSide: 64,
      queueLimit: 4,
      ownerLimit: null,
      maxAttempts: 3,
      filesKeptHours: 24,
    });
    expect(options.seed).toEqual({ min: 0, max: 2_147_483_647 });
    const [preview, svdXt] = options['engines']!;
    expect(preview!.tuning).toEqual([]);
    expect(svdXt!.tuning).toHaveLength(5);
    expect(svdXt!.tuning[0]).toEqual({ name: 'numInferenceSteps', kind: 'INTEGER', min: 4, max: 50, default: 24 });
    expect(svdXt!.tuning[4]).toEqual({ name: 'motionBucketId', kind: 'INTEGER', min: 1, max: 255, default: null });
    expect(options['estimates']).toHaveLength(names(ENGINES).length * names(RESOLUTIONS).length * DURATIONS.length);
    expect(Math.min(...options['estimates']!.map(({ seconds }) => seconds))).toBeGreaterThan(0);
  });

  it('reports the state of each part of the installation', async () => {
    const { data } =
      await stack.graphql(`{ health { version uptimeSeconds database { kind latencyMs } queues { engine waiting delayed active }
      bus { kind latencyMs } storage { writable freeBytes } workers { id device engines state version lastSeenAt } } }`);
    expect(data).toMatchObject({
      health: {
        version: VERSION,
        database: { kind: 'postgresql' },
        bus: { kind: 'postgresql' },
        storage: { writable: true },
        workers: [{ device: 'cpu', engines: ['PREVIEW'], state: 'READY', version: VERSION }],
      },
    });
  });

  it.each([
    ['durationSeconds', { durationSeconds: 7 }],
    ['seed', { seed: -1 }],
    ['tuning', { engine: 'PREVIEW', tuning: { svdXt: {} } }],
    ['tuning.svdXt.numInferenceSteps', { tuning: { svdXt: { numInferenceSteps: 51 } } }],
    ['tuning.svdXt.minGuidanceScale', { tuning: { svdXt: { minGuidanceScale: 4, maxGuidanceScale: 2 } } }],
    ['tuning.svdXt.noiseAugStrength', { tuning: { svdXt: { noiseAugStrength: -0.1 } } }],
    ['tuning.svdXt.motionBucketId', { tuning: { svdXt: { motionBucketId: 256 } } }],
    ['clientRef', { clientRef: '' }],
    ['idempotencyKey', { idempotencyKey: 'x'.repeat(201) }],
  ])('refuses an invalid %s and names the field', async (field, input) => {
    const answer = await stack.tryCreate(input);
    expect(answer.errors![0]!.extensions).toMatchObject({ code: 'BAD_INPUT', field, fault: 'CLIENT', retry: 'NEVER' });
    expect(answer.errors![0]!.extensions['hint']).toEqual(expect.any(String));
  });

  it.each([
    ['a value no enum has', { motion: 'SPIN' }],
    ['no photo', { image: {} }],
    ['tuning for no engine', { tuning: {} }],
    ['two photos', { image: { base64: 'AAAA', jobId: 'x' } }],
    ['base64 that is none', { image: { base64: 'not base64!' } }],
  ])('refuses %s as BAD_INPUT', async (_what, input) => {
    expect(codeOf(await stack.tryCreate(input))).toBe('BAD_INPUT');
  });

  it.each([
    ['UPLOAD_NOT_FOUND', { uploadId: '00000000-0000-4000-8000-000000000000' }],
    ['UPLOAD_NOT_FOUND', { uploadId: 'nonsense' }],
    ['NOT_FOUND', { jobId: '00000000-0000-4000-8000-000000000000' }],
    ['UNSUPPORTED_FORMAT', { base64: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64') }],
    ['IMAGE_UNREADABLE', { base64: readFileSync(path.join(PHOTOS, 'cat.jpg')).subarray(0, 20_000).toString('base64') }],
    ['IMAGE_TOO_LARGE', { base64: Buffer.alloc(2_000_001).toString('base64') }],
  ])('fails with %s for such a photo', async (code, image) => {
    expect(codeOf(await stack.tryCreate({ image }))).toBe(code);
    expect(await stack.files('.scratch')).toEqual([]);
  });

  it('accepts a photo as data URL or from an earlier job, and resolves every option', async () => {
    const first = await stack.create({
      image: { base64: `data:image/jpeg;base64,${readFileSync(path.join(PHOTOS, 'portrait.jpg')).toString('base64')}` },
      clientRef: 'mine',
      seed: 7,
    });
    expect(first).toMatchObject({
      clientRef: 'mine',
      photo: { width: 300, height: 420 },
      options: {
        engine: 'PREVIEW',
        orientation: 'PORTRAIT',
        fit: 'COVER',
        crop: { x: 0, width: 300, height: 400 },
        seed: 7,
        tuning: null,
      },
    });
    const second = await stack.create({ image: { jobId: first.id }, orientation: 'LANDSCAPE', motion: 'DOLLY_IN' });
    expect(second.options).toMatchObject({ orientation: 'LANDSCAPE', fit: 'CONTAIN', crop: null, motion: 'DOLLY_IN' });
    expect(second.options.seed).toBeGreaterThanOrEqual(0);
    expect((await stack.finish(first.id)).result).toMatchObject({ width: 360, height: 480 });
    expect((await stack.finish(second.id)).result).toMatchObject({ width: 480, height: 360 });
    expect((await stack.files('uploads')).length).toBe((await stack.sql('SELECT id FROM upload')).length);
  });

  it('returns the same job for the same idempotency key and request, and CONFLICT for another request', async () => {
    const uploadId = await stack.upload();
    const request = { image: { uploadId }, idempotencyKey: 'once' };
    const answers = await Promise.all([stack.create(request), stack.create(request), stack.create({ ...request, motion: 'MICRO' })]);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(codeOf(await stack.tryCreate({ ...request, motion: 'PAN_R' }))).toBe('CONFLICT');
    expect(codeOf(await stack.tryCreate({ ...request, image: { uploadId: await stack.upload('coffee.jpg') } }))).toBe('CONFLICT');
    expect((await stack.finish(answers[0]!.id)).status).toBe('COMPLETED');
    expect((await stack.create(request)).status).toBe('COMPLETED');
  });

  it('refuses an engine that no worker offers', async () => {
    const answer = await stack.tryCreate({ engine: 'SVD_XT' });
    expect(answer.errors![0]!.extensions).toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      fault: 'OPERATOR',
      retry: 'LATER',
      retryAfterSeconds: expect.any(Number),
    });
  });

  it('keeps the limit of the queue under concurrent requests', async () => {
    const uploadId = await stack.upload();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => stack.tryCreate({ image: { uploadId }, durationSeconds: 12, resolution: 'P1080' })),
    );
    const created = answers.filter(({ errors }) => !errors);
    expect(created).toHaveLength(4);
    const refused = answers.filter(({ errors }) => errors);
    expect(new Set(refused.map(codeOf))).toEqual(new Set(['QUEUE_FULL']));
    expect(refused[0]!.errors![0]!.extensions['retryAfterSeconds']).toBeGreaterThan(0);
    for (const { data } of created) await stack.cancel(data.createJob.id);
    // A preview that was just being put there goes a moment later.
    await until(async () => (await stack.files('hot')).length === (await stack.sql('SELECT id FROM job WHERE "photoKept"')).length);
  });

  it('pages through jobs, newest first, and filters them', async () => {
    const { data: all } = await stack.graphql<{ jobs: { nodes: { id: string; createdAt: string }[] } }>(
      '{ jobs(first: 100) { nodes { id createdAt } } }',
    );
    const ids: string[] = [];
    let after: string | null = null;
    do {
      const page: {
        data: { jobs: { edges: { cursor: string; node: { id: string } }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } };
      } = await stack.graphql(
        'query ($after: String) { jobs(first: 3, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      ids.push(...page.data.jobs.edges.map(({ node }) => node.id));
      after = page.data.jobs.pageInfo.hasNextPage ? page.data.jobs.pageInfo.endCursor : null;
    } while (after);
    expect(ids).toEqual(all.jobs.nodes.map(({ id }) => id));
    const times = all.jobs.nodes.map(({ createdAt }) => createdAt);
    expect(times).toEqual(times.toSorted().toReversed());
    const filtered = await stack.graphql<{ jobs: { nodes: { status: string; clientRef: string }[] } }>(
      '{ jobs(filter: { statuses: [COMPLETED], clientRef: "mine" }) { nodes { status clientRef } } }',
    );
    expect(filtered.data.jobs.nodes).toEqual([{ status: 'COMPLETED', clientRef: 'mine' }]);
    const later = await stack.graphql<{ jobs: { nodes: object[] } }>(
      'query ($t: DateTimeISO!) { jobs(filter: { createdAfter: $t }) { nodes { id } } }',
      { t: times[0] },
    );
    expect(later.data.jobs.nodes).toEqual([]);
    expect(codeOf(await stack.graphql('{ jobs(first: 101) { nodes { id } } }'))).toBe('BAD_INPUT');
    expect(codeOf(await stack.graphql('{ jobs(after: "zzz") { nodes { id } } }'))).toBe('BAD_INPUT');
  });

  it('retries a cancelled job with the same options and seed, and refuses to retry a completed one', async () => {
    const job = await stack.create({ durationSeconds: 12, resolution: 'P1080', seed: 99 });
    const retry = (id: string) =>
      stack.graphql<{ retryJob: { id: string; retryOf: string; options: { seed: number } } }>(
        'mutation ($id: ID!) { retryJob(id: $id) { id retryOf options { seed } } }',
        { id },
      );
    expect(codeOf(await retry(job.id))).toBe('NOT_RETRYABLE');
    await stack.cancel(job.id);
    const { data } = await retry(job.id);
    expect(data.retryJob).toMatchObject({ retryOf: job.id, options: { seed: 99 } });
    expect(data.retryJob.id).not.toBe(job.id);
    await stack.cancel(data.retryJob.id);
    const done = await stack.create();
    await stack.finish(done.id);
    expect(codeOf(await retry(done.id))).toBe('NOT_RETRYABLE');
    expect(codeOf(await stack.cancel(done.id))).toBe('NOT_CANCELLABLE');
  });

  it('deletes running and completed jobs with their files, then all data of the owner', async () => {
    const done = await stack.create();
    const { result } = await stack.finish(done.id);
    const running = await stack.create({ durationSeconds: 12, resolution: 'P1080' });
    const following = stack.follow(running.id).catch((error: Error) => error.message);
    await stack.follow(running.id, ({ job }) => job.stage === 'RENDERING');
    for (const { id } of [done, running])
      expect((await stack.graphql<{ deleteJob: string }>('mutation ($id: ID!) { deleteJob(id: $id) }', { id })).data.deleteJob).toBe(id);
    expect(await following).toMatchObject(expect.anything());
    expect(await stack.job(done.id)).toBeNull();
    expect((await fetch(result!.video!.url)).status).toBe(410);
    // A preview that was under way is there for a moment yet.
    await until(async () => !(await stack.files()).some((file) => file.includes(done.id) || file.startsWith(`hot/${running.id}`)));
    const rows = await stack.sql('SELECT id FROM job');
    expect((await stack.graphql<{ deleteMyData: number }>('mutation { deleteMyData }')).data.deleteMyData).toBe(rows.length);
    await until(
      async () => [...(await stack.files('hot')), ...(await stack.files('archive')), ...(await stack.files('uploads'))].length === 0,
    );
  });

  it('fails a subscription to a missing job', async () => {
    await expect(stack.follow('00000000-0000-4000-8000-000000000000')).rejects.toThrow('NOT_FOUND');
  });

  it('refuses a query that does not match the schema with BAD_INPUT', async () => {
    expect(codeOf(await stack.graphql('{ nothing }'))).toBe('BAD_INPUT');
    expect(codeOf(await stack.graphql('{ job(id: '))).toBe('BAD_INPUT');
  });
});

describe('an API with keys', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start({ environment: { ...KEYS, OWNER_LIMIT: '2' } });
  });
  afterAll(async () => {
    await stack?.stop();
  });

  it('requires a valid key over HTTP and WebSocket', async () => {
    for (const headers of [{}, { Authorization: 'Bearer wrong-secret-0123456' }] as Record<string, string>[]) {
      const answer = await stack.graphql('{ jobs { nodes { id } } }', {}, headers);
      expect([answer.status, codeOf(answer)]).toEqual([401, 'UNAUTHENTICATED']);
    }
    expect((await fetch(`${stack.url}/uploads`, { method: 'POST' })).status).toBe(401);
    expect((await fetch(`${stack.url}/metrics`)).status).toBe(401);
    expect((await fetch(`${stack.url}/healthz`)).status).toBe(200);
    await expect(
      stack.follow('00000000-0000-4000-8000-000000000000', undefined, stack.socket({ Authorization: 'Bearer wrong' })),
    ).rejects.toMatchObject({ code: 4401 });
  });

  it('hides jobs, uploads and events from other owners', async () => {
    const job = await stack.create({}, ALICE);
    const uploadId = await stack.upload('cat.jpg', ALICE);
    expect(await stack.job(job.id, BOB)).toBeNull();
    expect((await stack.cancel(job.id, BOB)).errors![0]!.extensions.code).toBe('NOT_FOUND');
    expect((await stack.graphql<{ jobs: { nodes: object[] } }>('{ jobs { nodes { id } } }', {}, BOB)).data.jobs.nodes).toEqual([]);
    expect(codeOf(await stack.tryCreate({ image: { uploadId } }, BOB))).toBe('UPLOAD_NOT_FOUND');
    expect(codeOf(await stack.tryCreate({ image: { jobId: job.id } }, BOB))).toBe('NOT_FOUND');
    await expect(stack.follow(job.id, undefined, stack.socket(BOB))).rejects.toThrow('NOT_FOUND');
    const [last] = (await stack.follow(job.id, undefined, stack.socket(ALICE))).slice(-1);
    expect(last!.job.status).toBe('COMPLETED');
    expect((await fetch(last!.job.result!.video!.url)).status).toBe(200);
  });

  it('lets only keys with act-as act for another owner', async () => {
    const asUser = { ...BOT, 'X-Act-As': 'telegram:123' };
    const job = await stack.create({}, asUser);
    expect(await stack.job(job.id, BOT)).toBeNull();
    expect((await stack.job(job.id, asUser))!.id).toBe(job.id);
    expect(codeOf(await stack.graphql('{ jobs { nodes { id } } }', {}, { ...ALICE, 'X-Act-As': 'telegram:123' }))).toBe('FORBIDDEN');
    expect(codeOf(await stack.graphql('{ jobs { nodes { id } } }', {}, { ...BOT, 'X-Act-As': 'key:alice' }))).toBe('FORBIDDEN');
    const socket = stack.socket(BOT);
    expect((await stack.follow(job.id, undefined, socket, { actAs: 'telegram:123' })).at(-1)!.job.status).toBe('COMPLETED');
    await expect(stack.follow(job.id, undefined, socket, { actAs: 'telegram:456' })).rejects.toThrow('NOT_FOUND');
    await expect(stack.follow(job.id, undefined, stack.socket(ALICE), { actAs: 'telegram:123' })).rejects.toThrow('FORBIDDEN');
  });

  it('applies the limit of unfinished jobs per owner', async () => {
    const slow = { durationSeconds: 12, resolution: 'P1080' };
    const uploadId = await stack.upload('cat.jpg', BOB);
    const answers = await Promise.all(Array.from({ length: 6 }, () => stack.tryCreate({ image: { uploadId }, ...slow }, BOB)));
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(2);
    expect(new Set(answers.map(codeOf).filter(Boolean))).toEqual(new Set(['OWNER_LIMIT']));
    const other = await stack.create({}, { ...BOT, 'X-Act-As': 'telegram:9' });
    expect(other.status).toBe('QUEUED');
    await stack.graphql('mutation { deleteMyData }', {}, BOB);
    await stack.graphql('mutation { deleteMyData }', {}, { ...BOT, 'X-Act-As': 'telegram:9' });
  });
});

describe("an API whose only key is the bot's", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start({ worker: false, environment: { BOT_API_KEY: 'made-for-this-run-0123' } });
  });
  afterAll(async () => {
    await stack?.stop();
  });

  it('accepts the local owner without a key, and lets the bot act for its users', async () => {
    const limit = async (headers: Record<string, string>) =>
      (await stack.graphql<{ options: { limits: { ownerLimit: number | null } } }>('{ options { limits { ownerLimit } } }', {}, headers))
        .data.options.limits.ownerLimit;
    const bot = { Authorization: 'Bearer made-for-this-run-0123' };
    expect(await limit({})).toBeNull();
    expect(await limit({ ...bot, 'X-Act-As': 'telegram:1' })).toBe(20);
    expect(codeOf(await stack.graphql('{ jobs { nodes { id } } }', {}, { 'X-Act-As': 'telegram:1' }))).toBe('FORBIDDEN');
  });
});
