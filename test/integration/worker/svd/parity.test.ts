import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, open, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../worker/svd/checkpoint/checkpoint.ts';
import { BACKENDS } from '../../../../worker/svd/runtime/backends.ts';
import { Networks } from '../../../../worker/svd/runtime/networks.ts';
import { openGolden, type Golden } from '../../../../worker/svd/parity/golden.ts';
import { compared, LIMITS, measured, relativeError, shareOff, type Row } from '../../../../worker/svd/parity/rows.ts';
import { CHECKS, parityTable } from '../../../../worker/svd/parity/table.ts';
import { openSafetensors, writeSafetensors } from '../../../../worker/svd/checkpoint/safetensors.ts';
import { copyCheckpoint, seededCheckpoint, svdFixture } from '../../../support/svd.ts';

const CHECK_NAMES = Object.keys(CHECKS) as (keyof typeof CHECKS)[];
/** Inputs in golden.safetensors; all other tensors are results. */
const INPUTS = /^(vae\.(image|z)|unet\.(sample|context|ids|timestep\.\d+)|pipeline\.(aug|latent)_noise)$/;

const networksOf = async (folder: string): Promise<Networks> =>
  new Networks(await openCheckpoint(folder), { backend: BACKENDS.cpu, precision: 'fp32', threads: 1 });
const failures = (rows: readonly Row[]): string[] => rows.filter(({ passed }) => !passed).map(({ name }) => name);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'parity-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe.each(['tiny-a', 'tiny-b', 'tiny-c'] as const)('the checkpoint %s', (name) => {
  let golden: Golden;
  let networks: Networks;
  const rows: Row[] = [];
  beforeAll(async () => {
    golden = await openGolden(svdFixture(name));
    networks = await networksOf(await seededCheckpoint(name));
  });
  afterAll(() => networks.dispose());

  it.each(CHECK_NAMES)('matches the official packages: %s', async (check) => {
    const checked = await collect(CHECKS[check](golden, networks));
    expect(checked.filter(({ passed }) => !passed)).toEqual([]);
    rows.push(...checked);
  });

  it('has a row for every official result, and for each step', async () => {
    const { tensors } = await openSafetensors(svdFixture(name, 'golden.safetensors'));
    const results = [...tensors.values()]
      .filter((tensor) => !INPUTS.test(tensor.name))
      .flatMap((tensor) => {
        if (!tensor.name.endsWith('latents')) return [tensor.name];
        const [steps] = tensor.shape;
        return Array.from({ length: steps! }, (_, step) => `${tensor.name}.${step + 1}/${steps}`);
      });
    const weights = ['weights.unet', 'weights.vae', 'weights.image_encoder'];
    expect(rows.map((row) => row.name).toSorted()).toEqual([...results, ...weights].toSorted());
  });
});

describe('the parity table', () => {
  it('detects a single wrong weight', async () => {
    await copyCheckpoint('tiny-c', folder);
    await flipSign(folder);
    const networks = await networksOf(folder);
    const rows = await collect(parityTable(await openGolden(svdFixture('tiny-c')), networks)).finally(() => networks.dispose());
    expect(failures(rows)).toEqual(expect.arrayContaining(['weights.unet', 'unet.out.0', 'unet.out.batch1', 'pipeline.latents.3/3']));
    expect(failures(rows).filter((name) => /^(weights\.(vae|image)|clip|vae)/.test(name))).toEqual([]);
  });

  it('fails for frames of which more than one in a thousand values differs by more than a gray level', async () => {
    const golden = await changedGolden('pipeline.frames.chunk3', (bytes) => {
      for (let i = 0; i < bytes.length; i += 900) bytes[i] = bytes[i]! < 128 ? bytes[i]! + 2 : bytes[i]! - 2;
    });
    const networks = await networksOf(await seededCheckpoint('tiny-c'));
    const rows = await collect(CHECKS.pipeline(golden, networks)).finally(() => networks.dispose());
    expect(failures(rows)).toEqual(['pipeline.frames.chunk3']);
  });

  it('ends a check that throws with a failed row that says why, and continues', async () => {
    await cp(svdFixture('tiny-c'), folder, { recursive: true });
    await rewriteGolden(folder, (name) => (name === 'unet.timestep.1' ? null : undefined));
    const golden = await openGolden(folder);
    const networks = await networksOf(await seededCheckpoint('tiny-c'));
    const rows = await collect(parityTable(golden, networks)).finally(() => networks.dispose());
    expect(rows.filter(({ passed }) => !passed)).toMatchObject([
      { name: 'unet', error: Number.NaN, problem: expect.stringContaining('unet.timestep.1') as string },
    ]);
    expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(['unet.out.0', 'pipeline.frames.chunk4']));
  });
});

describe('a row', () => {
  it('fails for NaN, and for a result of the wrong length', () => {
    const expected = Float32Array.of(1, 2);
    expect(compared('x', Float32Array.of(1, 2.0001), expected, 1e-4).passed).toBe(true);
    expect(compared('x', Float32Array.of(1, 2.001), expected, 1e-4).passed).toBe(false);
    expect(compared('x', Float32Array.of(1, Number.NaN), expected, 1e-4).passed).toBe(false);
    expect(compared('x', Float32Array.of(1), expected, 1e-4)).toMatchObject({ passed: false, problem: '1 values instead of 2' });
    expect(compared('x', Float32Array.of(1, 2), new Float32Array(2), 1e-4).passed).toBe(false);
  });

  it('measures the norm of the difference relative to that of the official result', () => {
    expect(relativeError(Float32Array.of(3, 4.5), Float32Array.of(3, 4))).toBeCloseTo(0.1, 7);
    expect(relativeError(new Float32Array(2), new Float32Array(2))).toBe(0);
  });

  it('measures frames by the share of values that differ by more than some gray levels', () => {
    expect(shareOff(Uint8Array.of(10, 11, 12, 255), Uint8Array.of(10, 10, 10, 0), 1)).toBe(0.5);
    expect(measured('x', LIMITS.fp32.frames, LIMITS.fp32.frames).passed).toBe(true);
  });
});

