/** `npm run parity -- FOLDER`: computes everything that the folder has official numbers for and reports the error of each result. */
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../../../src/jobs/errors.ts';
import { hasWeights, openCheckpoint, type Checkpoint } from '../checkpoint/checkpoint.ts';
import type { Precision } from '../graph/onnx.ts';
import { BACKENDS, findBackend } from '../runtime/backends.ts';
import { Networks } from '../runtime/networks.ts';
import type { Runtime } from '../runtime/session.ts';
import { temporaryCheckpoint } from '../checkpoint/temporary.ts';
import { openGolden, type Golden } from './golden.ts';
import type { Row } from './rows.ts';
import { parityTable } from './table.ts';

const USAGE = `Usage: npm run parity -- FOLDER [options]

Computes everything that FOLDER has official numbers for and compares. FOLDER holds golden.safetensors, photo.png and checkpoint/ with the
configuration and optionally the weights; otherwise the weights are computed from the seed and written to a temporary folder.

  --device DEVICE        device to compute on: ${Object.keys(BACKENDS).join(' or ')} (cpu)
  --dtype fp32|fp16      precision to compute in (fp32)
  --checkpoint FOLDER    checkpoint with the weights, if not in FOLDER/checkpoint
  --json                 print one JSON object instead of a table

Exits with 1 if a row fails, and with 2 if the comparison cannot start.
`;

const EXIT = { passed: 0, failed: 1, unusable: 2 } as const;
const PRECISIONS: readonly Precision[] = ['fp32', 'fp16'];

interface Arguments {
  readonly folder: string;
  readonly device: string;
  readonly runtime: Runtime;
  readonly checkpoint?: string;
  readonly json: boolean;
}

/** The comparison cannot start; the message says why. */
class Unusable extends Error {}

async function run(args: string[]): Promise<number> {
  try {
    const request = await readArguments(args);
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

async function readArguments(args: string[]): Promise<Arguments | 'help'> {
  const {
    values,
    positionals: [folder, ...more],
  } = parse(args);
  if (values.help) return 'help';
  if (folder === undefined || more.length > 0) throw new Unusable(USAGE);
  const found = findBackend(values.device);
  if (!found) throw new Unusable(`--device ${JSON.stringify(values.device)} is not one of ${Object.keys(BACKENDS).join(', ')}.`);
  const precision = PRECISIONS.find((known) => known === values.dtype);
  if (!precision) throw new Unusable(`--dtype ${JSON.stringify(values.dtype)} is not one of ${PRECISIONS.join(', ')}.`);
  const { backend, index } = found;
  const { available, reason, layout } = await backend.probe(index);
  if (!available) throw new Unusable(reason);
  return {
    folder,
    device: values.device,
    runtime: { backend, deviceIndex: index, precision, layout },
    checkpoint: values.checkpoint,
    json: values.json,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
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

/** The checkpoint in `folder`, or the one beside the golden numbers, or a temporary one with weights from the seed, deleted on exit. */
async function openWeights(golden: Golden, folder: string | undefined): Promise<Checkpoint> {
  if (folder !== undefined) return await openCheckpoint(folder);
  const configs = path.join(golden.folder, 'checkpoint');
  if (await hasWeights(configs).catch(() => false)) return await openCheckpoint(configs);
  const writing = temporaryCheckpoint(configs, golden.case.seed);
  process.stderr.write(`Writing the weights of seed ${golden.case.seed} to ${tmpdir()}\n`);
  return await openCheckpoint(await writing);
}

/** @returns the exit code */
async function compare({ device, runtime, json }: Arguments, golden: Golden, checkpoint: Checkpoint): Promise<number> {
  const started = performance.now();
  const networks = new Networks(checkpoint, runtime, runtime.backend.memory.low);
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
  const summary = { passed: passed === rows.length, device, dtype: runtime.precision, seconds, peakBytes, rows };
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else
    process.stdout.write(
      `\n${passed} of ${rows.length} rows pass on ${device} in ${runtime.precision}; ${seconds} s, peak memory ${(peakBytes / 1e9).toFixed(2)} GB\n`,
    );
  return summary.passed ? EXIT.passed : EXIT.failed;
}

function format({ name, error, limit, passed, problem }: Row): string {
  return `${line(name, Number.isNaN(error) ? '–' : short(error), short(limit))}  ${passed ? 'pass' : 'FAIL'}${problem ? `  ${problem}` : ''}`;
}

const line = (name: string, error: string, limit: string): string => `${name.padEnd(36)}${error.padStart(8)}  ${limit.padStart(6)}`;
const short = (value: number): string => (value === 0 ? '0' : value.toExponential(value === Number(value.toExponential(0)) ? 0 : 1));

process.exitCode = await run(process.argv.slice(2));
