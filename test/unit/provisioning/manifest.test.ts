import { mkdtempSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config.ts';
import { ModelError } from '../../../src/provisioning/weights/error.ts';
import { knownModels, modelBytes } from '../../../src/provisioning/weights/manifest.ts';
import { describeBytes, describeTransfer, TransferMeter } from '../../../src/provisioning/weights/meter.ts';
import { svdXt } from '../../../src/catalog/engines/svd-xt.ts';
import { modelFolder, modelState } from '../../../src/provisioning/weights/state.ts';
import { ROOT } from '../../../src/process/version.ts';

const models = mkdtempSync(path.join(tmpdir(), 'fm-manifest-'));
afterAll(() => rm(models, { recursive: true, force: true }));

const here = readConfig({});
const there = (environment: Record<string, string> = {}) => readConfig({ MODELS_DIR: models, ...environment });
const weightsOf = (name: string) =>
  knownModels(here)
    .get(name)!
    .files.filter(({ path: file }) => file.endsWith('.safetensors'));

describe('the manifest', () => {
  it('lists three models with the files needed for half precision', () => {
    expect([...knownModels(here).keys()]).toEqual(['svd', 'svd-xt', 'svd-xt-1-1']);
    for (const model of knownModels(here).values()) {
      expect(model.files.map(({ path: file }) => file).toSorted()).toEqual([
        'feature_extractor/preprocessor_config.json',
        'image_encoder/config.json',
        'image_encoder/model.fp16.safetensors',
        'model_index.json',
        'scheduler/scheduler_config.json',
        'unet/config.json',
        'unet/diffusion_pytorch_model.fp16.safetensors',
        'vae/config.json',
        'vae/diffusion_pytorch_model.fp16.safetensors',
      ]);
      expect(model.revision).toMatch(/^[\da-f]{40}$/);
      expect(model.files.filter(({ path: file, sizeBytes }) => file.endsWith('.safetensors') && sizeBytes === null)).toEqual([]);
    }
  });

  it('has sizes that add up: a header and two bytes per parameter', () => {
    expect(modelBytes(knownModels(here).get('svd-xt')!)).toBe(4_509_188_841);
    const parameters: Record<string, number> = { image_encoder: 632_076_800, unet: 1_524_623_082, vae: 97_742_847 };
    for (const name of knownModels(here).keys()) {
      expect(describeBytes(modelBytes(knownModels(here).get(name)!))).toBe('4.5 GB');
      for (const { path: file, sizeBytes } of weightsOf(name)) {
        const headerBytes = sizeBytes! - 2 * parameters[file.split('/')[0]!]!;
        expect(headerBytes).toBeGreaterThan(20_000);
        expect(headerBytes).toBeLessThan(250_000);
      }
    }
  });

  it('has the same image encoder and VAE for SVD and SVD-XT', () => {
    const [small, large] = ['svd', 'svd-xt'].map(weightsOf);
    const shared = small!.filter((file) =>
      large!.some((other) => other.path === file.path && other.sha256 === file.sha256 && file.sha256 !== null),
    );
    expect(shared.map(({ path: file }) => file)).toEqual([
      'image_encoder/model.fp16.safetensors',
      'vae/diffusion_pytorch_model.fp16.safetensors',
    ]);
  });

  it('is extended by a manifest in MODELS_DIR', async () => {
    const entry = {
      repository: 'us/own',
      revision: 'main',
      about: 'ours',
      licence: { name: 'none', url: 'https://example.org' },
      gated: false,
      files: { 'unet/config.json': { bytes: 3 } },
    };
    await writeFile(path.join(models, 'manifest.json'), JSON.stringify({ models: { own: entry } }));
    expect([...knownModels(there()).keys()]).toEqual(['svd', 'svd-xt', 'svd-xt-1-1', 'own']);
    expect(modelFolder(there(), 'own')).toBe(path.join(models, 'own'));
  });

  it.each([
    ['invalid JSON', '{'],
    ['no models', '{}'],
    [
      'a path outside the folder',
      JSON.stringify({
        models: {
          own: {
            repository: 'us/own',
            revision: 'main',
            about: '',
            licence: { name: '', url: 'https://x.example' },
            gated: false,
            files: { '../x': {} },
          },
        },
      }),
    ],
  ])('with %s is rejected with an error that names it', async (_what, text) => {
    await writeFile(path.join(models, 'manifest.json'), text);
    expect(() => knownModels(there())).toThrow(ModelError);
    expect(() => knownModels(there())).toThrow('manifest.json');
    await rm(path.join(models, 'manifest.json'));
  });
});

describe('SVD_MODEL', () => {
  it('means a known model in MODELS_DIR, or else a path', () => {
    expect(modelFolder(here, 'svd-xt')).toBe(path.join(ROOT, 'models', 'svd-xt'));
    expect(modelFolder(there(), 'svd-xt')).toBe(path.join(models, 'svd-xt'));
    expect(modelFolder(there(), 'weights/mine')).toBe(path.join(ROOT, 'weights', 'mine'));
    expect(modelFolder(there(), models)).toBe(models);
  });

  it('reports a known model that is not installed, with the command that downloads it', async () => {
    expect(await modelState(there(), svdXt.weights)).toMatchObject({
      kind: 'missing',
      message: 'svd-xt is not installed (4.5 GB)',
      hint: 'npm run models -- pull svd-xt',
    });
  });

  it('reports what a folder lacks', async () => {
    expect(await modelState(there({ SVD_MODEL: 'svdxt' }), svdXt.weights)).toMatchObject({
      kind: 'missing',
      message: expect.stringContaining('neither a known model'),
      hint: expect.stringContaining('svd-xt'),
    });
    const folder = path.join(models, 'mine');
    const mine = there({ SVD_MODEL: folder });
    const add = async (file: string) => {
      await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
      await writeFile(path.join(folder, file), '{}');
    };
    for (const part of ['vae', 'image_encoder', 'scheduler', 'feature_extractor']) await add(`${part}/config.json`);
    expect(await modelState(mine, svdXt.weights)).toMatchObject({
      kind: 'partial',
      message: expect.stringContaining('unet/ has no configuration'),
    });
    await add('unet/config.json');
    expect(await modelState(mine, svdXt.weights)).toMatchObject({
      kind: 'partial',
      message: expect.stringContaining('unet/ has no weights'),
    });
    for (const file of [
      'unet/diffusion_pytorch_model.safetensors',
      'vae/diffusion_pytorch_model.fp16.safetensors',
      'image_encoder/model.fp16.safetensors',
    ])
      await add(file);
    expect(await modelState(mine, svdXt.weights)).toMatchObject({ kind: 'present', folder, hint: null });
  });
});

describe('a transfer meter', () => {
  it('counts present bytes, transferred bytes and bytes that must be transferred again', () => {
    const meter = new TransferMeter();
    meter.begin(4_500_000_000, 1_000_000_000);
    expect(describeTransfer(meter.progress())).toBe('22 % of 4.5 GB');
    meter.add(2_000_000_000);
    meter.drop(750_000_000);
    expect(meter.progress()).toMatchObject({ doneBytes: 2_250_000_000, percent: 50 });
  });

  it('shows 100 % only once nothing is left', () => {
    const meter = new TransferMeter();
    meter.begin(1_000_000, 0);
    meter.add(999_999);
    expect(meter.progress().percent).toBe(99);
    meter.add(1);
    expect(describeTransfer(meter.progress())).toBe('100 % of 1.0 MB'.replace('1.0', '1'));
  });

  it.each([
    [45, 'about 45 s left'],
    [360, 'about 6 min left'],
    [7_300, 'about 2 h left'],
  ])('shows %i seconds as "%s"', (secondsLeft, words) => {
    expect(describeTransfer({ doneBytes: 1, totalBytes: 4.5e9, percent: 43, bytesPerSecond: 1, secondsLeft })).toBe(
      `43 % of 4.5 GB, ${words}`,
    );
  });
});