describe('a folder of golden numbers', () => {
  it('is rejected with the name of what is missing', async () => {
    await cp(svdFixture('tiny-c'), folder, { recursive: true });
    await rewriteGolden(folder, (name) => (name === 'vae.mode' ? null : undefined));
    await expect(openGolden(folder)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('has no vae.mode') as string,
    });
    await rewriteGolden(folder, () => undefined, { case: '{"seed":1,"size":[64]}', weights: '{}' });
    await expect(openGolden(folder)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});

describe('npm run parity', () => {
  it('exits with 0 if all rows pass, and leaves no files behind', async () => {
    const { code, stdout } = await run(svdFixture('tiny-c'));
    expect(stdout).toMatch(/^unet\.out\.1 +\d\.\de-\d +1e-4 {2}pass$/m);
    expect(stdout).toMatch(/^21 of 21 rows pass on cpu in fp32; /m);
    expect(code).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });

  it('exits with 1 if a row fails, with the weights in another folder', async () => {
    const checkpoint = path.join(folder, 'checkpoint');
    await copyCheckpoint('tiny-c', checkpoint);
    await flipSign(checkpoint);
    const { code, stdout, stderr } = await run(svdFixture('tiny-c'), '--checkpoint', checkpoint, '--json');
    const { passed, rows } = JSON.parse(stdout) as { passed: boolean; rows: Row[] };
    expect({ code, passed, stderr }).toEqual({ code: 1, passed: false, stderr: '' });
    expect(failures(rows)).toContain('weights.unet');
    expect(rows).toHaveLength(21);
  });

  it('uses weights in the folder with the golden numbers', async () => {
    const golden = path.join(folder, 'golden');
    await cp(svdFixture('tiny-c'), golden, { recursive: true });
    await copyCheckpoint('tiny-c', path.join(golden, 'checkpoint'));
    await truncate(path.join(golden, 'checkpoint/vae/diffusion_pytorch_model.fp16.safetensors'), 1000);
    expect(await run(golden)).toMatchObject({ code: 2, stderr: expect.stringContaining('is truncated') as string });
  });

  it.each([
    [[], 'Usage'],
    [['a', 'b'], 'Usage'],
    [['test/fixtures/svd/tiny-c', '--frobnicate'], '--frobnicate'],
    [['test/fixtures/svd/tiny-c', '--device', 'cuda:99'], 'cuda:99 cannot be used'],
    [['test/fixtures/svd/tiny-c', '--device', 'tpu'], '--device "tpu" is not one of cpu, cuda, webgpu'],
    [['test/fixtures/svd/tiny-c', '--dtype', 'f64'], 'fp32, fp16'],
    [['test/fixtures/svd/tiny-c', '--checkpoint', 'nowhere'], 'There is no folder'],
    [['test/fixtures/svd/mid-size'], 'golden.safetensors is missing'],
  ])('exits with 2 for %j', async (words, reason) => {
    expect(await run(...words)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(reason) as string });
  });

  it('deletes its temporary files when it is terminated', async () => {
    const child = start(svdFixture('tiny-b'));
    for await (const text of child.stderr.setEncoding('utf8')) if (String(text).includes('Writing the weights')) break;
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(143);
    expect(await readdir(folder)).toEqual([]);
  });
});

async function collect(rows: AsyncIterable<Row>): Promise<Row[]> {
  const all: Row[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

/** Starts the command with `folder` for temporary files. */
function start(...words: string[]) {
  const env = { ...process.env, TMPDIR: folder, TMP: folder, TEMP: folder };
  return spawn(process.execPath, [path.resolve('dist/worker/svd/parity/main.js'), ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function run(...words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = start(...words);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** Flips the sign of one weight of the UNet. */
async function flipSign(checkpoint: string): Promise<void> {
  const { unet } = await openCheckpoint(checkpoint);
  const { offset } = unet.weights.tensors.get('conv_in.weight')!;
  const file = await open(unet.weights.file, 'r+');
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, offset);
  buffer[1]! ^= 0x80;
  await file.write(buffer, 0, 2, offset);
  await file.close();
}

/** tiny-c's golden numbers with one tensor changed by `change`. */
async function changedGolden(name: string, change: (bytes: Uint8Array) => void): Promise<Golden> {
  await cp(svdFixture('tiny-c'), folder, { recursive: true });
  await rewriteGolden(folder, (found, bytes) => {
    if (found === name) change(bytes);
  });
  return await openGolden(folder);
}

/** Rewrites golden.safetensors; a tensor for which `change` returns null is dropped. */
async function rewriteGolden(
  goldenFolder: string,
  change: (name: string, bytes: Uint8Array) => null | void,
  metadata?: Record<string, string>,
): Promise<void> {
  const source = await openSafetensors(path.join(goldenFolder, 'golden.safetensors'));
  const file = await open(source.file);
  const tensors = [];
  for (const { offset, sizeBytes, ...tensor } of source.tensors.values()) {
    const { buffer } = await file.read(new Uint8Array(sizeBytes), 0, sizeBytes, offset);
    if (change(tensor.name, buffer) !== null) tensors.push({ ...tensor, chunks: () => [buffer] });
  }
  await file.close();
  await writeSafetensors(source.file, metadata ?? source.metadata, tensors);
}
