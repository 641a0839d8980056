/** Runs a probe in a child process, because a driver may crash or hang. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** How a probe's process ended. */
export interface ProbeResult {
  /** The message that it sent; null if it sent none. */
  readonly answer: unknown;
  /** Output of the libraries that it loaded. */
  readonly stderr: string;
  /** What happened if there is no answer, as a predicate such as "crashes (SIGSEGV)". */
  readonly failure: string;
}

/** @param name of the entry in this folder, without extension @param timeoutMs the child is killed after this long */
export async function runProbe(name: string, args: readonly string[], timeoutMs: number): Promise<ProbeResult> {
  // Same extension as this file: .js in dist/, .ts when running from source.
  const file = new URL(`${name}${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
  const child = fork(file, args, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, timeoutMs);
  try {
    let answer: unknown = null;
    child.on('message', (message) => (answer = message));
    const [stderr, [code, signal]] = await Promise.all([
      text(child.stderr!),
      once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
    ]);
    return { answer, stderr, failure: timedOut ? 'does not respond' : `crashes (${signal ?? `exit code ${code}`})` };
  } finally {
    clearTimeout(timer);
    process.off('exit', kill);
  }
}

/** Sends a probe's answer to its parent and ends this process without the drivers' own cleanup, which tends to crash. */
export function sendAnswer(answer: object): void {
  process.send!(answer, () => process.kill(process.pid, 'SIGKILL'));
}
