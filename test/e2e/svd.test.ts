/** SVD_XT through the real API, queue, worker and renderer, with a checkpoint so small that it takes seconds on a CPU. */
import { mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findFfmpeg } from '../../src/infra/media/ffmpeg.ts';
import { readVideoMetadata } from '../../src/infra/media/video-metadata.ts';
import { baselineSeconds } from '../../src/jobs/costs.ts';
import { defaultOptions } from '../../src/jobs/options.ts';
import { writeHollowCheckpoint } from '../../worker/svd/checkpoint/hollow.ts';
import { rendererOf } from '../support/processes.ts';
import { Stack, type JobState, type JobView, type ProgressView } from '../support/stack.ts';
import { copyCheckpoint, editJson, seededCheckpoint, svdFixture } from '../support/svd.ts';
import { describeStream, frameTable } from '../support/video.ts';
import { until } from '../support/waiting.ts';

const STAGES = ['LOADING_MODEL', 'ENCODING_IMAGE', 'DENOISING', 'DECODING', 'INTERPOLATING', 'ENCODING_VIDEO'];
const SMALL = { SVD_RENDER_SIZE: '128x64', SVD_DECODE_CHUNK_SIZE: '2', WORKER_DEVICES: 'cpu' };
/** The least work that a request can ask for: one UNet call per step. */
const QUICK = { seed: 5, tuning: { svdXt: { numInferenceSteps: 4, maxGuidanceScale: 1 } } };
/** Enough calls to be interrupted between two. */
const LONG = { seed: 5, tuning: { svdXt: { numInferenceSteps: 16 } } };

const isDenoising = ({ job }: ProgressView) => job.stage === 'DENOISING' && (job.step ?? 0) >= 2;
const stagesOf = (states: readonly JobState[]) => [...new Set(states.flatMap(({ stage }) => stage ?? []))];

let stack: Stack;
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'fm-svd-'));
});
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

const rendererPid = () => rendererOf(stack.worker!.process.pid!);

/** A job from its creation to its end. */
async function animate(input: object): Promise<JobView> {
  return await stack.finish((await stack.create(input)).id);
}

/** The video of a job that must be COMPLETED, as a file. */
async function videoOf({ id, status, error, result }: JobView): Promise<string> {
  expect({ status, error }).toEqual({ status: 'COMPLETED', error: null });
  const file = path.join(scratch, `${id}.mp4`);
  await writeFile(file, Buffer.from(await (await fetch(result!.video!.url)).arrayBuffer()));
  return file;
}

/** When each frame is shown, in frames, and its hash. */
async function framesOf(job: JobView): Promise<{ time: number; hash: string }[]> {
  const ffmpeg = await findFfmpeg({ FFMPEG_PATH: undefined });
  return await frameTable(ffmpeg.path, await videoOf(job), 12);
}

interface Offered {
  options: {
    engines: { name: string; available: boolean; isDefault: boolean; unavailableReason: string | null }[];
    estimates: { engine: string; resolution: string; durationSeconds: number; seconds: number }[];
  };
  health: { workers: { engines: string[]; unavailable: { engine: string; reason: string }[] }[] };
}

/** What the installation says of SVD_XT. */
async function offered() {
  const { data } = await stack.graphql<Offered>(`{
    options { engines { name available isDefault unavailableReason } estimates { engine resolution durationSeconds seconds } }
    health { workers { engines unavailable { engine reason } } }
  }`);
  return {
    engine: data.options.engines.find(({ name }) => name === 'SVD_XT')!,
    seconds: (resolution: string, duration: number) =>
      data.options.estimates.find((row) => row.engine === 'SVD_XT' && row.resolution === resolution && row.durationSeconds === duration)!
        .seconds,
    worker: data.health.workers[0]!,
  };
}

