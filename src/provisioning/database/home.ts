import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { StartupError, USE_OTHER_DATABASE } from '../../process/startup-error.ts';
import { type Binaries, copyBinaries, linkLibraries, program } from './binaries.ts';

/** Where PostgreSQL's programs and data are, and as which user it runs. */
export interface Home {
  readonly binaries: Binaries;
  /** Real path of the data directory. */
  readonly dataDir: string;
  /** True if `dataDir` is not the requested one, because the server's user cannot reach that. */
  readonly relocated: boolean;
  /** The user that the server runs as; absent: the user of this process. */
  readonly user?: User;
}

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root, so root runs it as a user that every system has: nobody, or _postgres on macOS. */
const NOBODY: User = process.platform === 'darwin' ? { uid: 216, gid: 216 } : { uid: 65_534, gid: 65_534 };

/** For root's databases and binaries, when the folders they belong in are closed to other users. */
const SHARED_FOLDER = '/var/lib/fanslymotion';

export const holdsDatabase = (dataDir: string): boolean => existsSync(path.join(dataDir, 'PG_VERSION'));

/**
 * Decides where the database for `requested` is. Nothing that exists is moved or given to another user: an existing database runs as
 * its owner. Only a new one is placed in /var/lib/fanslymotion, if this process is root and the server's user cannot reach `requested`.
 * @throws StartupError if existing data cannot be used
 */
export async function chooseHome(requested: string, found: Binaries): Promise<Home> {
  await mkdir(path.dirname(requested), { recursive: true });
  const wanted = existsSync(requested)
    ? await realpath(requested)
    : path.join(await realpath(path.dirname(requested)), path.basename(requested));
  const linked = await linkLibraries(found);
  if (process.getuid?.() !== 0) {
    const binaries = linked ? found : await copyBinaries(found, path.dirname(wanted));
    return { binaries, dataDir: wanted, relocated: false };
  }

  const user = holdsDatabase(wanted) ? await ownerOf(wanted) : NOBODY;
  const usable = linked && (await canReach(user, program(found, 'postgres')));
  const binaries = usable ? found : await copyBinaries(found, await sharedFolder());
  if (holdsDatabase(wanted)) return { binaries, dataDir: wanted, relocated: false, user };

  const fallback = path.join(SHARED_FOLDER, createHash('sha256').update(wanted).digest('hex').slice(0, 16));
  if (!holdsDatabase(fallback) && (await canReach(user, path.dirname(wanted))))
    return { binaries, dataDir: wanted, relocated: false, user };
  await sharedFolder();
  return { binaries, dataDir: fallback, relocated: true, user };
}

async function ownerOf(dataDir: string): Promise<User> {
  const { uid, gid } = await stat(dataDir);
  const hint = `Give it and its folders back to their previous owner (if root created it: chown -R ${NOBODY.uid}:${NOBODY.gid}). ${USE_OTHER_DATABASE}`;
  if (uid === 0) throw new StartupError(`The database in ${dataDir} belongs to root, and PostgreSQL refuses to run as root.`, hint);
  if (!(await canReach({ uid, gid }, dataDir)))
    throw new StartupError(`The database in ${dataDir} belongs to user ${uid}, who cannot enter that folder.`, hint);
  return { uid, gid };
}

/** Whether `user` may enter or run `target` and enter every folder above it. Reads the permission bits, because root may do anything. */
async function canReach(user: User, target: string): Promise<boolean> {
  const { mode, uid, gid } = await stat(target);
  const execute = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  if ((mode & execute) === 0) return false;
  const parent = path.dirname(target);
  return parent === target || canReach(user, parent);
}

async function sharedFolder(): Promise<string> {
  try {
    if ((await mkdir(SHARED_FOLDER, { recursive: true })) !== undefined) await chmod(SHARED_FOLDER, 0o755);
    return SHARED_FOLDER;
  } catch (error) {
    const problem = `Root's embedded PostgreSQL needs a folder that an ordinary user can reach, and ${SHARED_FOLDER} cannot be created.`;
    throw new StartupError(
      problem,
      `Move the project out of folders that only root may enter, or run it as an ordinary user. ${USE_OTHER_DATABASE}`,
      error,
    );
  }
}
