/** `npm start`: runs everything until Ctrl-C. */
import { randomBytes } from 'node:crypto';
import { ConfigError, loadDotEnv, readConfig, secretsOf, type Config } from '../config.ts';
import { createLog } from '../process/log.ts';
import { storageFolder } from '../infra/services.ts';
import { ROOT, VERSION } from '../process/version.ts';
import { unknownVariables } from './doctor/variables.ts';
import { announce, findRunning, withdraw } from './running.ts';
import { Supervisor } from './supervisor.ts';

/** Runs until SIGINT or SIGTERM. Exit codes: 0 stopped by a signal, 1 could not start. */
export async function start(): Promise<void> {
  const config = configOrExit();
  const log = createLog('start', config.LOG_LEVEL, undefined, secretsOf(config));
  for (const { message, hint } of unknownVariables(ROOT)) log.warn(`${message}. ${hint}`);
  const other = await findRunning(config);
  if (other) {
    log.error(
      `FanslyMotion is already running in this folder, at ${other.url}. Stop it first, or set STORAGE_DIR and PORT for a second installation.`,
    );
    process.exit(1);
  }
  let running = false;
  const supervisor = new Supervisor({
    config,
    // The bot is an ordinary client. This is its key for this run; an API elsewhere would not accept it.
    environment: (config.BOT_API_KEY ?? config.BOT_API_URL) ? {} : { BOT_API_KEY: randomBytes(24).toString('base64url') },
    output: 'inherit',
    restart: true,
    bot: config.BOT_TOKEN !== undefined,
    say: (line) => log.info(line),
    warn: (line) => log.error(line),
    onApi: (api) => {
      if (running) void announce(config, api);
    },
  });
  let stopping = false;
  const stop = (reason: string) => {
    if (stopping) return;
    stopping = true;
    log.info(`${reason}: stopping`);
    supervisor.stop().then(
      async () => {
        await withdraw(config, supervisor);
        log.info('stopped');
        process.exit(0);
      },
      (error: unknown) => {
        log.error({ err: error }, 'could not stop cleanly');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  process.on('disconnect', () => stop('parent is gone'));
  try {
    log.info(`FanslyMotion ${VERSION}, files in ${storageFolder(config)}`);
    await supervisor.start();
    running = true;
    await announce(config, supervisor);
  } catch (error) {
    if (stopping) return;
    log.fatal(error instanceof Error ? error.message : String(error));
    await supervisor.stop();
    process.exit(1);
  }
  if (stopping) return;
  log.info(
    `ready     ${config.PUBLIC_URL ?? supervisor.url}${(config.GRAPHIQL ?? config.NODE_ENV !== 'production') ? `, playground at ${config.PUBLIC_URL ?? supervisor.url}/graphql` : ''}`,
  );
}

function configOrExit(): Config {
  try {
    loadDotEnv(ROOT);
    return readConfig();
  } catch (error) {
    process.stderr.write(`${error instanceof ConfigError ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
