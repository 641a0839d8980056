/** Slows a process down with signals, so that a state lasts long enough to observe. */

/** Share of the time in which a braked process runs: enough for a frame now and then, with seconds between the first and the last. */
const RUNS_MS = 10;
const PERIOD_MS = 250;

export interface Brake {
  /** Stops the process until it is released. */
  hold(): void;
  /** Lets the process run normally again. */
  release(): void;
}

/** Stops the process (SIGSTOP) for most of the time until it is released or ends. Not on Windows, which has no such signals. */
export function brake(pid: number): Brake {
  let stop: NodeJS.Timeout | undefined;
  const runBriefly = (): void => {
    clearTimeout(stop);
    if (signal(pid, 'SIGCONT')) stop = setTimeout(() => signal(pid, 'SIGSTOP'), RUNS_MS);
    else clearInterval(cycle);
  };
  const end = (last: 'SIGSTOP' | 'SIGCONT'): void => {
    clearInterval(cycle);
    clearTimeout(stop);
    signal(pid, last);
  };
  const cycle = setInterval(runBriefly, PERIOD_MS);
  runBriefly();
  return { hold: () => end('SIGSTOP'), release: () => end('SIGCONT') };
}

/** False if the process no longer exists. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
