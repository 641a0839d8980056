import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frameCount, frameSize } from '../../../../src/catalog/catalog.ts';
import { svdXt, type SvdXtCostModel, type SvdXtOptions, type SvdXtTuning } from '../../../../src/catalog/engines/svd-xt.ts';
import { readConfig } from '../../../../src/config.ts';
import type { Capability, Engine, Picture, Report } from '../../../../worker/engine.ts';
import { openSafetensors } from '../../../../worker/svd/checkpoint/safetensors.ts';
import { svd } from '../../../../worker/svd/svd.ts';
import { copyCheckpoint, overwriteTensor, seededCheckpoint } from '../../../support/svd.ts';

const never = new AbortController().signal;
const configOf = (folder: string, extra: Record<string, string> = {}) =>
  readConfig({ SVD_MODEL: folder, SVD_RENDER_SIZE: '128x64', WORKER_DEVICES: 'cpu', SVD_DECODE_CHUNK_SIZE: '3', ...extra });

type Given = Partial<Omit<SvdXtOptions, 'tuning'>> & { readonly tuning?: Partial<SvdXtTuning> };

function options({ tuning, ...given }: Given = {}): SvdXtOptions {
  return {
    engine: 'SVD_XT',
    resolution: 'P360',
    orientation: 'LANDSCAPE',
    fit: 'COVER',
    crop: null,
    motion: 'DOLLY_IN',
    durationSeconds: 3,
    seed: 5,
    tuning: { numInferenceSteps: 4, minGuidanceScale: 1, maxGuidanceScale: 3, noiseAugStrength: 0.1, motionBucketId: 127, ...tuning },
    ...given,
  };
}

let folder: string;
let photo: Picture;
let engine: Engine<SvdXtOptions>;
let scratch: string;

beforeAll(async () => {
  folder = await seededCheckpoint('tiny-a');
  scratch = await mkdtemp(path.join(tmpdir(), 'fm-svd-'));
  const { data, info } = await sharp('test/fixtures/photos/coffee.jpg').removeAlpha().raw().toBuffer({ resolveWithObject: true });
  photo = { width: info.width, height: info.height, data };
  engine = svd.create('cpu', configOf(folder));
});

afterAll(async () => {
  await engine.dispose();
  await rm(scratch, { recursive: true, force: true });
});

interface Rendered {
  readonly pictures: Picture[];
  readonly reported: [stage: string, step: number][];
  readonly previews: Picture[];
}

/** Loads and renders as the renderer does. */
async function render(
  by: Engine,
  given: Given = {},
  signal = never,
  each: (stage: string, step: number) => void = () => {},
): Promise<Rendered> {
  const rendered: Rendered = { pictures: [], reported: [], previews: [] };
  const report: Report = {
    progress: (stage, step) => {
      rendered.reported.push([stage, step]);
      each(stage, step);
    },
    preview: (picture) => rendered.previews.push({ ...picture, data: picture.data.slice() }),
  };
  await by.load(options(given), report, signal);
  for await (const picture of by.render(photo, options(given), report, signal))
    rendered.pictures.push({ ...picture, data: picture.data.slice() });
  return rendered;
}

const sameBytes = (a: Picture, b: Picture) => Buffer.compare(a.data, b.data) === 0;

