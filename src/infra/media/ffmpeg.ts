/** Finds the ffmpeg to use: FFMPEG_PATH, otherwise the system's, otherwise the one installed by npm. */
import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Config } from '../../config.ts';
import { AppError } from '../../jobs/errors.ts';

export interface Ffmpeg {
  /** Path or command to spawn. */
  readonly path: string;
  /** Version that it reports, such as `5.1.9-0+deb12u1`. */
  readonly version: string;
  readonly source: 'FFMPEG_PATH' | 'system' | 'npm';
  /** Whether it can encode H.264. */
  readonly hasLibx264: boolean;
}

const found = new Map<string, Promise<Ffmpeg>>();

/**
 * The first ffmpeg that runs and has libx264. Cached for the life of the process. If FFMPEG_PATH is set, no other ffmpeg is tried.
 * @throws AppError ENCODER_FAILED with the reason why each candidate was rejected
 */
export function findFfmpeg({ FFMPEG_PATH }: Pick<Config, 'FFMPEG_PATH'>): Promise<Ffmpeg> {
  const key = FFMPEG_PATH ?? `PATH=${process.env['PATH']}`;
  let search = found.get(key);
  if (!search) {
    search = FFMPEG_PATH ? firstUsable([() => probe(FFMPEG_PATH, 'FFMPEG_PATH')]) : firstUsable([() => probe('ffmpeg', 'system'), fromNpm]);
    found.set(key, search);
    search.catch(() => found.delete(key));
  }
  return search;
}

async function firstUsable(candidates: (() => Promise<Ffmpeg>)[]): Promise<Ffmpeg> {
  const reasons: string[] = [];
  for (const find of candidates) {
    try {
      const ffmpeg = await find();
      if (ffmpeg.hasLibx264) return ffmpeg;
      reasons.push(`${ffmpeg.path} (${ffmpeg.version}) has no libx264`);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new AppError('ENCODER_FAILED', `No usable ffmpeg: ${reasons.join('; ')}.`);
}

const run = promisify(execFile);

async function probe(path: string, source: Ffmpeg['source']): Promise<Ffmpeg> {
  try {
    const [about, encoders] = await Promise.all(
      ['-version', '-encoders'].map((option) => run(path, ['-hide_banner', option], { timeout: 20_000, windowsHide: true })),
    );
    const version = /^ffmpeg version (\S+)/m.exec(about!.stdout)?.[1];
    if (!version) throw new Error('it does not report an ffmpeg version');
    return { path, version, source, hasLibx264: /^ V\S* libx264 /m.test(encoders!.stdout) };
  } catch (error) {
    throw new Error(`${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'not found';
  if (code === 'EACCES') return 'not executable';
  return message.split('\n', 1)[0]!;
}

async function fromNpm(): Promise<Ffmpeg> {
  const path = await import('@ffmpeg-installer/ffmpeg').then(
    (installer) => installer.default.path,
    // Importing it throws a string if npm has no build for this machine or has not installed it.
    (error: unknown) => {
      throw new Error(`ffmpeg from npm: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    },
  );
  try {
    return await probe(path, 'npm');
  } catch {
    // The execute permission is set by an install script, which may not have run.
    await chmod(path, 0o755);
    return probe(path, 'npm');
  }
}
