import { createLog, type Logger } from './log.ts';
import { ConfigError, loadDotEnv, readConfig, secretsOf, type Config } from '../config.ts';
import { StartupError } from './startup-error.ts';
import { ROOT } from './version.ts';

/** A part of the system that was started. */
export interface Part {
  /** What the parent process receives once the part is ready, beside `stopWithinMs`. Rejects if the part cannot start. */
  readonly ready: Promise<Readonly<Record<string, string>>>;
  /** Rejects when the part cannot continue, which ends the process. If absent, that never happens. */
  readonly failed?: Promise<never>;
  /** How long a graceful stop may take, in milliseconds; `STOP_MS` if absent. */
  readonly stopWithinMs?: number;
  /** Stops gracefully; may be called before the part is ready. */
  stop(): Promise<void>;
}

/** How long a graceful stop may take by default, in milliseconds. */
export const STOP_MS = 4_500;

/**
 * Runs a part as a process of its own: reads the configuration, starts the part, notifies the parent process when it is ready, and stops it
 * on SIGTERM, SIGINT, or when the parent is gone. Exits 1 if the part cannot start, and logs why.
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
  const log = createLog(name, config.LOG_LEVEL, undefined, secretsOf(config));
  const fail = (error: unknown, message: string) => {
    const { hint } = (error ?? {}) as { hint?: unknown };
    if (error instanceof StartupError) log.fatal(error.message);
    else if (error instanceof Error && typeof hint === 'string') log.fatal(`${error.message} ${hint}`);
    else log.fatal({ err: error }, message);
    process.exit(1);
  };
  process.on('uncaughtException', (error) => fail(error, 'unexpected error'));
  process.on('unhandledRejection', (error) => fail(error, 'unexpected error'));

  const started = start(config, log);
  let stopping = false;
  const stop = async (reason: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    const failAfter = (ms: number) =>
      setTimeout(() => fail(new Error(`not stopped after ${ms / 1000} s`), 'not stopped in time'), ms).unref();
    const early = failAfter(STOP_MS);
    const part = await started;
    clearTimeout(early);
    failAfter(part.stopWithinMs ?? STOP_MS);
    await part.stop();
    process.exit(0);
  };
  const onSignal = (reason: string) => void stop(reason).catch((error: unknown) => fail(error, 'could not stop cleanly'));
  process.on('SIGTERM', onSignal);
  // Ctrl-C and a closed terminal signal the whole process group; a parent decides itself when its children stop.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => process.connected || onSignal(signal));
  process.on('disconnect', () => onSignal('parent is gone'));
  if (process.connected === false) onSignal('parent is gone');
  started
    .then((part) => part.failed)
    .catch((error: unknown) => stopping || fail(error, `cannot continue: ${error instanceof Error ? error.message : String(error)}`));
  started
    .then((part) => part.ready)
    .then(
      async (ready) =>
        process.connected && process.send?.({ type: 'ready', stopWithinMs: (await started).stopWithinMs ?? STOP_MS, ...ready }),
      (error: unknown) => stopping || fail(error, `could not start: ${error instanceof Error ? error.message : String(error)}`),
    );
}
