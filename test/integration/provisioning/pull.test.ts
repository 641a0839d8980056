import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelBusy, ModelError } from '../../../src/provisioning/weights/error.ts';
import type { KnownModel } from '../../../src/provisioning/weights/manifest.ts';
import { TransferMeter } from '../../../src/provisioning/weights/meter.ts';
import { pullModel, removeModel, type PullOptions } from '../../../src/provisioning/weights/pull.ts';
import { knownModelState } from '../../../src/provisioning/weights/state.ts';
import { verifyModel } from '../../../src/provisioning/weights/verify.ts';
import { REPOSITORY, TestHub } from '../../support/hub.ts';
import { until } from '../../support/waiting.ts';

const UNET = 'unet/diffusion_pytorch_model.fp16.safetensors';
const CONFIG = 'unet/config.json';

let hub: TestHub;
let models: string;
let notes: string[];

beforeEach(async () => {
  hub = await TestHub.start({
    'model_index.json': Buffer.from('{"a":1}'),
    [CONFIG]: Buffer.from(`{"pad":"${'x'.repeat(3000)}"}`),
    [UNET]: randomBytes(400_000),
    'vae/diffusion_pytorch_model.fp16.safetensors': randomBytes(100_000),
    'image_encoder/model.fp16.safetensors': randomBytes(150_000),
  });
  models = mkdtempSync(path.join(tmpdir(), 'fm-models-'));
  notes = [];
});
afterEach(async () => {
  await hub.stop();
  await rm(models, { recursive: true, force: true });
});

const pull = (model: KnownModel = hub.model(), options: Partial<PullOptions> = {}) =>
  pullModel(model, {
    models,
    hub: hub.hub,
    note: (text) => notes.push(text),
    retryPolicy: { stallMs: 10_000, backoffMs: 2, tries: 4 },
    ...options,
  });
const refused = async (model?: KnownModel, options?: Partial<PullOptions>): Promise<ModelError> => {
  const error: unknown = await pull(model, options).catch((reason: unknown) => reason);
  if (!(error instanceof ModelError)) throw new Error(`not refused: ${String(error)}`);
  return error;
};
/** Files of a finished pull with wrong content, and anything else left in MODELS_DIR. */
const faults = async () => {
  const files = await Promise.all(
    Object.entries(hub.files).map(async ([file, data]) => ((await readFile(path.join(models, 'tiny', file))).equals(data) ? [] : [file])),
  );
  return [...files.flat(), ...(await readdir(models)).filter((name) => name !== 'tiny')];
};
const growing = (file: string) => path.join(models, '.partial/tiny', file);
/** Resolves once `bytes` of the partial file are on disk. */
const kept = (bytes: number, file = UNET) =>
  until(async () => (await readFile(growing(file)).catch(() => Buffer.alloc(0))).length === bytes);
/** Stops a pull when `bytes` of a file have arrived. */
const cutShort = async (bytes: number, model?: KnownModel, file = UNET) => {
  hub.fault(file, { holdAfter: bytes });
  const controller = new AbortController();
  const pulling = pull(model, { signal: controller.signal }).catch((error: unknown) => error);
  await kept(bytes, file);
  controller.abort(new Error('enough'));
  expect(await pulling).toMatchObject({ message: 'enough' });
};

