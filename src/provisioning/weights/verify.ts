import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { sha256OfFile } from './growing-file.ts';
import { modelBytes, type KnownModel } from './manifest.ts';
import type { TransferMeter } from './meter.ts';
import { PullRecord } from './record.ts';
import { sizeOf } from './state.ts';

export const VERDICTS = {
  ok: true,
  'no published hash': true,
  missing: false,
  'wrong size': false,
  'wrong hash': false,
} as const satisfies Record<string, boolean>;

export interface Verdict {
  readonly path: string;
  readonly verdict: keyof typeof VERDICTS;
}

/**
 * Hashes every file of `model` in `folder` and compares the hash with the published one, or else with the one recorded by `pull`. Records
 * damaged files, so that the next pull downloads them again.
 * @param meter counts the bytes hashed
 */
export async function* verifyModel(
  model: KnownModel,
  folder: string,
  meter: TransferMeter,
  signal: AbortSignal,
): AsyncGenerator<Verdict, void, undefined> {
  const record = await PullRecord.open(folder, model);
  meter.begin(modelBytes(model), 0);
  for (const file of model.files) {
    yield { path: file.path, verdict: await check() };

    async function check(): Promise<Verdict['verdict']> {
      const target = path.join(folder, file.path);
      const sizeBytes = await sizeOf(target);
      if (sizeBytes === null) return 'missing';
      if (file.sizeBytes !== null && file.sizeBytes !== sizeBytes) return 'wrong size';
      const expected = file.sha256 ?? record.get(file.path)?.sha256 ?? null;
      if (expected === null) return 'no published hash';
      if ((await sha256OfFile(target, signal, (bytes) => meter.add(bytes))) === expected) return 'ok';
      // A linked folder belongs to another program. If the folder is not writable, a pull could not repair it either.
      if (!(await lstat(folder)).isSymbolicLink())
        await record.set(file.path, { etag: null, published: expected, sha256: null }).catch(() => {});
      return 'wrong hash';
    }
  }
}
