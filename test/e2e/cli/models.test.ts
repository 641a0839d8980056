import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { examine } from '../../../src/cli/doctor.ts';
import { ask } from '../../../src/cli/models/ask.ts';
import { Place, type Run } from '../../support/cli.ts';
import { TestHub } from '../../support/hub.ts';
import { until } from '../../support/waiting.ts';

const UNET = 'unet/diffusion_pytorch_model.fp16.safetensors';

let place: Place;
let hub: TestHub;
let folder: string;

beforeAll(() => {
  place = new Place();
  folder = path.join(path.dirname(place.work), 'models');
});
beforeEach(async () => {
  hub = await TestHub.start({ 'model_index.json': Buffer.from('{}'), [UNET]: randomBytes(300_000) });
  await mkdir(folder);
  await writeFile(path.join(folder, 'manifest.json'), TestHub.manifest(hub.model()));
});
afterEach(async () => {
  await hub.stop();
  await rm(folder, { recursive: true });
});
afterAll(() => place.remove());

const environment = () => ({ MODELS_DIR: folder, HF_ENDPOINT: hub.endpoint, HF_TOKEN: '', SVD_MODEL: 'tiny' });
const start = (...args: string[]): Run => place.startWith(environment(), 'models', ...args);
const run = (...args: string[]) => place.runWith(environment(), 'models', ...args);
const pull = () => run('pull', 'tiny', '--accept-licence');
const has = async (bytes: number) => {
  await until(async () => (await readFile(path.join(folder, '.partial/tiny', UNET)).catch(() => Buffer.alloc(0))).length === bytes);
};

