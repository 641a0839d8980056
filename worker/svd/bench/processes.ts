/** Measurements in processes of their own: this project's entries and the official packages. */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { ROOT } from '../../../src/process/version.ts';

/** A measurement that failed; the message says why. */
export class MeasurementFailed extends Error {}

/** Node's longest timer. */
const MAX_MS = 2 ** 31 - 1;
/** Characters of a process's errors that a message quotes. */
const QUOTED = 400;

/** In the child: answers the request that `measure` sent. Does nothing if this process was not started by `measure`. */
export async function answer(work: (request: unknown) => Promise<object>): Promise<void> {
  const [request] = process.argv.slice(2);
  if (!process.send || request === undefined) return;
  process.once('disconnect', () => process.exit()); // the parent process is gone
  const result = await work(JSON.parse(request)).catch((error: unknown) => ({ error: describe(error) }));
  // Skips the drivers' own cleanup, which may crash or hang.
  process.send(result, () => process.kill(process.pid, 'SIGKILL'));
}

/**
 * Runs the entry `name` of this folder, without extension, with `request`.
 * @param limitSeconds it is killed after this long
 * @throws MeasurementFailed
 */
export async function measure<Result extends object>(name: string, request: object, limitSeconds = Infinity): Promise<Result> {
  // Same extension as this file: .js in dist/, .ts when running from source.
  const file = new URL(`${name}${path.extname(import.meta.filename)}`, import.meta.url);
  const child = fork(file, [JSON.stringify(request)], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let timedOut = false;
  const timer = setTimeout(
    () => {
      timedOut = true;
      kill();
    },
    Math.min(limitSeconds * 1000, MAX_MS),
  );
  const received: { result?: Result | { readonly error: string } } = {};
  child.on('message', (message) => (received.result = message as Result));
  try {
    const [stderr, [code, signal]] = await Promise.all([text(child.stderr!), once(child, 'close')]);
    if (!received.result) {
      const end = timedOut
        ? `stopped after ${Math.round(limitSeconds)} s`
        : `its process ended (${String(signal ?? code)}): ${tail(stderr)}`;
      throw new MeasurementFailed(end);
    }
  } finally {
    clearTimeout(timer);
    process.off('exit', kill);
  }
  if ('error' in received.result) throw new MeasurementFailed(received.result.error);
  return received.result;
}

/** What bench_torch.py reports about one network. */
export interface OfficialFigures {
  readonly network: string;
  /** Items of the UNet. */
  readonly batch: number;
  /** Frames decoded at once. */
  readonly decodeChunkSize: number;
  readonly load: number;
  readonly first: number;
  readonly seconds: number;
  /** Peak memory: of the process on a CPU, reserved by PyTorch's allocator on a GPU. */
  readonly peakBytes: number;
}

/**
 * Runs test/reference/bench_torch.py with a Python that has PyTorch and diffusers.
 * @returns what it measured until it ended or `limitSeconds` had passed
 * @throws MeasurementFailed if that is nothing
 */
export async function measureOfficial(python: string, args: readonly string[], limitSeconds = Infinity): Promise<OfficialFigures[]> {
  const script = path.join(ROOT, 'test/reference/bench_torch.py');
  const options = { maxBuffer: 1e7, timeout: Math.min(limitSeconds * 1000, MAX_MS), killSignal: 'SIGKILL' } as const;
  const { stdout, stderr } = await promisify(execFile)(python, [script, ...args], options).catch(
    (error: { stdout?: string; stderr?: string; message: string }) => ({
      stdout: error.stdout ?? '',
      stderr: error.stderr || error.message,
    }),
  );
  const figures = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as OfficialFigures);
  if (figures.length === 0) throw new MeasurementFailed(tail(stderr) || 'it has measured nothing');
  return figures;
}

/** The message in one line; that of the library, if it is the cause. */
function describe(error: unknown): string {
  const { cause, message } = error as Error;
  return (cause instanceof Error ? cause.message : message).replaceAll(/\s+/g, ' ').trim();
}

const tail = (output: string): string => output.trim().replaceAll(/\s+/g, ' ').slice(-QUOTED);
