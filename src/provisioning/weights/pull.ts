/**
 * Downloads a known model. Files are saved in MODELS_DIR/.partial/NAME, from which an interrupted or killed run is resumed; once
 * complete, the folder is renamed to MODELS_DIR/NAME.
 */
import { lstat, mkdir, open, rename, rm, rmdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../config.ts';
import { DEFAULT_RETRY_POLICY, downloadFile, type RetryPolicy } from './download.ts';
import { ModelError } from './error.ts';
import type { Hub } from './hub.ts';
import { lockPull } from './lock.ts';
import { modelBytes, type KnownModel } from './manifest.ts';
import { describeBytes, TransferMeter } from './meter.ts';
import { PullRecord } from './record.ts';
import { downloadedBytes, fileProblems, partialFolder, sizeOf } from './state.ts';

/** Files downloaded at once. */
const PARALLEL = 4;
/** Disk space that must remain free. */
const SPARE_BYTES = 200e6;

export interface PullOptions {
  /** The folder of MODELS_DIR. */
  readonly models: string;
  readonly hub: Hub;
  /** Measures progress from the start of the call. */
  readonly meter?: TransferMeter;
  /** Shows the user one line: failed tries, damaged files. */
  readonly note?: (text: string) => void;
  readonly signal?: AbortSignal;
  readonly retryPolicy?: RetryPolicy;
}

export function hubOf(config: Pick<Config, 'HF_ENDPOINT' | 'HF_TOKEN'>): Hub {
  return { endpoint: config.HF_ENDPOINT, token: config.HF_TOKEN };
}

/**
 * Downloads and verifies the missing files of `model`. Downloaded bytes are kept if it fails.
 * @returns the model's folder
 * @throws ModelBusy if another process is downloading it
 * @throws ModelError
 * @throws the signal's reason once `signal` is aborted
 */
export async function pullModel(model: KnownModel, options: PullOptions): Promise<string> {
  const all = {
    meter: new TransferMeter(),
    note: () => {},
    signal: new AbortController().signal,
    retryPolicy: DEFAULT_RETRY_POLICY,
    ...options,
  };
  const { models, meter, signal } = all;
  const folder = path.join(models, model.name);
  const partial = partialFolder(models, model.name);
  try {
    await mkdir(path.dirname(partial), { recursive: true });
    const release = await lockPull(`${partial}.lock`, model.name);
    try {
      if ((await fileProblems(folder, model)).length === 0) return folder;
      await preparePartial(folder, partial);
      meter.begin(modelBytes(model), await downloadedBytes(partial, model));
      await assertFreeSpace(partial, model, meter);
      await downloadAll(model, partial, all);
      await rename(partial, folder);
      await flushFolder(models);
    } finally {
      await release();
    }
    await rmdir(path.dirname(partial)).catch(() => {}); // fails if it holds other models
    return folder;
  } catch (error) {
    signal.throwIfAborted();
    throw toModelError(error, models);
  }
}

/** Deletes a model, complete or partial. @returns false if there was nothing to delete */
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
    throw toModelError(error, models);
  }
}

/** Creates the folder of the partial download. An incomplete or damaged model in `folder` is moved there and completed. */
async function preparePartial(folder: string, partial: string): Promise<void> {
  const existing = await lstat(folder).catch(() => null);
  if (!existing) return void (await mkdir(partial, { recursive: true }));
  if (existing.isSymbolicLink())
    throw new ModelError(`${folder} is a link to an incomplete model.`, 'Remove the link, or complete the model that it points to.');
  if (await lstat(partial).catch(() => null))
    throw new ModelError(`${folder} and ${partial} are both incomplete.`, 'Remove one of them; the other one can then be completed.');
  await rename(folder, partial);
}

async function assertFreeSpace(partial: string, model: KnownModel, meter: TransferMeter): Promise<void> {
  const { bavail, bsize } = await statfs(partial);
  const { totalBytes, doneBytes } = meter.progress();
  const needed = totalBytes - doneBytes + SPARE_BYTES;
  if (bavail * bsize < needed)
    throw new ModelError(
      `${model.name} needs ${describeBytes(needed)} of free space on the disk of ${partial}, which has ${describeBytes(bavail * bsize)}.`,
      'Free space there, or set MODELS_DIR to a folder on another disk.',
    );
}

/** Downloads the largest files first, so that none of them is left for the end. The first failure aborts the others. */
async function downloadAll(
  model: KnownModel,
  partial: string,
  { hub, retryPolicy, meter, note, signal }: Required<PullOptions>,
): Promise<void> {
  const record = await PullRecord.open(partial, model);
  const files = model.files.toSorted((a, b) => (b.sizeBytes ?? 0) - (a.sizeBytes ?? 0)).values();
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  const transport = { hub, model, retryPolicy, meter, record, note, signal: controller.signal };
  const downloadNext = async () => {
    for (const file of files) {
      const verified = record.get(file.path)?.sha256 ?? null;
      const size = await sizeOf(path.join(partial, file.path));
      if (verified !== null && verified === (file.sha256 ?? verified) && size !== null && size === (file.sizeBytes ?? size)) continue;
      try {
        await downloadFile(file, partial, transport);
      } catch (error) {
        controller.abort(error);
        return;
      }
    }
  };
  signal.throwIfAborted();
  signal.addEventListener('abort', abort);
  await Promise.all(Array.from({ length: PARALLEL }, downloadNext));
  signal.removeEventListener('abort', abort);
  controller.signal.throwIfAborted();
}

/** A full disk or missing permissions as a ModelError; any other error unchanged. */
function toModelError(error: unknown, models: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ModelError(
      `No space is left on the disk of ${models}.`,
      'Free space there, or set MODELS_DIR to a folder on another disk. Downloaded bytes are kept.',
      error,
    );
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new ModelError(
      `${models} cannot be written to: ${message}`,
      'Fix its permissions, or set MODELS_DIR to a folder that you can write to.',
      error,
    );
  return error;
}

/** Makes a rename durable. On Windows, folders cannot be flushed and need not be. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