describe('models pull', () => {
  it('downloads a model, prints its progress as lines, and prints its folder', async () => {
    const { code, stdout, stderr } = await pull();
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${path.join(folder, 'tiny')}\n` });
    expect(stderr).toMatch(/^tiny: 100 % of 300 kB/m);
    expect(stderr).toContain('https://example.org/tiny');
    expect(await readFile(path.join(folder, 'tiny', UNET))).toEqual(hub.files[UNET]);
    expect(await pull()).toMatchObject({ code: 0, stdout, stderr: expect.stringContaining('already downloaded') });
  });

  it('downloads nothing until the licence is accepted', async () => {
    const { code, stdout, stderr } = await run('pull', 'tiny');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/Tiny Licence\n.*https:\/\/example\.org\/tiny\n.*\nPass --accept-licence/);
    expect(hub.seen).toEqual([]);
  });

  it('stops at Ctrl-C, reports how much is kept, and resumes there', async () => {
    hub.fault(UNET, { holdAfter: 120_000 });
    const first = start('pull', 'tiny', '--accept-licence');
    await has(120_000);
    first.pressCtrlC();
    expect(await first.code).toBe(130);
    expect(first.stderr).toMatch(/Interrupted\. 120 kB of 300 kB are kept/);
    const second = await pull();
    expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining('120 kB of 300 kB are already downloaded') });
    expect(hub.ranges(UNET)).toEqual([undefined, 'bytes=120000-']);
  });

  it('resumes right after it was killed, and shows no incomplete model under its name', async () => {
    for (const bytes of [50_000, 100_000]) {
      hub.fault(UNET, { holdAfter: 50_000 });
      const killed = start('pull', 'tiny', '--accept-licence');
      await has(bytes);
      await killed.kill();
      expect(existsSync(path.join(folder, 'tiny'))).toBe(false);
    }
    expect(await pull()).toMatchObject({ code: 0 });
    expect(hub.sentBytes[UNET]).toBe(300_000);
    expect(await run('verify')).toMatchObject({ code: 0 });
  });

  it('fails while another process is downloading the model', async () => {
    hub.fault(UNET, { holdAfter: 10 });
    const first = start('pull', 'tiny', '--accept-licence');
    await has(10);
    expect(await pull()).toMatchObject({ code: 1, stderr: expect.stringContaining(`process ${first.process.pid}`) });
    hub.release();
    expect(await first.code).toBe(0);
  });

  it('explains how to get access to a gated model, and uses a token', async () => {
    hub.token = 'hf_good';
    expect(await pull()).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/HTTP 401.*\n.*set HF_TOKEN/) });
    expect(await place.runWith({ ...environment(), HF_TOKEN: 'hf_good' }, 'models', 'pull', 'tiny', '--accept-licence')).toMatchObject({
      code: 0,
    });
  });

  it.each([[['pull']], [['pull', 'tinny']], [['pull', 'tiny', 'svd']], [['pull', 'tiny', '--yes']], [['list', 'all']], [['fetch']]])(
    'exits 2 for %j',
    async (args) => {
      expect(await run(...args)).toMatchObject({ code: 2, stdout: '' });
    },
  );
});

describe('models list, path, verify and remove', () => {
  it('lists known models, their state, and other folders', async () => {
    await mkdir(path.join(folder, 'mine'));
    const { stdout } = await run('list');
    expect(stdout).toMatch(/^ {2}svd-xt +4\.5 GB +no +Stable Video Diffusion XT/m);
    expect(stdout).toMatch(/^\* tiny +300 kB +no +a tiny model\. Licence: Tiny Licence$/m);
    expect(stdout).toContain('which also holds: mine');
    expect(stdout).toContain('npm run models -- pull tiny');
    await pull();
    expect((await run('list')).stdout).toMatch(/^\* tiny +300 kB +yes /m);
    const { models, others, current } = JSON.parse((await run('list', '--json')).stdout) as {
      models: { name: string; state: string; inUse: boolean }[];
      others: string[];
      current: { engine: string; kind: string }[];
    };
    expect(models.map(({ name, state, inUse }) => [name, state, inUse])).toEqual([
      ['svd', 'missing', false],
      ['svd-xt', 'missing', false],
      ['svd-xt-1-1', 'missing', false],
      ['tiny', 'present', true],
    ]);
    expect([others, current]).toMatchObject([['mine'], [{ engine: 'SVD_XT', kind: 'present' }]]);
  });

  it('prints the folder of a model, whether it exists or not', async () => {
    expect(await run('path')).toMatchObject({
      code: 0,
      stdout: `${path.join(folder, 'tiny')}\n`,
      stderr: expect.stringContaining('not installed'),
    });
    expect(await run('path', 'svd')).toMatchObject({ code: 0, stdout: `${path.join(folder, 'svd')}\n` });
  });

  it('verifies a model file by file, and pull repairs what verify finds', async () => {
    expect(await run('verify', 'tiny')).toMatchObject({ code: 1, stderr: expect.stringContaining('is not installed') });
    await pull();
    expect(await run('verify', 'tiny')).toMatchObject({
      code: 0,
      stdout: `ok                 model_index.json\nok                 ${UNET}\n`,
    });
    const broken = Buffer.from(hub.files[UNET]!);
    broken[7]! ^= 1;
    await writeFile(path.join(folder, 'tiny', UNET), broken);
    expect(await run('verify', 'tiny')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^wrong hash +unet/m),
      stderr: expect.stringContaining('models -- pull tiny'),
    });
    await pull();
    expect(await run('verify', 'tiny')).toMatchObject({ code: 0 });
  });

  it('removes a model only after confirmation', async () => {
    await pull();
    expect(await run('remove', 'tiny')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect(await run('remove', 'tiny', '--yes')).toMatchObject({ code: 0, stdout: 'tiny was removed.\n' });
    expect(existsSync(path.join(folder, 'tiny'))).toBe(false);
    expect(await run('remove', 'tiny')).toMatchObject({ code: 0, stdout: 'tiny was not downloaded.\n' });
  });

  it('names an invalid manifest', async () => {
    await writeFile(path.join(folder, 'manifest.json'), '{');
    expect(await run('list')).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(path.join(folder, 'manifest.json')) });
  });
});

describe('doctor', () => {
  const weights = async (more: Record<string, string> = {}) =>
    (await examine(place.work, { PATH: process.env['PATH'], STORAGE_DIR: place.storage, PORT: '0', ...environment(), ...more })).find(
      ({ check }) => check === 'weights',
    );

  it('warns about missing weights with the command that downloads them, without failing', async () => {
    expect(await weights()).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('PREVIEW does not'),
      hint: 'npm run models -- pull tiny',
    });
    expect(await weights({ SVD_AUTO_PULL: '1' })).toMatchObject({
      level: 'warn',
      hint: expect.stringContaining('next worker that starts downloads it'),
    });
    expect(await weights({ SVD_MODEL: 'svd_xt' })).toMatchObject({ level: 'warn', hint: expect.stringContaining('svd-xt') });
  });

  it('reports complete and incomplete weights', async () => {
    await pull();
    expect(await weights()).toMatchObject({ level: 'ok', message: expect.stringContaining(path.join(folder, 'tiny')) });
    await rm(path.join(folder, 'tiny', UNET));
    expect(await weights()).toMatchObject({ level: 'warn', message: expect.stringContaining(`${UNET} is missing`) });
  });
});

describe('a question at a terminal', () => {
  const answered = async (text: string) => {
    const input = new PassThrough();
    const output = new PassThrough();
    input.end(text);
    const said = await ask('Really?', input, output, { signal: new AbortController().signal, press() {} });
    return [said, String(output.read())];
  };

  it.each([
    ['y\n', true],
    ['YES\n', true],
    ['n\n', false],
    ['\n', false],
    ['yeah\n', false],
    ['', false],
  ])('takes %j for %s', async (text, meant) => {
    expect(await answered(text)).toEqual([meant, 'Really? [y/N] ']);
  });

  it('ends when it is interrupted', async () => {
    const controller = new AbortController();
    const asked = ask('Really?', new PassThrough(), new PassThrough(), { signal: controller.signal, press() {} });
    controller.abort(new Error('interrupted'));
    await expect(asked).rejects.toThrow('interrupted');
  });
});
