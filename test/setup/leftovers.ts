import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Environment variable that marks all processes of a run, children included. */
export const RUN_VARIABLE = 'FANSLYMOTION_TEST_RUN';

const FOLDER_PREFIX = 'fanslymotion-test-';

/** Prefix of the folders of runs; the runner's pid follows. */
export const runFolderPrefix = (): string => path.join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`);

export interface RunningProcess {
  readonly pid: number;
  readonly command: string;
}

/**
 * Processes of the run in `folder`: those with its name in their environment, and those whose working directory is in the folder, without
 * the runner and its workers. Linux only; empty elsewhere.
 */
async function processesOf(folder: string, runner = 0): Promise<RunningProcess[]> {
  if (process.platform !== 'linux') return [];
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0 && pid !== runner);
  const found = await Promise.all(pids.map((pid) => describe(pid, folder, runner).catch(() => undefined))); // it may have exited meanwhile
  return found.filter((process) => process !== undefined);
}

async function describe(pid: number, folder: string, runner: number): Promise<RunningProcess | undefined> {
  const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8');
  const [, state, parent] = /\) (\w) (\d+)/.exec(await read('stat')) ?? [];
  const command = (await read('cmdline')).replaceAll('\0', ' ').trim();
  if (state === 'Z' || (Number(parent) === runner && command.includes('vitest'))) return undefined;
  const environment = await read('environ').catch(() => '');
  const workingFolder = await readlink(`/proc/${pid}/cwd`).catch(() => '');
  const belongs =
    environment.split('\0').includes(`${RUN_VARIABLE}=${folder}`) || command.includes(folder) || workingFolder.startsWith(folder);
  return belongs ? { pid, command } : undefined;
}

/** Kills `processes`. */
export function kill(processes: readonly RunningProcess[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // exited meanwhile
    }
  }
}

/** Waits briefly for the processes of the run in `folder` to exit and returns those that remain. */
export async function processesThatStay(folder: string, patienceMs = 20_000): Promise<RunningProcess[]> {
  for (const end = Date.now() + patienceMs; ; await sleep(50)) {
    const processes = await processesOf(folder, process.pid);
    if (processes.length === 0 || Date.now() > end) return processes;
  }
}

/** Cleans up after runs that were killed. */
export async function removeAbandonedRuns(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = /^fanslymotion-test-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const folder = path.join(tmpdir(), name);
    kill(await processesOf(folder));
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
