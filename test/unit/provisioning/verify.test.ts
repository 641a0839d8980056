import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TransferMeter } from '../../../src/provisioning/weights/meter.ts';
import { pullModel } from '../../../src/provisioning/weights/pull.ts';
import { verifyModel } from '../../../src/provisioning/weights/verify.ts';
import { TestHub } from '../../support/hub.ts';

let hub: TestHub;
let folder: string;
const models = mkdtempSync(path.join(tmpdir(), 'fm-verify-'));
const published = 'unet/model.safetensors';
const unpublished = 'vae/model.safetensors';

beforeAll(async () => {
  hub = await TestHub.start({ [published]: randomBytes(50_000), [unpublished]: randomBytes(50_000), 'config.json': Buffer.from('{}') });
  folder = await pullModel(hub.model('tiny', { sha256: [unpublished] }), { models, hub: hub.hub });
});
afterAll(async () => {
  await hub.stop();
  await rm(models, { recursive: true, force: true });
});

const verdicts = async (meter = new TransferMeter()) => {
  const found: Record<string, string> = {};
  for await (const { path: file, verdict } of verifyModel(
    hub.model('tiny', { sha256: [unpublished] }),
    folder,
    meter,
    new AbortController().signal,
  ))
    found[file] = verdict;
  return found;
};

it('accepts files that match the published hash, or else the hash recorded by pull', async () => {
  const meter = new TransferMeter();
  expect(await verdicts(meter)).toEqual({ [published]: 'ok', [unpublished]: 'ok', 'config.json': 'ok' });
  expect(meter.progress()).toMatchObject({ doneBytes: 100_002, percent: 100 });
});

it.each([published, unpublished])('detects a flipped bit in %s', async (file) => {
  const whole = await readFile(path.join(folder, file));
  const broken = Buffer.from(whole);
  broken[40_000]! ^= 1;
  await writeFile(path.join(folder, file), broken);
  expect((await verdicts())[file]).toBe('wrong hash');
  await writeFile(path.join(folder, file), whole);
});

it('detects truncated and missing files, and reports files without any known hash', async () => {
  await writeFile(path.join(folder, published), 'short');
  await rm(path.join(folder, unpublished));
  await rm(path.join(folder, 'pulled.json'));
  expect(await verdicts()).toEqual({ [published]: 'wrong size', [unpublished]: 'missing', 'config.json': 'no published hash' });
});
