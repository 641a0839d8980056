import { createLog, type Logger } from './log.ts';
import { ConfigError, loadDotEnv, readConfig, type Config } from '../config.ts';
import { AppError } from '../jobs/errors.ts';
import { ROOT } from './version.ts';

/** A running part of the system. */
export interface Part {
  /** What the parent process should know once the part is ready. */
  readonly ready: Readonly<Record<string, string>>;
  /** Leaves in good order. */
  stop(): Promise<void>;
}

/** A part that has not stopped this long after it was told to is left behind. */
const STOP_MS = 4_500;

/**
 * The frame of every long-running process: reads configuration, starts the part, tells a parent that it is ready, and stops it on
 * SIGTERM, SIGINT, or when the parent is gone. Exits 1 if it cannot start, saying why.
 */
export function runPart(name: string, start: (config: Config, log: Logger) => Promise<Part>): void {
  let config: Config;
  try {
    loadDotEnv(ROOT);
    config = readConfig();
  } catch (error) {
    process.stderr.write(`${error instanceof ConfigError ? error.message : String(error)}\n`);
    process.exit(1);
  }
  const log = createLog(name, config.LOG_LEVEL);
  const fail = (error: unknown, message: string) => {
    log.fatal(error instanceof AppError ? {} : { err: error }, error instanceof AppError ? `${error.message} ${error.cure}` : message);
    process.exit(1);
  };
  process.on('uncaughtException', (error) => fail(error, 'unexpected error'));
  process.on('unhandledRejection', (error) => fail(error, 'unexpected error'));

  const started = start(config, log);
  let stopping = false;
  const stop = (reason: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    setTimeout(() => fail(new Error(`not stopped after ${STOP_MS / 1000} s`), 'left behind'), STOP_MS).unref();
    started.then((part) => part.stop()).then(() => process.exit(0), (error: unknown) => fail(error, 'stopped badly'));
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  // Ctrl-C reaches the whole group of processes; where there is a parent, it decides when its children leave.
  process.on('SIGINT', () => process.connected || stop('SIGINT'));
  process.on('SIGHUP', () => process.connected || stop('SIGHUP'));
  process.on('disconnect', () => stop('parent is gone'));
  if (process.connected === false) stop('parent is gone');
  started.then(
    (part) => process.connected && process.send?.({ type: 'ready', ...part.ready }),
    (error: unknown) => fail(error, `could not start: ${error instanceof Error ? error.message : String(error)}`),
  );
}
