/** `npm run bench:svd`: measures time and memory of each network on this machine's CPU. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../../../src/jobs/errors.ts';
import { writeSeededCheckpoint } from '../checkpoint/seeded.ts';
import type { Network } from '../runtime/networks.ts';
import { renderClips } from './clips.ts';
import { configFolder, SEED, withWeights } from './models.ts';
import type { NetworkFigures } from './network.ts';
import { measure, measureOfficial, MeasurementFailed } from './processes.ts';

const USAGE = `Usage: npm run bench:svd [-- options]

Measures the networks on the CPU, each in its own process: a first call, then the median of several more.

  --config NAME|FOLDER    tiny-a, tiny-b, mid-size (default), full-size, or the folder of a checkpoint; missing weights are computed from a seed
  --size WxH              image size in pixels, multiples of 64 (448x256)
  --num-frames N          frames of the UNet (8)
  --decode-chunk-size N   frames decoded at once (4)
  --threads N             CPU threads (2)
  --runs N                calls after the first (3)
  --rounds N              processes per network; the medians are reported (1)
  --only NAME             measure only clip, encode, unet or decode
  --make-random FOLDER    instead, only write the checkpoint with seeded weights
  --python PYTHON         also measure the official packages, with a Python that has test/reference/requirements.txt installed
  --jobs N                instead, render N whole clips in one process and print its memory after each
  --json                  print one JSON object
`;

/** Steps of a clip of --jobs. */
const JOB_STEPS = 4;
const NAMES = ['clip', 'encode', 'unet', 'decode'] as const;

type Name = (typeof NAMES)[number];

interface Request {
  /** Folder of a checkpoint with weights. */
  readonly folder: string;
  readonly width: number;
  readonly height: number;
  /** Frames of the UNet. */
  readonly numFrames: number;
  /** Frames decoded at once. */
  readonly decodeChunkSize: number;
  readonly threads: number;
  readonly runs: number;
}

/** The figures that are also known of the official packages. */
type Timing = Pick<NetworkFigures, 'load' | 'first' | 'seconds' | 'peakBytes'>;

/** Bad arguments; the message says what is wrong. */
class Unusable extends Error {}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      config: { type: 'string', default: 'mid-size' },
      size: { type: 'string', default: '448x256' },
      'num-frames': { type: 'string', default: '8' },
      'decode-chunk-size': { type: 'string', default: '4' },
      threads: { type: 'string', default: '2' },
      runs: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '1' },
      only: { type: 'string' },
      'make-random': { type: 'string' },
      python: { type: 'string' },
      jobs: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const configs = configFolder(values.config);
  if (values['make-random'] !== undefined) {
    const began = performance.now();
    await writeSeededCheckpoint(configs, path.resolve(values['make-random']), SEED);
    process.stdout.write(`${path.resolve(values['make-random'])} written in ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
    return;
  }
  const [width, height] = values.size.split('x').map(Number);
  const [numFrames, decodeChunkSize, threads, runs, rounds] = [
    values['num-frames'],
    values['decode-chunk-size'],
    values.threads,
    values.runs,
    values.rounds,
  ].map(Number);
  const numbers = [width, height, numFrames, decodeChunkSize, threads, runs, rounds];
  if (numbers.some((value) => !Number.isInteger(value) || value! < 1))
    throw new Unusable(`Sizes and counts must be whole numbers of at least 1.\n\n${USAGE}`);
  const names = NAMES.filter((name) => values.only === undefined || values.only === name);
  if (names.length === 0) throw new Unusable(`Unknown network ${JSON.stringify(values.only)}.\n\n${USAGE}`);

  const request: Request = {
    folder: await withWeights(configs),
    width: width!,
    height: height!,
    numFrames: numFrames!,
    decodeChunkSize: decodeChunkSize!,
    threads: threads!,
    runs: runs!,
  };
  if (values.jobs !== undefined) {
    await renderJobs(request, Number(values.jobs));
    return;
  }
  const ours: Partial<Record<Name, NetworkFigures>> = {};
  const theirs: Partial<Record<Name, Timing>> = {};
  // Network by network, alternating between ours and the official one, so that both run under the same conditions.
  for (const name of names) {
    const own: NetworkFigures[] = [];
    const official: Timing[] = [];
    for (let round = 0; round < rounds!; round++) {
      own.push(await timeOurs(name, request));
      if (values.python !== undefined) official.push(await timeTheirs(values.python, name, request));
    }
    ours[name] = { ...own[0]!, ...medians(own) };
    if (official.length > 0) theirs[name] = medians(official);
    if (!values.json) process.stdout.write(report(name, ours[name], theirs[name]));
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ request, ours, theirs })}\n`);
}

