/** What every test run has: the program built, a PostgreSQL with a migrated template database, and Redis where there is one. */
import { readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { ensureBuilt } from '../../scripts/build.mjs';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/provisioning/database/embedded-postgres.ts';
import { migrate } from '../../src/provisioning/database/migrate.ts';
import { TEMPLATE } from '../support/database.ts';
import { findTool } from '../support/tools.ts';
import { kill, processesThatStay, removeAbandonedRuns, RUN_VARIABLE, runFolderPrefix } from './leftovers.ts';
import { startRedis } from './redis.ts';
import { countTeardownFailure } from './totals.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Superuser's address on the run's PostgreSQL. */
    postgresUrl: string;
    redisUrl: string | undefined;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeAbandonedRuns();
  // Where nobody else is let in by default, the embedded PostgreSQL moves its data, as it should; the tests say when.
  process.umask(0o022);
  const folder = await mkdtemp(runFolderPrefix());
  const temporary = path.join(folder, 'tmp');
  await mkdir(temporary);
  await chmod(folder, 0o755); // when root runs the tests, PostgreSQL runs as another user
  process.env[RUN_VARIABLE] = folder;
  for (const name of ['TMPDIR', 'TMP', 'TEMP']) process.env[name] = temporary; // what tests leave there is found at the end

  const redisServer = findTool('redis-server');
  const [postgres, redis] = await Promise.all([
    startPostgres(path.join(folder, 'postgres')),
    redisServer === undefined ? undefined : startRedis(redisServer, path.join(folder, 'redis')),
    buildOrWarn(),
  ]);
  // Ctrl-C ends the runner without the teardown below.
  const abandon = (): void => {
    quitPostgres(postgres.dataDir);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  process.once('exit', abandon);
  project.provide('postgresUrl', postgres.url);
  project.provide('redisUrl', redis?.url);

  return async () => {
    process.off('exit', abandon);
    await Promise.all([postgres.stop(), redis?.stop()]);
    const processes = await processesThatStay(folder);
    kill(processes);
    const files = await readdir(temporary);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    const left = [...processes.map(({ pid, command }) => `process ${pid}: ${command}`), ...files.map((name) => `temporary file: ${name}`)];
    if (left.length > 0) countTeardownFailure(`The tests left behind:\n  ${left.join('\n  ')}`);
  };
}

/** Ends the server at once; nothing in it is worth keeping. */
function quitPostgres(dataDir: string): void {
  try {
    process.kill(Number.parseInt(readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8'), 10), 'SIGQUIT');
  } catch {
    // It is gone already.
  }
}

async function startPostgres(dataDir: string): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir, durable: false });
  const template = new URL(postgres.url);
  template.pathname = `/${TEMPLATE}`;
  await migrate(template.href);
  return postgres;
}

/** `npm test` builds beforehand and stops if it cannot; a single file may be tested while others do not compile. */
async function buildOrWarn(): Promise<void> {
  await ensureBuilt().catch((error: Error) => console.error(`dist/ is not up to date. ${error.message}`));
}
