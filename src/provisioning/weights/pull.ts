/**
 * Fetches a known model. It grows in MODELS_DIR/.partial/NAME, where a run that was cut or killed at any moment is gone on with, and
 * gets its name when it is whole.
 */
import { lstat, mkdir, open, rename, rm, rmdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../config.ts';
import { downloadFile, PATIENCE, type Patience } from './download.ts';
import { ModelError } from './error.ts';
import type { Hub } from './hub.ts';
import { lockPull } from './lock.ts';
import { modelBytes, type KnownModel } from './manifest.ts';
import { describeBytes, TransferMeter } from './meter.ts';
import { PullRecord } from './record.ts';
import { bytesHere, faultsOf, partialFolder, sizeOf } from './state.ts';

/** Files fetched at once. */
const PARALLEL = 4;
/** What stays free on the disk. */
const SPARE_BYTES = 200e6;

export interface PullOptions {
  /** The folder of MODELS_DIR. */
  readonly models: string;
  readonly hub: Hub;
  /** Shows how far it is, from the moment this is called. */
  readonly meter?: TransferMeter;
  /** Hears what a person should know: tries that fail, damage. */
  readonly note?: (text: string) => void;
  readonly signal?: AbortSignal;
  readonly patience?: Patience;
}

export function hubOf(config: Pick<Config, 'HF_ENDPOINT' | 'HF_TOKEN'>): Hub {
  return { endpoint: config.HF_ENDPOINT, token: config.HF_TOKEN };
}

/**
 * Fetches what is missing of `model`, verifies it, and gives it its name.
 * @returns its folder
 * @throws ModelError, ModelBusy if another process is at it; the signal's reason once that is aborted. What has arrived is kept.
 */
export async function pullModel(model: KnownModel, options: PullOptions): Promise<string> {
  const all = { meter: new TransferMeter(), note: () => {}, signal: new AbortController().signal, patience: PATIENCE, ...options };
  const { models, meter, signal } = all;
  const folder = path.join(models, model.name);
  const partial = partialFolder(models, model.name);
  try {
    await mkdir(path.dirname(partial), { recursive: true });
    const release = await lockPull(`${partial}.lock`, model.name);
    try {
      if ((await faultsOf(folder, model)).length === 0) return folder;
      await makeReady(folder, partial);
      meter.begin(modelBytes(model), await bytesHere(partial, model));
      await assertRoom(partial, model, meter);
      await downloadAll(model, partial, all);
      await rename(partial, folder);
      await flushFolder(models);
    } finally {
      await release();
    }
    await rmdir(path.dirname(partial)).catch(() => {}); // other models may be in it
    return folder;
  } catch (error) {
    signal.throwIfAborted();
    throw inWords(error, models);
  }
}

/** Removes a model and what there is of it, whether it is whole or not; whether there was anything. */
export async function removeModel(models: string, name: string): Promise<boolean> {
  const folder = path.join(models, name);
  const partial = partialFolder(models, name);
  const found = await Promise.all(
    [folder, partial].map((place) =>
      lstat(place).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (!found.includes(true)) return false;
  try {
    await mkdir(path.dirname(partial), { recursive: true });
    const release = await lockPull(`${partial}.lock`, name);
    try {
      for (const place of [folder, partial]) await rm(place, { recursive: true, force: true, maxRetries: 3 });
    } finally {
      await release();
    }
    await rmdir(path.dirname(partial)).catch(() => {});
    return true;
  } catch (error) {
    throw inWords(error, models);
  }
}

/** Takes what is under the model's name but not whole, such as a damaged copy, as the beginning. */
async function makeReady(folder: string, partial: string): Promise<void> {
  const there = await lstat(folder).catch(() => null);
  if (!there) return void (await mkdir(partial, { recursive: true }));
  if (there.isSymbolicLink())
    throw new ModelError(`${folder} is a link to something that is not whole.`, 'Remove the link, or make whole what it points to.');
  if (await lstat(partial).catch(() => null))
    throw new ModelError(`${folder} is not whole, and neither is ${partial}.`, 'Remove the worse of the two.');
  await rename(folder, partial);
}

async function assertRoom(partial: string, model: KnownModel, meter: TransferMeter): Promise<void> {
  const { bavail, bsize } = await statfs(partial);
  const { totalBytes, doneBytes } = meter.standing();
  const needed = totalBytes - doneBytes + SPARE_BYTES;
  if (bavail * bsize < needed)
    throw new ModelError(
      `${model.name} needs ${describeBytes(needed)} more on the disk of ${partial}, where ${describeBytes(bavail * bsize)} are free.`,
      'Free space there, or set MODELS_DIR to a folder on another disk.',
    );
}

/** Largest first, so that the longest does not end alone. The first failure ends all. */
async function downloadAll(
  model: KnownModel,
  partial: string,
  { hub, patience, meter, note, signal }: Required<PullOptions>,
): Promise<void> {
  const record = await PullRecord.open(partial, model);
  const files = model.files.toSorted((a, b) => (b.sizeBytes ?? 0) - (a.sizeBytes ?? 0)).values();
  const ending = new AbortController();
  const end = () => ending.abort(signal.reason);
  const transport = { hub, model, patience, meter, record, note, signal: ending.signal };
  const work = async () => {
    for (const file of files) {
      const verified = record.get(file.path)?.sha256 ?? null;
      const there = await sizeOf(path.join(partial, file.path));
      if (verified !== null && verified === (file.sha256 ?? verified) && there !== null && there === (file.sizeBytes ?? there)) continue;
      try {
        await downloadFile(file, partial, transport);
      } catch (error) {
        ending.abort(error);
        return;
      }
    }
  };
  signal.throwIfAborted();
  signal.addEventListener('abort', end);
  await Promise.all(Array.from({ length: PARALLEL }, work));
  signal.removeEventListener('abort', end);
  ending.signal.throwIfAborted();
}

function inWords(error: unknown, models: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ModelError(
      `There is no room left on the disk of ${models}.`,
      'Free space there, or set MODELS_DIR to a folder on another disk; what has arrived is kept.',
      error,
    );
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new ModelError(
      `${models} cannot be written to: ${message}`,
      'Correct its permissions, or set MODELS_DIR to a folder of yours.',
      error,
    );
  return error;
}

/** Makes a rename last. On Windows, folders cannot be flushed and need not be. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