async function renderJobs({ folder, width, height, decodeChunkSize }: Request, count: number): Promise<void> {
  const steps = Array<number>(count).fill(JOB_STEPS);
  const clips = { folder, device: 'cpu', size: { width, height }, resolution: 'P360', memory: 'medium', decodeChunkSize, steps } as const;
  for await (const { residentBytes } of renderClips(clips)) process.stdout.write(`${Math.round(residentBytes / 1e6)} MB\n`);
}

async function timeOurs(
  name: Name,
  { folder, width, height, numFrames, decodeChunkSize, threads, runs }: Request,
): Promise<NetworkFigures> {
  const size = { width, height };
  const network: Record<Name, Network> = {
    clip: { name: 'image encoder' },
    encode: { name: 'encoder', size },
    unet: { name: 'unet', size, frames: numFrames, batch: 1 },
    decode: { name: 'decoder', size, frames: decodeChunkSize },
  };
  return await measure<NetworkFigures>('network', {
    folder,
    network: network[name],
    device: 'cpu',
    precision: 'fp32',
    memory: 'medium',
    threads,
    runs,
  });
}

async function timeTheirs(python: string, name: Name, request: Request): Promise<Timing> {
  const { folder, width, height, numFrames, decodeChunkSize, threads, runs } = request;
  const numbers = { '--num-frames': numFrames, '--decode-chunk-size': decodeChunkSize, '--threads': threads, '--runs': runs };
  const options = Object.entries(numbers).flatMap(([option, value]) => [option, String(value)]);
  const [figures] = await measureOfficial(python, [folder, '--only', name, '--size', `${width}x${height}`, ...options]);
  return figures!;
}

/** The median of each figure. */
function medians(timings: readonly Timing[]): Timing {
  const median = (figure: keyof Timing) =>
    timings.map((timing) => timing[figure]).toSorted((a, b) => a - b)[Math.floor(timings.length / 2)]!;
  return { load: median('load'), first: median('first'), seconds: median('seconds'), peakBytes: median('peakBytes') };
}

function report(name: Name, ours: NetworkFigures, theirs: Timing | undefined): string {
  const line = (implementation: string, { load, first, seconds, peakBytes }: Timing, rest: string) =>
    `${name.padEnd(7)} ${implementation.padEnd(9)} load ${load.toFixed(2)} s, first ${first.toFixed(2)} s, then ${seconds.toFixed(3)} s, peak ${(peakBytes / 1e6).toFixed(0)} MB${rest}\n`;
  const rate = `, ${(ours.flops / 1e9).toFixed(0)} GFLOP at ${(ours.flops / ours.seconds / 1e9).toFixed(0)} GFLOP/s`;
  if (!theirs) return line('ours', ours, rate);
  const ratio = `; ${(theirs.seconds / ours.seconds).toFixed(2)}× the time, ${(theirs.peakBytes / ours.peakBytes).toFixed(2)}× the memory`;
  return line('ours', ours, rate) + line('official', theirs, ratio);
}

try {
  await run();
} catch (error) {
  if (
    !(error instanceof Unusable) &&
    !(error instanceof MeasurementFailed) &&
    !(error instanceof AppError) &&
    (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') !== true
  )
    throw error;
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
