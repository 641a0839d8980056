/** Checks the machine itself: Node, ffmpeg and disk space, which are required; a GPU and model weights, which are optional. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { names } from '../../catalog/catalog.ts';
import { engineEntry, ENGINES, enginesWithWeights, type EngineName } from '../../catalog/engines.ts';
import type { Config } from '../../config.ts';
import { findFfmpeg } from '../../infra/media/ffmpeg.ts';
import { nvidiaDriver, type Driver } from '../../provisioning/cuda/cards.ts';
import { describeCard } from '../../provisioning/cuda/report.ts';
import { ModelError } from '../../provisioning/weights/error.ts';
import { knownModels } from '../../provisioning/weights/manifest.ts';
import { allowsAutoPull, configuredModel, modelState } from '../../provisioning/weights/state.ts';
import { storageFolder } from '../../infra/services.ts';
import { openStorage } from '../../infra/storage/open-storage.ts';
import { ROOT } from '../../process/version.ts';
import { AppError } from '../../jobs/errors.ts';
import { examineCuda, probeGpus } from '../../../worker/devices.ts';
import { cudaFindings } from './cuda.ts';
import { fail, ok, warn, type Finding } from './finding.ts';

/** Less free space than this causes a warning: the videos of one day may fill it. */
const LITTLE_SPACE_BYTES = 1e9;
/** Less free space than this cannot hold one video and a new database. */
const NO_SPACE_BYTES = 200e6;

export async function checkNode(version = process.versions.node): Promise<Finding> {
  const { engines } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as { engines: { node: string } };
  return satisfies(version, engines.node)
    ? ok('Node', `${version} on ${process.platform}-${process.arch}`)
    : fail('Node', `${version} is not supported; this program runs on ${engines.node}`, 'Install Node 22 or 24 (nodejs.org).');
}

/** Whether `version` lies in `range`: alternatives of ^a.b.c and >=a.b.c, as package.json uses them. */
export function satisfies(version: string, range: string): boolean {
  const numbers = (text: string) => (/\d+(\.\d+)*/.exec(text)?.[0] ?? '').split('.').map(Number);
  const have = numbers(version);
  return range.split('||').some((alternative) => {
    const want = numbers(alternative);
    const differs = want.findIndex((part, i) => part !== (have[i] ?? 0));
    const enough = differs < 0 || (have[differs] ?? 0) > want[differs]!;
    return enough && (!alternative.trim().startsWith('^') || have[0] === want[0]);
  });
}

export async function checkFfmpeg(config: Config): Promise<Finding> {
  try {
    const { path: program, version, source } = await findFfmpeg(config);
    const origin = { FFMPEG_PATH: 'from FFMPEG_PATH', system: 'from the PATH', npm: 'installed by npm' }[source];
    return ok('ffmpeg', `${version} with libx264, ${origin}: ${program}`);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return fail(
      'ffmpeg',
      error.message,
      config.FFMPEG_PATH
        ? 'Correct FFMPEG_PATH, or unset it.'
        : 'Run npm ci without --omit=optional, install ffmpeg on the system, or set FFMPEG_PATH.',
    );
  }
}

export async function checkStorage(config: Config): Promise<Finding> {
  const folder = storageFolder(config);
  const { blobs, workspace } = openStorage(folder);
  try {
    await blobs.ping();
  } catch (error) {
    return fail(
      'storage',
      `${folder} is not writable: ${(error as Error).message}`,
      'Set STORAGE_DIR to a writable folder, or correct the permissions of this one.',
    );
  }
  const free = await workspace.freeBytes();
  const message = `${folder}, ${(free / 1e9).toFixed(1)} GB free`;
  const hint = 'Free space there, or set STORAGE_DIR to a folder on another disk.';
  if (free < NO_SPACE_BYTES) return fail('storage', message, hint);
  return free < LITTLE_SPACE_BYTES ? warn('storage', message, hint) : ok('storage', message);
}

/** The GPU that engines can use, and what CUDA lacks. */
export async function checkGpu({ WORKER_DEVICES }: Config): Promise<Finding[]> {
  const [driver, gpus, cuda] = await Promise.all([nvidiaDriver(), probeGpus(), examineCuda(0)]);
  const isRequested = WORKER_DEVICES.some((device) => device.startsWith('cuda'));
  return [gpuFinding(driver, gpus), ...cudaFindings(cuda, isRequested)];
}

function gpuFinding(driver: Driver | null | Error, gpus: Awaited<ReturnType<typeof probeGpus>>): Finding {
  const runsOnGpu = (engine: EngineName) => gpus.some(({ device }) => engineEntry(engine).unavailableOn(device) === null);
  const uses = names(ENGINES).filter(runsOnGpu).join(', ');
  const others = names(ENGINES).filter((engine) => !runsOnGpu(engine));
  const needNone = others.map((engine) => `${engine} needs none`).join(', ');
  if (driver instanceof Error) {
    return warn(
      'GPU',
      `nvidia-smi fails: ${driver.message.trim().split('\n').at(-1)}`,
      `If this machine has a GPU, reinstall its driver. ${needNone}.`,
    );
  }
  // In order of preference. CUDA's own lines say why it cannot be used.
  const usable = gpus.find(({ probe }) => probe.hardware);
  if (usable) return ok('GPU', `${usable.probe.reason} ${uses} uses it, ${needNone}`);
  const found = gpus.filter(({ device }) => device !== 'cuda').map(({ probe }) => probe.reason);
  const cards = driver?.cards ?? [];
  if (cards.length > 0) {
    return warn(
      'GPU',
      `${[...cards.map(describeCard), ...found].join('; ')} ${uses} cannot use it`,
      `Install what the lines on CUDA name, or the Vulkan part of the driver (docs/webgpu.md). ${needNone}.`,
    );
  }
  return ok('GPU', `${found.join(' ')} ${uses} would take hours, ${needNone}`);
}

/** Checks names and sizes only; the content of the files is checked by the worker that loads them. */
export async function checkWeights(config: Config): Promise<Finding> {
  const withoutWeights = names(ENGINES).filter((engine) => engineEntry(engine).weights === null);
  try {
    const states = await Promise.all(
      enginesWithWeights().map(async ({ engine, weights }) => ({ engine, weights, ...(await modelState(config, weights)) })),
    );
    const missing = states.find(({ hint }) => hint !== null);
    if (!missing) {
      return ok('weights', [...states.map(({ message }) => message), ...withoutWeights.map((engine) => `${engine} needs none`)].join('; '));
    }
    const { engine, weights, message, hint } = missing;
    const pulls = allowsAutoPull(config, weights) && knownModels(config).has(configuredModel(config, weights));
    return warn(
      'weights',
      [`${message}; ${engine} needs it`, ...withoutWeights.map((other) => `${other} does not`)].join(', '),
      pulls ? `The next worker that starts downloads it (${weights.autoPullVariable}); to download it now: ${hint}` : hint!,
    );
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return warn('weights', error.message, error.hint);
  }
}
