/** Finds the API to use: that of --api-url, the one that `npm start` runs in this folder, or one started for this video alone. */
import { open, mkdir, readdir, readFile, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { WebSocket } from 'ws';
import { ApiClient } from '../../client/client.ts';
import { loadDotEnv, readConfig, type Config } from '../../config.ts';
import { findFfmpeg } from '../../infra/media/ffmpeg.ts';
import { storageFolder } from '../../infra/services.ts';
import { StartupError } from '../../process/startup-error.ts';
import { ROOT } from '../../process/version.ts';
import { Failure, toFailure } from '../failure.ts';
import { findRunning } from '../running.ts';
import { Supervisor } from '../supervisor.ts';
import { cancelAbandoned } from './abandoned.ts';
import type { AnimateArguments } from './arguments.ts';
import type { Display } from './display.ts';

export interface Services {
  readonly api: ApiClient;
  /** Whether the services were started for this one video. */
  readonly isOwn: boolean;
  /** Whether --api-url names the API: it may run on another machine, and the user may not be its operator. */
  readonly isRemote: boolean;
  /** Aborted with a Failure when a service that was started here stops unexpectedly. */
  readonly broken: AbortSignal;
  /**
   * Stops the services started here.
   * @returns the path of their log, if it is kept
   */
  close(keepLog: boolean): Promise<string | null>;
}

/** How long the logs of failed runs are kept. */
const LOGS_KEPT_MS = 7 * 24 * 3_600_000;

const NEVER = new AbortController().signal;

/** @throws Failure, UNREACHABLE or CANNOT_START among others; ConfigError */
export async function openServices({ apiUrl, apiKey }: AnimateArguments, display: Display, signal: AbortSignal): Promise<Services> {
  const connect: Connect = (url, key) =>
    ApiClient.create({ url, key, webSocket: WebSocket, onReachability: (problem) => display.trouble(problem?.message ?? null) });
  const existing = { isOwn: false, broken: NEVER, close: async () => null };
  if (apiUrl !== undefined) {
    const api = connect(apiUrl, apiKey);
    await api.instance({ signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw toFailure(error, true);
    });
    return { api, isRemote: true, ...existing };
  }
  loadDotEnv(ROOT);
  const config = readConfig();
  const key = apiKey ?? config.API_KEYS[0]?.secret;
  const running = await findRunning(config);
  if (running) return { api: connect(running.url, key), isRemote: false, ...existing };
  display.phase('Starting database, API and worker');
  return await startOwn(config, key, connect, signal);
}

type Connect = (url: string, key: string | undefined) => ApiClient;

async function startOwn(config: Config, key: string | undefined, connect: Connect, signal: AbortSignal): Promise<Services> {
  await findFfmpeg(config).catch((error: unknown) => {
    throw new Failure('ENCODER_FAILED', toFailure(error).message, {
      hint: 'Correct FFMPEG_PATH, install ffmpeg, or run npm ci; fanslymotion doctor checks it.',
      fault: 'OPERATOR',
      retry: 'NEVER',
    });
  });
  const log = await openLog(config);
  const broken = new AbortController();
  const supervisor = new Supervisor({
    config,
    environment: { HOST: '127.0.0.1', PORT: '0', PUBLIC_URL: '', GRAPHIQL: '0' },
    output: log.handle.fd,
    restart: false,
    say: (line) => void log.handle.write(`${line}\n`).catch(() => {}),
    onEnded: (how) => broken.abort(new Failure('WORKER_LOST', `A service started for this video stopped unexpectedly: ${how}.`)),
  });
  const close = async (keepLog: boolean) => {
    await supervisor.stop();
    await log.handle.close();
    if (keepLog) return log.file;
    await rm(log.file, { force: true });
    return null;
  };
  const interrupt = () => void supervisor.stop();
  signal.addEventListener('abort', interrupt);
  try {
    signal.throwIfAborted();
    await supervisor.start();
    signal.throwIfAborted();
    const api = connect(supervisor.url, key);
    // A configured database may be shared with other machines, whose process ids mean nothing here.
    if (!config.DATABASE_URL) await cancelAbandoned(api);
    return { api, isOwn: true, isRemote: false, broken: broken.signal, close };
  } catch (error) {
    await supervisor.stop();
    const fatal = await lastFatal(log.file);
    const kept = await close(!signal.aborted && !(error instanceof StartupError));
    signal.throwIfAborted();
    const known = toFailure(error);
    if (known.code === 'CANNOT_START') throw known;
    const failure = new Failure('CANNOT_START', fatal ?? known.message, { cause: error });
    throw kept ? failure.withHint(`The log is ${kept}`) : failure;
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

async function openLog(config: Config): Promise<{ file: string; handle: FileHandle }> {
  const folder = path.join(storageFolder(config), 'logs');
  try {
    await mkdir(folder, { recursive: true });
    await removeOldLogs(folder);
    const file = path.join(folder, `animate-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${process.pid}.log`);
    return { file, handle: await open(file, 'ax') };
  } catch (error) {
    throw new Failure('CANNOT_START', `The storage folder is not usable: ${(error as Error).message}`, {
      hint: 'Set STORAGE_DIR to a writable folder.',
      cause: error,
    });
  }
}

async function removeOldLogs(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    const found = name.startsWith('animate-') ? await stat(file).catch(() => null) : null;
    if (found && Date.now() - found.mtimeMs > LOGS_KEPT_MS) await rm(file, { force: true });
  }
}

/** The message of the last fatal log line, of a service that could not start. */
async function lastFatal(file: string): Promise<string | undefined> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const fatal = lines.findLast((line) => line.startsWith('{"level":60,'));
  try {
    return fatal === undefined ? undefined : String((JSON.parse(fatal) as { msg?: unknown }).msg);
  } catch {
    return undefined;
  }
}
