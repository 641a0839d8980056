import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface ProcessLine {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Every process of this machine; from /proc where it exists, because minimal Linux systems have no ps. */
export async function processes(): Promise<ProcessLine[]> {
  if (process.platform === 'linux') {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    return (await Promise.all(pids.map((pid) => fromProc(Number(pid)).catch(() => null)))).filter((line) => line !== null);
  }
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,args='], { maxBuffer: 1 << 24 });
  return stdout
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid, parent, command]) => ({ pid: Number(pid), parent: Number(parent), command: command! }));
}

async function fromProc(pid: number): Promise<ProcessLine> {
  const [stat, command] = await Promise.all(['stat', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')));
  return { pid, parent: Number(/\) \w (\d+)/.exec(stat!)?.[1]), command: command!.replaceAll('\0', ' ').trim() };
}

/** The process id of a worker's renderer. */
export async function rendererOf(worker: number): Promise<number> {
  const found = (await processes()).find(({ parent, command }) => parent === worker && command.includes('renderer'));
  if (!found) throw new Error(`process ${worker} has no renderer`);
  return found.pid;
}
