/** `npm run parity -- FOLDER`: computes everything that the folder has official numbers for, and says how far off it is. */
import { rmSync } from 'node:fs';
import { mkdtemp, readdir } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../../../src/jobs/errors.ts';
import { openCheckpoint, type Checkpoint } from '../checkpoint/files.ts';
import { Networks } from '../runtime/networks.ts';
import { writeSeededCheckpoint } from '../checkpoint/seeded.ts';
import type { Provider, Runtime } from '../runtime/session.ts';
import { openGolden, type Golden } from './golden.ts';
import type { Row } from './rows.ts';
import { parityTable } from './table.ts';

const USAGE = `Usage: npm run parity -- FOLDER [options]

Computes what FOLDER has official numbers for and compares: golden.safetensors, photo.png and checkpoint/ with the configs, and perhaps
the weights; without them they are made from the seed, in a temporary folder.

  --device cpu|webgpu    what computes (cpu)
  --dtype fp32|fp16        the type of the arithmetic (fp32)
  --checkpoint FOLDER    where the weights are, if elsewhere
  --json                 one JSON object instead of a table

Exits 1 if a row fails, and 2 if it cannot begin.
`;

const EXIT = { passed: 0, failed: 1, unusable: 2 } as const;
const PROVIDERS: Readonly<Record<string, Provider>> = { cpu: 'cpu', webgpu: 'webgpu' };
const PRECISIONS: Readonly<Record<string, Runtime['precision']>> = { fp32: 'fp32', fp16: 'fp16' };

interface Arguments {
  readonly folder: string;
  readonly runtime: Runtime;
  readonly checkpoint?: string;
  readonly json: boolean;
}

/** Nothing can be compared; the message says why. */
class Unusable extends Error {}

async function run(words: string[]): Promise<number> {
  try {
    const request = readArguments(words);
    if (request === 'help') {
      process.stdout.write(USAGE);
      return EXIT.passed;
    }
    const golden = await openGolden(request.folder);
    return await compare(request, golden, await openWeights(golden, request.checkpoint));
  } catch (error) {
    if (!(error instanceof AppError) && !(error instanceof Unusable)) throw error;
    process.stderr.write(`${error.message}\n`);
    return EXIT.unusable;
  }
}

function readArguments(words: string[]): Arguments | 'help' {
  const {
    values,
    positionals: [folder, ...more],
  } = parse(words);
  if (values.help) return 'help';
  if (folder === undefined || more.length > 0) throw new Unusable(USAGE);
  if (values.device === 'cuda') throw new Unusable('--device cuda is not part of this version; cpu and webgpu are.');
  return {
    folder,
    runtime: { provider: choose('--device', values.device, PROVIDERS), precision: choose('--dtype', values.dtype, PRECISIONS) },
    checkpoint: values.checkpoint,
    json: values.json,
  };
}

function parse(words: string[]) {
  try {
    return parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        device: { type: 'string', default: 'cpu' },
        dtype: { type: 'string', default: 'fp32' },
        checkpoint: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new Unusable(`${(error as Error).message.split('. ', 1)[0]}.\n${USAGE}`);
  }
}

function choose<T>(option: string, word: string, choices: Readonly<Record<string, T>>): T {
  if (!Object.hasOwn(choices, word))
    throw new Unusable(`${option} ${JSON.stringify(word)} is not one of ${Object.keys(choices).join(', ')}.`);
  return choices[word]!;
}

/** The checkpoint with its weights: those in `folder`, or beside the golden numbers, or made from the seed for as long as this process lives. */
async function openWeights(golden: Golden, folder: string | undefined): Promise<Checkpoint> {
  if (folder !== undefined) return await openCheckpoint(folder);
  const configs = path.join(golden.folder, 'checkpoint');
  if (await hasWeights(configs)) return await openCheckpoint(configs);
  const temporary = await mkdtemp(path.join(tmpdir(), 'parity-'));
  process.once('exit', () => rmSync(temporary, { recursive: true, force: true, maxRetries: 5 }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(128 + constants.signals[signal]));
  process.stderr.write(`Making the weights of seed ${golden.case.seed} in ${temporary}\n`);
  await writeSeededCheckpoint(configs, temporary, golden.case.seed);
  return await openCheckpoint(temporary);
}

async function hasWeights(folder: string): Promise<boolean> {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  return files.some((file) => file.endsWith('.safetensors'));
}

/** @returns the exit code */
async function compare({ runtime, json }: Arguments, golden: Golden, checkpoint: Checkpoint): Promise<number> {
  const started = performance.now();
  const networks = new Networks(checkpoint, runtime, 'swap');
  const rows: Row[] = [];
  if (!json) process.stdout.write(`${line('row', 'error', 'limit')}\n`);
  try {
    for await (const row of parityTable(golden, networks)) {
      rows.push(row);
      if (!json) process.stdout.write(`${format(row)}\n`);
    }
  } finally {
    await networks.dispose();
  }
  const passed = rows.filter((row) => row.passed).length;
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  const summary = { passed: passed === rows.length, device: runtime.provider, dtype: runtime.precision, seconds, peakBytes, rows };
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else
    process.stdout.write(
      `\n${passed} of ${rows.length} rows pass on ${runtime.provider} in ${runtime.precision}; ${seconds} s, ${(peakBytes / 1e9).toFixed(2)} GB of memory at most\n`,
    );
  return summary.passed ? EXIT.passed : EXIT.failed;
}

function format({ name, error, limit, passed, problem }: Row): string {
  return `${line(name, Number.isNaN(error) ? '–' : short(error), short(limit))}  ${passed ? 'pass' : 'FAIL'}${problem ? `  ${problem}` : ''}`;
}

const line = (name: string, error: string, limit: string): string => `${name.padEnd(36)}${error.padStart(8)}  ${limit.padStart(6)}`;
const short = (value: number): string => (value === 0 ? '0' : value.toExponential(value === Number(value.toExponential(0)) ? 0 : 1));

process.exitCode = await run(process.argv.slice(2));
