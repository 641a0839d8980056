/**
 * A lock file that allows only one process to download a model. Not with proper-lockfile, which would make a pull right after a killed one
 * wait until its lock is stale instead of resuming at once.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { ModelBusy } from './error.ts';

/** Interval at which the holder touches its lock. A lock untouched for ABANDONED_MS was left by a machine that has crashed. */
const TOUCH_MS = 10_000;
const ABANDONED_MS = 60_000;

/** Tokens of the locks that this process holds. */
const held = new Set<string>();

/**
 * Takes the lock `file` for downloading or removing the model `name`. The lock of a process that died is taken over.
 * @returns releases the lock
 * @throws ModelBusy if another process holds it
 */
export async function lockPull(file: string, name: string): Promise<() => Promise<void>> {
  const token = `${process.pid} ${hostname()} ${randomUUID()}`;
  while (!(await tryLock(file, token))) await removeAbandoned(file, name);
  held.add(token);
  const touching = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => {});
  }, TOUCH_MS).unref();
  return async () => {
    clearInterval(touching);
    held.delete(token);
    if ((await readFile(file, 'utf8').catch(() => '')) === token) await rm(file, { force: true });
  };
}

async function tryLock(file: string, token: string): Promise<boolean> {
  try {
    await writeFile(file, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock if its holder is dead. @throws ModelBusy if it is alive */
async function removeAbandoned(file: string, name: string): Promise<void> {
  const token = await readFile(file, 'utf8').catch(() => null);
  const touched = await stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => null,
  );
  if (token === null || touched === null) return; // released in the meantime
  const [pid = '', host = ''] = token.split(' ');
  const gone = Date.now() - touched > ABANDONED_MS || (host === hostname() && !isAlive(Number(pid), token));
  if (!gone) throw new ModelBusy(name, `process ${pid}${host === hostname() ? '' : ` on ${host}`}`);
  // Several processes may find it abandoned at once; only one can move it away. A process that moves away a newer lock restores it.
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
    const moved = await readFile(aside, 'utf8');
    if (moved !== token) await tryLock(file, moved);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

function isAlive(pid: number, token: string): boolean {
  // A dead holder may have had the pid that this process has now, for example in a restarted container.
  if (pid === process.pid) return held.has(token);
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
