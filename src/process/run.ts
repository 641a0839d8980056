import { createLog, type Logger } from './log.ts';
import { ConfigError, loadDotEnv, readConfig, secretsOf, type Config } from '../config.ts';
import { StartupError } from './startup-error.ts';
import { ROOT } from './version.ts';

/** A part of the system that was started. */
export interface Part {
  /** What the parent process should know once the part is ready, beside `stopWithinMs`. Rejects if it will not be. */
  readonly ready: Promise<Readonly<Record<string, string>>>;
  /** Rejects when the part cannot go on, which ends the process; never if not said. */
  readonly failed?: Promise<never>;
  /** How long leaving in good order may take, in milliseconds; 4.5 s if not said. */
  readonly stopWithinMs?: number;
  /** Leaves in good order; also before it was ready. */
  stop(): Promise<void>;
}

/** How long leaving in good order takes at most, in milliseconds, where a part says nothing else. */
export const STOP_MS = 4_500;

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
    const leaveAfter = (ms: number) => setTimeout(() => fail(new Error(`not stopped after ${ms / 1000} s`), 'left behind'), ms).unref();
    const early = leaveAfter(STOP_MS);
    const part = await started;
    clearTimeout(early);
    leaveAfter(part.stopWithinMs ?? STOP_MS);
    await part.stop();
    process.exit(0);
  };
  const onSignal = (reason: string) => void stop(reason).catch((error: unknown) => fail(error, 'stopped badly'));
  process.on('SIGTERM', onSignal);
  // Ctrl-C and a closed terminal reach the whole group of processes; where there is a parent, it decides when its children leave.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => process.connected || onSignal(signal));
  process.on('disconnect', () => onSignal('parent is gone'));
  if (process.connected === false) onSignal('parent is gone');
  started
    .then((part) => part.failed)
    .catch((error: unknown) => stopping || fail(error, `cannot go on: ${error instanceof Error ? error.message : String(error)}`));
  started
    .then((part) => part.ready)
    .then(
      async (ready) =>
        process.connected && process.send?.({ type: 'ready', stopWithinMs: (await started).stopWithinMs ?? STOP_MS, ...ready }),
      (error: unknown) => stopping || fail(error, `could not start: ${error instanceof Error ? error.message : String(error)}`),
    );
}
