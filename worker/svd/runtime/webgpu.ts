/**
 * Whether WebGPU is of use on this machine. onnxruntime asks the system for an adapter and does not say which one it got, so what counts
 * is what it does: one that is no faster than the processor is software, or a card not worth using.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface WebgpuProbe {
  /** Whether an adapter answers, be it software. */
  readonly available: boolean;
  /** One sentence: what was found, or what is missing and what cures it. */
  readonly reason: string;
  /** Whose driver it is, where that can be told. */
  readonly adapter?: string;
  /** Whether it is a graphics card worth using. */
  readonly hardware?: boolean;
  /** What it reaches in float32 convolutions. */
  readonly gflops?: number;
  /** Whether it computes in float16. */
  readonly fp16?: boolean;
}

/** A driver that has not answered by then is left alone. In milliseconds. */
const PATIENCE_MS = 12_000;

let known: Promise<WebgpuProbe> | null = null;

/** Tries the adapter in a child process, since drivers crash and hang. Takes a second or two, once a process. Never rejects. */
export function probeWebgpu(): Promise<WebgpuProbe> {
  known ??= probe().catch((error: unknown) => no(`WebGPU could not be tried: ${error instanceof Error ? error.message : String(error)}.`));
  return known;
}

async function probe(): Promise<WebgpuProbe> {
  // The same ending as this file's: .js in dist/, .ts where sources are run.
  const file = new URL(`webgpu-probe${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
  const child = fork(file, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, PATIENCE_MS);
  try {
    let answer: WebgpuProbe | null = null;
    child.on('message', (message) => (answer = message as WebgpuProbe));
    const [said, [code, signal]] = await Promise.all([
      text(child.stderr!),
      once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
    ]);
    return judge(answer, said, late ? 'does not answer' : `ends its process (${signal ?? `exit code ${code}`})`);
  } finally {
    clearTimeout(timer);
    process.off('exit', kill);
  }
}

/** @param said what libraries wrote to standard error @param otherwise what happened if there is no answer */
function judge(answer: WebgpuProbe | null, said: string, otherwise: string): WebgpuProbe {
  if (!answer) return no(`WebGPU ${otherwise}: update the graphics driver.`);
  if (answer.available) return answer;
  if (/Couldn't load Vulkan/.test(said)) return no("There is no Vulkan here: install your card's driver and libvulkan1.");
  if (/WebGPU adapter/.test(answer.reason))
    return no("WebGPU finds no graphics card: install your card's driver, on Linux its Vulkan part too.");
  return no(`WebGPU does not work here: ${answer.reason.split('\n', 1)[0]!}`);
}

const no = (reason: string): WebgpuProbe => ({ available: false, reason });
