/** `npm run bench:svd`: measures time and memory of each network on this machine's CPU. */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { ROOT } from '../../../src/process/version.ts';
import { AppError } from '../../../src/jobs/errors.ts';
import { hasWeights } from '../checkpoint/checkpoint.ts';
import { writeSeededCheckpoint } from '../checkpoint/seeded.ts';
import { renderJobs } from './jobs.ts';
import { NAMES, type NetworkName, type Request, type Timing } from './network.ts';

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
  --against PYTHON        also measure the official packages, with a Python that has test/reference/requirements.txt installed
  --jobs N                instead, render N whole clips in one process and print its memory after each
  --json                  print one JSON object
`;

const SEED = 7;
/** Values of --config → folders in test/fixtures/svd. */
const CONFIGS: Readonly<Record<string, string>> = {
  'tiny-a': 'tiny-a',
  'tiny-b': 'tiny-b',
  'mid-size': 'mid-size',
  'full-size': 'published',
};

/** Bad arguments or a failed measurement; the message says what is wrong. */
class Unusable extends Error {}

type Timings = Partial<Record<NetworkName, Timing>>;

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
      against: { type: 'string' },
      jobs: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const known = CONFIGS[values.config];
  const configs = known ? path.join(ROOT, 'test/fixtures/svd', known, 'checkpoint') : path.resolve(values.config);
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

  const isComplete = await hasWeights(configs).catch(() => {
    throw new Unusable(`There is no folder ${configs}.`);
  });
  const temporary = isComplete ? null : await mkdtemp(path.join(tmpdir(), 'bench-svd-'));
  try {
    if (temporary) await writeSeededCheckpoint(configs, temporary, SEED);
    const request: Request = {
      folder: temporary ?? configs,
      width: width!,
      height: height!,
      numFrames: numFrames!,
      decodeChunkSize: decodeChunkSize!,
      threads: threads!,
      runs: runs!,
    };
    if (values.jobs !== undefined) {
      for await (const megabytes of renderJobs(request, Number(values.jobs))) process.stdout.write(`${megabytes} MB\n`);
      return;
    }
    const ours: Timings = {};
    const theirs: Timings = {};
    // Network by network, alternating between ours and the official one, so that both run under the same conditions.
    for (const name of names) {
      const [own, official]: [Timing[], Timing[]] = [[], []];
      for (let round = 0; round < rounds!; round++) {
        own.push(await timeOurs(name, request));
        if (values.against !== undefined) official.push(await timeTheirs(values.against, name, request));
      }
      ours[name] = medians(own);
      if (official.length > 0) theirs[name] = medians(official);
      if (!values.json) process.stdout.write(report(name, ours[name], theirs[name]));
    }
    if (values.json) process.stdout.write(`${JSON.stringify({ request, ours, theirs })}\n`);
  } finally {
    if (temporary) await rm(temporary, { recursive: true, force: true });
  }
}

async function timeOurs(name: NetworkName, request: Request): Promise<Timing> {
  const child = fork(new URL('network.js', import.meta.url), [name, JSON.stringify(request)], { execArgv: [] });
  let timing: Timing | null = null;
  child.once('message', (message) => (timing = message as Timing));
  await once(child, 'close');
  if (!timing) throw new Unusable(`Measuring ${name} failed.`);
  return timing;
}

async function timeTheirs(
  python: string,
  name: NetworkName,
  { folder, width, height, numFrames, decodeChunkSize, threads, runs }: Request,
): Promise<Timing> {
  const script = path.join(ROOT, 'test/reference/bench_torch.py');
  const { stdout } = await promisify(execFile)(
    python,
    [
      script,
      folder,
      '--only',
      name,
      '--size',
      `${width}x${height}`,
      '--num-frames',
      String(numFrames),
      '--decode-chunk-size',
      String(decodeChunkSize),
      '--threads',
      String(threads),
      '--runs',
      String(runs),
    ],
    { maxBuffer: 1e7 },
  );
  const { networks, peakBytes } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { networks: Timings; peakBytes: number };
  return { ...networks[name]!, peakBytes };
}

/** The median of each figure. */
function medians(timings: readonly Timing[]): Timing {
  const median = (figure: keyof Timing) =>
    timings.map((timing) => timing[figure]).toSorted((a, b) => a - b)[Math.floor(timings.length / 2)]!;
  return {
    load: median('load'),
    first: median('first'),
    seconds: median('seconds'),
    flops: median('flops'),
    peakBytes: median('peakBytes'),
  };
}

function report(name: NetworkName, ours: Timing, theirs: Timing | undefined): string {
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
    !(error instanceof AppError) &&
    (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') !== true
  )
    throw error;
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
