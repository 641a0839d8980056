import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { program } from './binaries.ts';
import type { Home } from './home.ts';
import { serverEnvironment } from './spawn.ts';

/** The contents of the lock file that a server writes to its data directory. */
export interface Postmaster {
  readonly pid: number;
  /** Seconds since 1970, as text; distinguishes two servers with the same process id. */
  readonly startedAt: string;
  readonly port: number;
  readonly ready: boolean;
}

export const lockFile = (dataDir: string): string => path.join(dataDir, 'postmaster.pid');

/** The server that uses `dataDir`, or used it when it died. Undefined if there is none, or its lock file is incomplete. */
export async function readPostmaster(dataDir: string): Promise<Postmaster | undefined> {
  const text = await readFile(lockFile(dataDir), 'utf8').catch(() => '');
  const [pid, , startedAt, port, , , , status] = text.split('\n').map((line) => line.trim());
  if (!Number(pid) || !startedAt || !Number(port)) return undefined;
  return { pid: Number(pid), startedAt, port: Number(port), ready: status === 'ready' };
}

/** Whether `pid` is a running PostgreSQL server. After a crash, another program may have the process id. */
export async function isPostmaster(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
    if (process.platform === 'win32') return true;
    const [state, name] = process.platform === 'linux' ? await procState(pid) : await psState(pid);
    return state !== 'Z' && state !== 'X' && name === 'postgres';
  } catch {
    return false;
  }
}

/** From `42 (postgres) S 1 …`; a zombie has state Z. */
async function procState(pid: number): Promise<readonly [string?, string?]> {
  const match = /\((?<name>.*)\) (?<state>\w)/s.exec(await readFile(`/proc/${pid}/stat`, 'utf8'));
  return [match?.groups?.['state'], match?.groups?.['name']];
}

async function psState(pid: number): Promise<readonly [string?, string?]> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'state=,comm=', '-p', String(pid)]);
  const [state, ...command] = stdout.trim().split(/\s+/);
  return [state?.[0], path.basename(command.join(' '))];
}

/** Ways to stop PostgreSQL, the gentlest first: disconnecting all clients, without a checkpoint, by force. */
const STOP_METHODS = [
  { signal: 'SIGINT', mode: 'fast' },
  { signal: 'SIGQUIT', mode: 'immediate' },
  { signal: 'SIGKILL', mode: 'immediate' },
] as const;

/**
 * Stops `postmaster`, sending a stronger signal after each `signalMs`. Does nothing if another server uses `dataDir` by now.
 * @throws Error if it is still running after the last one
 */
export async function stopPostmaster(home: Home, postmaster: Postmaster, signalMs: number): Promise<void> {
  const isRunning = async (): Promise<boolean> => {
    const holder = await readPostmaster(home.dataDir);
    const replaced = holder !== undefined && (holder.pid !== postmaster.pid || holder.startedAt !== postmaster.startedAt);
    return !replaced && (await isPostmaster(postmaster.pid));
  };
  for (const { signal, mode } of STOP_METHODS) {
    if (!(await isRunning())) return;
    if (process.platform === 'win32') await stopByControl(home, mode);
    else signalIfRunning(postmaster.pid, signal);
    for (const end = Date.now() + signalMs; Date.now() < end; await sleep(10)) if (!(await isRunning())) return;
  }
  throw new Error(`PostgreSQL (process ${postmaster.pid}, ${home.dataDir}) does not stop.`);
}

function signalIfRunning(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function stopByControl(home: Home, mode: 'fast' | 'immediate'): Promise<void> {
  const stop = ['stop', '-D', home.dataDir, '-m', mode, '-W'];
  await promisify(execFile)(program(home.binaries, 'pg_ctl'), stop, { env: serverEnvironment(), windowsHide: true }).catch(() => {}); // it may have stopped already
}