describe('SVD_XT', () => {
  it('reports the steps of its plan, yields every frame in the requested size, sends previews, and loads once per size', async () => {
    const plan = await engine.plan(options());
    const { pictures, reported, previews } = await render(engine);
    expect(plan.map(({ stage }) => stage)).toEqual(['LOADING_MODEL', 'ENCODING_IMAGE', 'DENOISING', 'DECODING', 'INTERPOLATING']);
    expect(reported).toEqual(plan.flatMap(({ stage, totalSteps }) => Array.from({ length: totalSteps }, (_, i) => [stage, i + 1])));
    expect(plan.every(({ secondsPerStep }) => secondsPerStep > 0)).toBe(true);
    expect(pictures).toHaveLength(frameCount(3));
    for (const { width, height, data } of pictures) expect([width, height, data.length]).toEqual([480, 360, 480 * 360 * 3]);
    expect(new Set(pictures.map(({ data }) => Buffer.from(data).toString('base64'))).size).toBe(pictures.length);
    expect(previews).toHaveLength(4);
    expect(previews[0]).toMatchObject({ width: 64, height: 32 });

    expect((await engine.plan(options())).map(({ stage }) => stage)).not.toContain('LOADING_MODEL');
    expect((await render(engine)).reported.filter(([stage]) => stage === 'LOADING_MODEL')).toEqual([]);
  });

  it('renders the same frames for the same seed, also in another instance, and different ones for another seed', async () => {
    const second = svd.create('cpu', configOf(folder));
    const [first, again, other] = [await render(engine, { seed: 7 }), await render(second, { seed: 7 }), await render(engine, { seed: 8 })];
    await second.dispose();
    expect(first.pictures.every((picture, i) => sameBytes(picture, again.pictures[i]!))).toBe(true);
    expect(sameBytes(first.pictures[10]!, other.pictures[10]!)).toBe(false);
  });

  it('renders in portrait orientation, and without guidance', async () => {
    const given = { orientation: 'PORTRAIT', tuning: { maxGuidanceScale: 1 }, fit: 'CONTAIN' } as const;
    const { pictures } = await render(engine, given);
    expect(pictures[0]).toMatchObject(frameSize({ resolution: 'P360', orientation: 'PORTRAIT' }));
    expect(pictures).toHaveLength(36);
  });

  it('renders the same frames if networks are swapped in and out of memory', async () => {
    const swapping = svd.create('cpu', configOf(folder, { SVD_MEMORY: 'low' }));
    expect((await swapping.plan(options())).map(({ stage }) => stage)).not.toContain('LOADING_MODEL');
    expect(swapping.version).toContain('+low+');
    const [kept, swapped] = [await render(engine, { seed: 9 }), await render(swapping, { seed: 9 })];
    expect(swapped.pictures.every((picture, i) => sameBytes(picture, kept.pictures[i]!))).toBe(true);
    await swapping.dispose();
  });

  it.each(['ENCODING_IMAGE', 'DENOISING', 'DECODING', 'INTERPOLATING'])(
    'stops before its next step when cancelled during %s',
    async (during) => {
      const control = new AbortController();
      const reported: string[] = [];
      const cancelled = render(engine, {}, control.signal, (stage, step) => {
        reported.push(`${stage} ${step}`);
        if (stage === during && step === 1) control.abort(new Error('cancelled'));
      });
      await expect(cancelled).rejects.toThrow('cancelled');
      expect(reported.at(-1)).toBe(`${during} 1`);
    },
  );

  it('fails instead of delivering NaN', async () => {
    const broken = path.join(scratch, 'broken');
    await copyCheckpoint('tiny-a', broken);
    const { file, tensors } = await openSafetensors(path.join(broken, 'unet/diffusion_pytorch_model.fp16.safetensors'));
    await overwriteTensor(file, tensors.get('conv_out.bias')!, 0x7e00); // NaN
    await expect(render(svd.create('cpu', configOf(broken)))).rejects.toMatchObject({ code: 'NON_FINITE_OUTPUT' });
  });

  it('fails instead of delivering a black frame for a photo that is not black', async () => {
    const dark = path.join(scratch, 'dark');
    await copyCheckpoint('tiny-a', dark);
    const { file, tensors } = await openSafetensors(path.join(dark, 'vae/diffusion_pytorch_model.fp16.safetensors'));
    await overwriteTensor(file, tensors.get('decoder.time_conv_out.bias')!, 0xd640); // −100
    await expect(render(svd.create('cpu', configOf(dark)))).rejects.toMatchObject({
      code: 'NON_FINITE_OUTPUT',
      message: expect.stringContaining('black'),
    });
  });

  it('names the model and the settings that affect frames in its version', () => {
    expect(svd.create('cpu', readConfig({ SVD_MODEL: 'svd-xt' })).version).toBe('1+svd-xt');
    expect(svd.create('cpu', configOf('some/folder/', { SVD_PRECISION: 'fp32' })).version).toBe('1+folder+fp32+128x64+d3');
  });

  it('fails with MODEL_INVALID if there is no checkpoint', async () => {
    await expect(svd.create('cpu', configOf(path.join(scratch, 'nowhere'))).plan(options())).rejects.toMatchObject({
      code: 'MODEL_INVALID',
    });
  });
});

/** The cost model of a capability, as its schema in the catalogue reads it. */
const costsIn = ({ costModel }: Capability): SvdXtCostModel => svdXt.costModel.parse(costModel);

describe("SVD_XT's capability", () => {
  it('includes a CPU only if it is configured, never by default, with a cost model', async () => {
    const capability = await svd.capability('cpu', configOf(folder));
    expect(capability).toMatchObject({ unavailable: null, byDefault: false });
    expect(costsIn(capability).P720!.perUnetCall).toBeGreaterThan(0);
    expect((await svd.capability('cpu', configOf(folder, { WORKER_DEVICES: 'auto' }))).unavailable).toContain('WORKER_DEVICES');
  });

  it('has a cost model that grows with the operations of a resolution', async () => {
    const costs = costsIn(await svd.capability('cpu', configOf(folder, { SVD_RENDER_SIZE: '' })));
    expect(costs.P720!.perUnetCall / costs.P360!.perUnetCall).toBeGreaterThan((1024 * 576) / (512 * 384));
    expect(costs.P1080!.perUnetCall).toBe(costs.P720!.perUnetCall);
    expect(costs.P1080!.perFrame).toBeGreaterThan(costs.P720!.perFrame);
  });

  it('reports what is missing, without a command, since clients of the API read it', async () => {
    const { unavailable } = await svd.capability('cpu', configOf('svd-xt', { MODELS_DIR: scratch }));
    expect(unavailable).toMatch(/^svd-xt is not installed \([\d.]+ GB\)\.$/);
    expect((await svd.capability('cuda:99', configOf(folder))).unavailable).toMatch(/^cuda:99 cannot be used: /);
    expect((await svd.capability('cuda:99', configOf('svd-xt', { MODELS_DIR: scratch }))).unavailable).toMatch(
      /^cuda:99 cannot be used: .*\. svd-xt is not installed/,
    );
  });

  it('reports what is wrong with a folder that is not a checkpoint', async () => {
    const wrong = path.join(scratch, 'wrong');
    await copyCheckpoint('tiny-a', wrong);
    await rm(path.join(wrong, 'unet/config.json'));
    expect((await svd.capability('cpu', configOf(wrong))).unavailable).toContain('unet');
  });
});
