import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildStubs, linkProvider, stubVariables } from '../../../../scripts/check-cuda/stubs.ts';
import type { Figures, Report } from '../../../../worker/svd/bench/gpu/figures.ts';
import { cudaProvider } from '../../../support/tools.ts';

const PROVIDER = cudaProvider();
/** Time limit of a run on two busy cores. */
const SLOW_MS = 300_000;
const ENTRY = 'dist/worker/svd/bench/gpu/main.js';
const TINY = ['--config', 'tiny-a', '--steps', '4'];
/** Steps enough to see each kind. */
const ONLY = ['--only', 'parity', '--only', 'UNet'];

describe('npm run bench:gpu', () => {
  let folder: string;
  beforeAll(async () => (folder = await mkdtemp(path.join(tmpdir(), 'bench-gpu-'))));
  afterAll(() => rm(folder, { recursive: true }));

  it('measures a CPU, with nothing but the files that --list names', { timeout: SLOW_MS }, async () => {
    const copy = path.join(folder, 'copy');
    const listed = await promisify(execFile)(process.execPath, [ENTRY, '--list']);
    const files = listed.stdout.trim().split('\n');
    await Promise.all(files.map((file) => cp(file, path.join(copy, file), { dereference: true })));

    const { code, report, markdown } = await run(['--device', 'cpu', ...TINY, ...ONLY, '--only', 'profile low'], {}, copy);
    expect({ code, failed: titles(report, 'failed') }).toEqual({ code: 0, failed: [] });
    expect(titles(report, 'skipped')).toContain('cpu: VAE encoder, fp32');
    const figures = results(report);
    expect(figures.filter(({ kind }) => kind === 'network')).toHaveLength(3);
    expect(figures.filter(({ kind }) => kind === 'clip')).toHaveLength(1);
    expect(figures.find(({ kind }) => kind === 'parity')).toMatchObject({ model: 'tiny-a', rows: 24, passed: 24 });
    for (const title of ['Parity', 'Networks', 'Clips of 4 steps', 'Where the time goes: UNet on cpu', 'Not measured'])
      expect(markdown).toContain(`## ${title}`);
    expect(markdown).toContain('| cpu: VAE encoder, fp32 | skipped | not chosen by --only |');
  });

  it('exits 2 and says what is missing where there is no such device', async () => {
    const { code, markdown } = await run(['--device', 'cuda:0', ...TINY], { CUDA_VISIBLE_DEVICES: '', ORT_CUDA_PROVIDER_DIR: '' });
    expect(code).toBe(2);
    expect(markdown).toMatch(/\| cuda:0 \| skipped \| .+ \|/);
  });

  it('skips what exceeds its time, and says so', async () => {
    const { report } = await run(['--device', 'cpu', ...TINY, '--budget', '1']);
    expect(titles(report, 'skipped')).toContain('cpu: parity of tiny-a, fp32');
  });

  it('exits 2 for wrong arguments', async () => {
    for (const args of [
      ['--device', 'tpu'],
      ['--steps', '3'],
      ['--size', '64'],
      ['--frames', '2'],
    ])
      await expect(promisify(execFile)(process.execPath, [ENTRY, ...args])).rejects.toMatchObject({ code: 2, stdout: '' });
  });

  it.skipIf(!PROVIDER)('runs on the CUDA provider over stub libraries, and reports their wrong results', { timeout: SLOW_MS }, async () => {
    const stubs = path.join(folder, 'stubs');
    await buildStubs(PROVIDER!, stubs);
    await linkProvider(PROVIDER!, stubs);
    const { code, report } = await run(['--device', 'cuda:0', ...TINY, ...ONLY], stubVariables(stubs));
    expect(code).toBe(1);
    const parities = results(report).flatMap((result) => (result.kind === 'parity' ? [result] : []));
    expect(parities.map(({ precision, passed, rows }) => [precision, passed < rows])).toEqual([
      ['fp16', true],
      ['fp32', true],
    ]);
    const networks = results(report).flatMap((result) => (result.kind === 'network' ? [result] : []));
    expect(networks).toHaveLength(3);
    const profiles = networks.flatMap(({ figures: { profile } }) => (profile ? [profile] : []));
    expect(profiles.map(({ providers }) => Object.keys(providers))).toEqual([['CUDAExecutionProvider']]);
    expect(profiles[0]!.arenaBytes).toBeGreaterThan(1e6);
  });

  async function run(args: readonly string[], variables: Record<string, string> = {}, root = path.resolve('.')) {
    const out = path.join(folder, 'report');
    const options = { cwd: folder, env: { ...process.env, ...variables } };
    const { code } = await promisify(execFile)(process.execPath, [path.join(root, ENTRY), ...args, '--out', out], options).then(
      () => ({ code: 0 }),
      (error: { code: number }) => error,
    );
    const [markdown, json] = await Promise.all(['md', 'json'].map((extension) => readFile(`${out}.${extension}`, 'utf8')));
    return { code, report: JSON.parse(json!) as Report, markdown: markdown! };
  }
});

const titles = ({ outcomes }: Report, state: string) => outcomes.filter((outcome) => outcome.state === state).map(({ title }) => title);
const results = ({ outcomes }: Report): Figures[] => outcomes.flatMap((outcome) => (outcome.state === 'done' ? [outcome.result] : []));