describe('pulling a model', () => {
  it('downloads the listed files and no others, and shows the folder under its name once all are complete', async () => {
    const meter = new TransferMeter();
    hub.files['svd_xt.safetensors'] = Buffer.alloc(10);
    const model = hub.model();
    const needed = { ...model, files: model.files.filter(({ path: file }) => file !== 'svd_xt.safetensors') };
    delete hub.files['svd_xt.safetensors'];
    expect(await pull(needed, { meter })).toBe(path.join(models, 'tiny'));
    expect(await faults()).toEqual([]);
    expect(new Set(hub.seen.map(({ path: file }) => file))).toEqual(new Set(Object.keys(hub.files)));
    expect(meter.progress()).toMatchObject({ percent: 100, doneBytes: 653_000 + 7 + 10 });
    expect((await knownModelState(models, needed)).kind).toBe('present');
  });

  it('sends no request if the model is complete', async () => {
    await pull();
    hub.seen.length = 0;
    await pull();
    expect(hub.seen).toEqual([]);
  });

  it('sends the token only to the hub, not to the server that it redirects to', async () => {
    hub.token = 'hf_secret';
    await pull(hub.model(), { hub: { endpoint: hub.endpoint, token: 'hf_secret' } });
    const by = (server: string) =>
      new Set(hub.seen.filter((request) => request.server === server).map(({ authorization }) => authorization));
    expect(by('hub')).toEqual(new Set(['Bearer hf_secret']));
    expect(by('cdn')).toEqual(new Set([undefined]));
  });

  it('resumes where a connection was lost, and downloads no byte twice', async () => {
    const cut = (cutAfter: number, whole: number) => ({ cutAfter, received: () => kept(whole) });
    hub.fault(UNET, cut(100_000, 100_000), cut(50_000, 150_000), cut(0, 150_000));
    await pull();
    expect(await faults()).toEqual([]);
    expect(hub.ranges(UNET)).toEqual([undefined, 'bytes=100000-', 'bytes=150000-', 'bytes=150000-']);
    expect(hub.sentBytes[UNET]).toBe(400_000);
    expect(notes).toEqual(expect.arrayContaining([expect.stringContaining('retrying')]));
  });

  it('loses no connection to the garbage collector', async () => {
    setFlagsFromString('--expose-gc');
    const collecting = setInterval(runInNewContext('gc') as () => void, 2);
    try {
      await pull();
    } finally {
      clearInterval(collecting);
    }
    expect([await faults(), notes]).toEqual([[], []]);
  });

  it('resumes where an earlier run ended', async () => {
    await cutShort(123_456);
    expect(existsSync(path.join(models, 'tiny'))).toBe(false);
    expect((await knownModelState(models, hub.model())).kind).toBe('partial');
    await pull();
    expect(await faults()).toEqual([]);
    expect(hub.ranges(UNET)).toEqual([undefined, 'bytes=123456-']);
    expect(hub.sentBytes[UNET]).toBe(400_000);
  });

  it.each([
    ['its hash in the manifest', UNET, false],
    ['the hash that the hub publishes', UNET, true],
    ['its ETag alone', CONFIG, true],
  ])('never splices a partial file, known by %s, with a newer file', async (_name, file, unknown) => {
    const model = () => hub.model('tiny', unknown ? { sha256: [file], bytes: [file] } : {});
    await cutShort(2_000, model(), file);
    hub.files[file] = randomBytes(2_500);
    await pull(model());
    expect(await faults()).toEqual([]);
  });

  it('accepts the whole file from a server that ignores ranges', async () => {
    await cutShort(200_000);
    hub.fault(UNET, { ignoreRange: true });
    await pull();
    expect(await faults()).toEqual([]);
    expect(notes).toEqual([expect.stringContaining('from the first byte')]);
  });

  it('accepts status 416 at the exact end of a file of unknown size', async () => {
    const model = hub.model('tiny', { bytes: [UNET] });
    await cutShort(300_000, model);
    await writeFile(growing(UNET), hub.files[UNET]!);
    await pull(model);
    expect(await faults()).toEqual([]);
    expect(hub.ranges(UNET)).toEqual([undefined, 'bytes=400000-']);
    expect(hub.sentBytes[UNET]).toBe(300_000);
  });

  it('starts again if the partial file is longer than the file', async () => {
    const model = hub.model('tiny', { bytes: [UNET] });
    await cutShort(300_000, model);
    await truncate(growing(UNET), 500_000);
    await pull(model);
    expect(await faults()).toEqual([]);
    expect(hub.ranges(UNET)).toEqual([undefined, 'bytes=500000-', undefined]);
  });

  it.each([
    ['the manifest', []],
    ['the hub', [UNET]],
  ])('detects a flipped byte by the hash from %s, and downloads that file again', async (_name, without) => {
    hub.fault(UNET, { flip: 1234 });
    await pull(hub.model('tiny', { sha256: without }));
    expect(await faults()).toEqual([]);
    expect(hub.ranges(UNET)).toEqual([undefined, undefined]);
    expect(notes).toEqual([expect.stringContaining('damaged')]);
  });

  it('detects damage in the partial file of an earlier run', async () => {
    await cutShort(200_000);
    const left = await readFile(growing(UNET));
    left[77]! ^= 1;
    await writeFile(growing(UNET), left);
    await pull();
    expect(await faults()).toEqual([]);
  });

  it('fails if a file arrives damaged twice, and keeps nothing of it', async () => {
    hub.alwaysFault(UNET, { flip: 5 });
    expect(await refused()).toMatchObject({ message: expect.stringMatching(/unet.*damaged twice: SHA-256/) });
    expect((await readFile(growing(UNET))).length).toBe(0);
    expect(existsSync(path.join(models, 'tiny'))).toBe(false);
  });

  it('rejects a small file whose size differs from the manifest', async () => {
    const model = hub.model();
    hub.files[CONFIG] = Buffer.from('{}');
    expect((await refused(model)).message).toContain('2 bytes instead of 3010');
  });

  it('rejects a file that differs from the manifest without downloading it', async () => {
    const model = hub.model();
    hub.files[UNET] = randomBytes(400_000);
    expect((await refused(model)).message).toContain(`has a different ${UNET}`);
    expect((await readFile(growing(UNET))).length).toBe(0);
    expect(existsSync(path.join(models, 'tiny'))).toBe(false);
  });

  it('retries after server errors, and waits as long as the server asks', async () => {
    hub.fault(UNET, { status: 500 }, { status: 503, headers: { 'Retry-After': '1' } }, { status: 403, at: 'cdn' });
    hub.fault(CONFIG, { status: 429, headers: { 'Retry-After': '1' } });
    await pull();
    expect(await faults()).toEqual([]);
    expect(notes).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/unet\/config.*HTTP 429.*retrying in 1 s/),
        expect.stringMatching(/fp16.*HTTP 500/),
        expect.stringMatching(/fp16.*HTTP 503.*retrying in 1 s/),
        expect.stringMatching(/fp16.*HTTP 403/),
      ]),
    );
  });

  it('fails if the server asks for a longer wait than allowed, and says how long', async () => {
    hub.alwaysFault(UNET, { status: 429, headers: { 'Retry-After': '7200' } });
    expect((await refused()).message).toMatch(/HTTP 429.*for 120 min/);
  });

  it('fails after several tries, with the reason and the hint that a new run resumes', async () => {
    hub.alwaysFault(CONFIG, { status: 502 });
    expect(await refused()).toMatchObject({
      message: expect.stringMatching(/HTTP 502, 4 times in a row/),
      hint: expect.stringContaining('resumes where'),
    });
  });

  it('explains how to get access to a gated model', async () => {
    hub.token = 'hf_right';
    expect(await refused()).toMatchObject({
      message: expect.stringContaining('HTTP 401'),
      hint: expect.stringMatching(new RegExp(`Accept it at ${hub.endpoint}/${REPOSITORY}.*HF_TOKEN`)),
    });
    const wrong = await refused(hub.model(), { hub: { endpoint: hub.endpoint, token: 'hf_wrong' } });
    expect(wrong).toMatchObject({
      message: expect.stringContaining('account of HF_TOKEN (HTTP 403)'),
      hint: expect.stringContaining('Accept the licence'),
    });
    expect(JSON.stringify([wrong.message, wrong.hint, notes])).not.toContain('hf_wrong');
  });

  it('names a file that the hub does not have', async () => {
    expect((await refused({ ...hub.model(), revision: 'gone' })).message).toMatch(/at gone \(HTTP 404\)/);
  });

  it('says why a server cannot be reached', async () => {
    const other = await TestHub.start({});
    const closed = other.endpoint;
    await other.stop();
    const from = async (endpoint: string) => (await refused(hub.model(), { hub: { endpoint } })).message;
    expect(await from(closed)).toContain('refuses connections');
    expect(await from('http://nowhere.invalid')).toContain('nowhere.invalid cannot be resolved');
  });

  it('closes a stalled connection and resumes on a new one', async () => {
    hub.fault(UNET, { holdAfter: 60_000 });
    await pull(hub.model(), { retryPolicy: { stallMs: 3_000, backoffMs: 2, tries: 4 } });
    expect(await faults()).toEqual([]);
    expect(hub.ranges(UNET)).toEqual([undefined, 'bytes=60000-']);
    expect(notes).toEqual([expect.stringContaining('no data arrived')]);
  });

  it('sends no request if the disk has too little free space', async () => {
    const model = hub.model();
    const huge = { ...model, files: [...model.files, { path: 'huge.safetensors', sizeBytes: 1e15, sha256: null }] };
    expect(await refused(huge)).toMatchObject({
      message: expect.stringMatching(/needs 1000000\.\d GB/),
      hint: expect.stringContaining('MODELS_DIR'),
    });
    expect(hub.seen).toEqual([]);
  });

  it('completes a damaged model and keeps its intact files', async () => {
    const folder = await pull();
    await rm(path.join(folder, UNET));
    await writeFile(path.join(folder, 'vae/diffusion_pytorch_model.fp16.safetensors'), 'short');
    expect(await knownModelState(models, hub.model())).toMatchObject({
      kind: 'partial',
      message: expect.stringContaining('is missing and 1 more'),
    });
    hub.seen.length = 0;
    await pull();
    expect(await faults()).toEqual([]);
    expect(new Set(hub.seen.map(({ path: file }) => file))).toEqual(new Set([UNET, 'vae/diffusion_pytorch_model.fp16.safetensors']));
  });

  it('downloads files again that were found to be damaged', async () => {
    const model = hub.model('tiny', { sha256: [UNET] });
    const folder = await pull(model);
    const broken = Buffer.from(hub.files[UNET]!);
    broken[9]! ^= 1;
    await writeFile(path.join(folder, UNET), broken);
    expect((await knownModelState(models, model)).kind).toBe('present');
    for await (const _verdict of verifyModel(model, folder, new TransferMeter(), new AbortController().signal));
    expect(await knownModelState(models, model)).toMatchObject({
      kind: 'partial',
      message: `tiny is incomplete or damaged: ${UNET} is damaged`,
    });
    await pull(model);
    expect(await faults()).toEqual([]);
    expect((await knownModelState(models, model)).kind).toBe('present');
  });

  it('does not touch the target of a link', async () => {
    const elsewhere = path.join(models, 'elsewhere');
    await mkdir(elsewhere);
    await symlink(elsewhere, path.join(models, 'tiny'));
    expect((await refused()).message).toContain('is a link');
    expect(await removeModel(models, 'tiny')).toBe(true);
    expect(await readdir(models)).toEqual(['elsewhere']);
  });

  it('runs in one process at a time', async () => {
    hub.fault(UNET, { holdAfter: 10 });
    const first = pull();
    await until(async () => hub.sentBytes[UNET] === 10);
    await expect(pull()).rejects.toThrow(ModelBusy);
    await expect(removeModel(models, 'tiny')).rejects.toThrow(ModelBusy);
    hub.release();
    await first;
    expect(await faults()).toEqual([]);
  });

  it('takes over from a process that died', async () => {
    const child = spawn(process.execPath, ['--eval', '']);
    await once(child, 'exit');
    await mkdir(path.join(models, '.partial'));
    for (const pid of [child.pid, process.pid]) {
      await writeFile(path.join(models, '.partial/tiny.lock'), `${pid} ${hostname()} 1`);
      await pull();
      expect(await faults()).toEqual([]);
      await removeModel(models, 'tiny');
      await mkdir(path.join(models, '.partial'));
    }
  });

  it('fails if the holder of the lock is alive, here or on another machine', async () => {
    await mkdir(path.join(models, '.partial'));
    for (const lock of [`${process.ppid} ${hostname()} 1`, '1 another-machine 1', '']) {
      await writeFile(path.join(models, '.partial/tiny.lock'), lock);
      await expect(pull()).rejects.toThrow(ModelBusy);
    }
  });
});

describe('removing a model', () => {
  it('deletes complete and partial ones', async () => {
    await pull();
    expect(await removeModel(models, 'tiny')).toBe(true);
    await cutShort(1000);
    expect(await removeModel(models, 'tiny')).toBe(true);
    expect(await removeModel(models, 'tiny')).toBe(false);
    expect(await readdir(models)).toEqual([]);
  });
});
