import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

interface ProcessLine {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Every process of this machine. */
export async function processes(): Promise<ProcessLine[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,args='], { maxBuffer: 1 << 24 });
  return stdout.split('\n').map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)).filter((match) => match !== null)
    .map(([, pid, parent, command]) => ({ pid: Number(pid), parent: Number(parent), command: command! }));
}

/** The process id of a worker's renderer. */
export async function rendererOf(worker: number): Promise<number> {
  const found = (await processes()).find(({ parent, command }) => parent === worker && command.includes('renderer'));
  if (!found) throw new Error(`process ${worker} has no renderer`);
  return found.pid;
}