describe('SVD_XT from a photo to its video', () => {
  beforeAll(async () => {
    stack = await Stack.start({ environment: { ...SMALL, SVD_MODEL: await seededCheckpoint('tiny-a') }, statesKept: true });
  });
  afterAll(async () => {
    await stack?.stop();
  });

  it("is available on a CPU that WORKER_DEVICES names, is not the default there, and has the estimates of the worker's cost model", async () => {
    const { engine, seconds, worker } = await offered();
    expect(engine).toEqual({ name: 'SVD_XT', available: true, isDefault: false, unavailableReason: null });
    expect(worker).toEqual({ engines: ['PREVIEW', 'SVD_XT'], unavailable: [] });
    // Without a cost model the catalogue's figures would apply, which are those of a GPU and the real model.
    expect(seconds('P360', 3)).toBeLessThan(baselineSeconds(defaultOptions('SVD_XT', { resolution: 'P360', durationSeconds: 3 })));
    expect(seconds('P360', 3)).toBeGreaterThan(0);
    expect(seconds('P720', 3)).toBeGreaterThan(seconds('P360', 3));
    expect(seconds('P360', 12)).toBeGreaterThan(seconds('P360', 3));
  });

  it('reports every stage, shows a preview, and delivers the video that the result describes', async () => {
    const { id, estimatedSecondsRemaining } = await stack.create({ ...LONG, motion: 'PAN_L' });
    expect(estimatedSecondsRemaining).toBeGreaterThan(0);
    const renderer = await rendererPid();
    let preview: Promise<Response> | undefined;
    const events = await stack.follow(id, ({ job, previewUrl }) => {
      if (preview || !previewUrl || job.stage !== 'DENOISING') return false;
      process.kill(renderer, 'SIGSTOP'); // until the preview is fetched, which is deleted when the job ends
      preview = fetch(previewUrl).finally(() => process.kill(renderer, 'SIGCONT'));
      return false;
    });

    const states = await stack.states(id);
    expect(stagesOf(states)).toEqual(STAGES);
    for (const stage of STAGES) {
      const told = states.filter((state) => state.stage === stage);
      expect(told.map(({ step }) => step)).toEqual(told.map(({ step }) => step!).toSorted((a, b) => a - b));
      expect(new Set(told.map(({ totalSteps }) => totalSteps)).size).toBe(1);
    }
    const totals = Object.fromEntries(states.map(({ stage, totalSteps }) => [stage, totalSteps]));
    expect(totals).toMatchObject({ LOADING_MODEL: 5, ENCODING_IMAGE: 2, DENOISING: 16, DECODING: 3, INTERPOLATING: 36 });
    for (const seen of [states, events.map(({ job }) => job)]) {
      const percents = seen.map(({ percent }) => percent);
      expect(percents).toEqual(percents.toSorted((a, b) => a - b));
      expect(new Set(seen.filter(({ stage }) => stage === 'DENOISING').map(({ step }) => step)).size).toBeGreaterThan(1);
    }

    const shown = await preview!;
    expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    expect(
      Buffer.from(await shown.arrayBuffer())
        .subarray(0, 3)
        .toString('hex'),
    ).toBe('ffd8ff');

    const end = events.at(-1)!.job;
    expect(end.result).toMatchObject({ width: 480, height: 360, frameCount: 36, framesPerSecond: 12, durationSeconds: 3 });
    expect((await framesOf(end)).map(({ time }) => time)).toEqual(Array.from({ length: 36 }, (_, frame) => frame));
    const poster = await fetch(end.result!.poster!.url);
    expect([poster.status, poster.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    const video = await videoOf(end);
    const { path: ffmpeg } = await findFfmpeg({ FFMPEG_PATH: undefined });
    expect(await describeStream(ffmpeg, video)).toMatch(/h264 .*480x360.* 12 fps/);
    const { __typename, ...tuning } = end.options.tuning!;
    expect(__typename).toBe('SvdXtTuning');
    expect(await readVideoMetadata(video)).toMatchObject({
      engineVersion: expect.stringMatching(/^\d+\+tiny-a\+128x64\+d2$/),
      options: { ...end.options, tuning },
    });
  });

  it('loads once for consecutive jobs, and gives the same frames for the same seed and others for another', async () => {
    const first = await animate(QUICK);
    const again = await animate(QUICK);
    const other = await animate({ ...QUICK, seed: 6 });
    for (const { id } of [first, again, other]) expect(stagesOf(await stack.states(id))).not.toContain('LOADING_MODEL');
    const frames = await framesOf(first);
    expect(await framesOf(again)).toEqual(frames);
    expect(await framesOf(other)).not.toEqual(frames);
  });

  it('renders a portrait video of a portrait photo', async () => {
    const end = await animate({ ...QUICK, image: { uploadId: await stack.upload('portrait.jpg') } });
    expect(end).toMatchObject({ options: { orientation: 'PORTRAIT' }, result: { width: 360, height: 480, frameCount: 36 } });
    const { path: ffmpeg } = await findFfmpeg({ FFMPEG_PATH: undefined });
    expect(await describeStream(ffmpeg, await videoOf(end))).toContain('360x480');
  });

  // The renderer has finished five jobs by now.
  it.skipIf(process.platform !== 'linux')('holds no more memory after more jobs', async () => {
    const residentMb = async () =>
      Number(/^RssAnon:\s+(\d+) kB$/m.exec(await readFile(`/proc/${await rendererPid()}/status`, 'utf8'))![1]) / 1024;
    const measured = [await residentMb()];
    for (let job = 1; job <= 4; job++) {
      await animate(QUICK);
      measured.push(await residentMb());
    }
    // The least of the last two, because uncollected garbage comes and goes, while a leak grows with every job.
    expect(Math.min(...measured.slice(3)) - measured[0]!, `${measured.map(Math.round)} MB`).toBeLessThan(24);
  });

  it('is cancelled between two steps and keeps the renderer with the model in memory', async () => {
    const renderer = await rendererPid();
    const { id } = await stack.create(LONG);
    await stack.follow(id, isDenoising);
    const { data } = await stack.cancel(id);
    expect(data.cancelJob).toMatchObject({ status: 'CANCELLED', stage: null });
    const next = await animate(QUICK);
    expect(next.status).toBe('COMPLETED');
    expect(stagesOf(await stack.states(next.id))).not.toContain('LOADING_MODEL');
    expect(await rendererPid()).toBe(renderer);
  });

  it('recovers from a killed renderer: the next attempt loads the model again and gives the same frames', async () => {
    const undisturbed = await animate(LONG);
    const { id } = await stack.create(LONG);
    await stack.follow(id, isDenoising);
    process.kill(await rendererPid(), 'SIGKILL');
    const end = await stack.finish(id);
    const states = await stack.states(id);
    expect(states.filter(({ status }) => status === 'RETRYING')).toEqual([
      expect.objectContaining({ attempt: 1, errorCode: 'WORKER_LOST' }),
    ]);
    expect(stagesOf(states.filter(({ attempt }) => attempt === 2))).toContain('LOADING_MODEL');
    expect(end).toMatchObject({ status: 'COMPLETED', attempt: 2, error: null });
    expect(await framesOf(end)).toEqual(await framesOf(undisturbed));
  });

  it('is not used for a request that names no engine', async () => {
    const job = await stack.create();
    expect(job.options.engine).toBe('PREVIEW');
    expect((await stack.finish(job.id)).status).toBe('COMPLETED');
  });
});

describe('a worker that cannot run SVD_XT', () => {
  const UNET = 'unet/diffusion_pytorch_model.fp16.safetensors';
  let model: string;
  beforeAll(async () => {
    model = path.join(scratch, 'model');
    stack = await Stack.start({ worker: false, environment: SMALL });
  });
  afterEach(async () => {
    await stack.worker?.stop();
    stack.worker = null;
    // What it said would count for a while, and what its renders took for longer.
    await stack.sql('DELETE FROM worker');
    await stack.sql('DELETE FROM job');
    await rm(model, { recursive: true, force: true });
  });
  afterAll(async () => {
    await stack?.stop();
  });

  const CASES: [string, { spoil: () => Promise<void>; environment?: Record<string, string>; says: RegExp }][] = [
    [
      'its CPU is not in WORKER_DEVICES',
      {
        spoil: () => copyCheckpoint('tiny-a', model),
        environment: { WORKER_DEVICES: 'auto' },
        says: /takes hours on a CPU.*WORKER_DEVICES/,
      },
    ],
    [
      'the model is not installed',
      {
        spoil: async () => {},
        environment: { SVD_MODEL: 'svd-xt', MODELS_DIR: path.join(tmpdir(), 'nowhere') },
        says: /svd-xt is not installed \(4\.5 GB\)\.$/,
      },
    ],
    ['the folder holds no model', { spoil: async () => {}, says: /nor an existing folder \(.*model\)\.$/ }],
    [
      'weights are truncated',
      {
        spoil: async () => {
          await copyCheckpoint('tiny-a', model);
          await truncate(path.join(model, UNET), 100_000);
        },
        says: /unet.*\.safetensors is truncated/,
      },
    ],
    [
      'weights are of another model',
      {
        spoil: async () => {
          await copyCheckpoint('tiny-a', model);
          await editJson(path.join(model, 'unet/config.json'), { layers_per_block: 1 });
        },
        says: /does not match unet\/config\.json.*tensors unexpected/,
      },
    ],
  ];

  it.each(CASES)('because %s says so everywhere', async (_why, { spoil, environment, says }) => {
    await spoil();
    await stack.startWorker({ SVD_MODEL: model, ...environment });
    const { engine, worker } = await offered();
    expect(engine).toMatchObject({ available: false, isDefault: false, unavailableReason: expect.stringMatching(says) });
    expect(worker).toEqual({ engines: ['PREVIEW'], unavailable: [{ engine: 'SVD_XT', reason: engine.unavailableReason }] });
    const refused = await stack.tryCreate(QUICK);
    expect(refused.errors![0]).toMatchObject({
      message: expect.stringContaining(engine.unavailableReason!),
      extensions: { code: 'ENGINE_UNAVAILABLE', field: 'engine' },
    });
    const job = await stack.create();
    expect(job.options.engine).toBe('PREVIEW');
    expect((await stack.cancel(job.id)).data.cancelJob.status).toBe('CANCELLED');
  });

  it('fails a job once if weights disappear, says why, and is available again when they are back', async () => {
    await copyCheckpoint('tiny-a', model);
    await stack.startWorker({ SVD_MODEL: model });
    const renderer = await rendererPid();
    await rename(path.join(model, UNET), path.join(scratch, 'unet'));
    expect(await animate(QUICK)).toMatchObject({
      status: 'FAILED',
      attempt: 1,
      error: {
        code: 'MODEL_INVALID',
        message: expect.stringContaining('has no weights'),
        fault: 'OPERATOR',
        retry: 'LATER',
      },
    });
    await until(async () => !(await offered()).engine.available);
    expect((await offered()).worker.unavailable).toEqual([{ engine: 'SVD_XT', reason: expect.stringContaining('has no weights') }]);
    await rename(path.join(scratch, 'unet'), path.join(model, UNET));
    await until(async () => (await offered()).engine.available);
    expect(await animate(QUICK)).toMatchObject({ status: 'COMPLETED', attempt: 1 });
    expect(await rendererPid()).toBe(renderer);
  });

  it('leaves a job to a worker with an intact model if a loaded file is truncated', async () => {
    await copyCheckpoint('tiny-a', model);
    await stack.startWorker({ SVD_MODEL: model });
    const vae = path.join(model, 'vae/diffusion_pytorch_model.fp16.safetensors');
    const whole = await readFile(vae);
    expect((await animate(QUICK)).status).toBe('COMPLETED');
    await truncate(vae, 4_096); // kills the process that reads there
    const { id } = await stack.create(QUICK);
    await until(async () => !(await offered()).engine.available);
    expect((await offered()).engine.unavailableReason).toContain('truncated');
    expect((await animate({})).status).toBe('COMPLETED');
    await writeFile(vae, whole);
    expect(await stack.finish(id)).toMatchObject({ status: 'COMPLETED', attempt: 2 });
  });

  it('shows estimates of hours before anything is queued', async () => {
    await writeHollowCheckpoint(svdFixture('published', 'checkpoint'), model);
    await stack.startWorker({ SVD_MODEL: model, SVD_RENDER_SIZE: '' });
    const { engine, seconds } = await offered();
    expect(engine).toMatchObject({ available: true, isDefault: false });
    expect(seconds('P720', 6)).toBeGreaterThan(3_600);
    const other = await stack.create({ resolution: 'P1080', durationSeconds: 12 }); // so that the next one waits
    await stack.follow(other.id, ({ job }) => job.stage === 'RENDERING');
    const waiting = await stack.create({ engine: 'SVD_XT', resolution: 'P720', durationSeconds: 6 });
    expect(waiting).toMatchObject({ status: 'QUEUED', queuePosition: 1 });
    expect(waiting.estimatedSecondsRemaining).toBeGreaterThan(3_600);
    for (const { id } of [waiting, other]) expect((await stack.cancel(id)).data.cancelJob.status).toBe('CANCELLED');
  });
});
