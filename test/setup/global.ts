/**
 * Prepares a test run: a folder for its temporary files and, unless only unit tests take part, the built program, a PostgreSQL with a
 * migrated template database, and Redis where it is installed. Vitest calls it for every project that takes part, and for the root
 * project; the run is prepared once and cleaned up after the last of them.
 */
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
import { startRedis, type TestRedis } from './redis.ts';
import { countTeardownFailure } from './totals.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URL of the run's PostgreSQL, as its superuser. */
    postgresUrl: string;
    redisUrl: string | undefined;
  }
}

/** A run in progress. */
interface Run {
  readonly folder: string;
  readonly temporary: string;
  services: Promise<RunServices> | undefined;
  /** Projects that have not been torn down yet. */
  projects: number;
}

interface RunServices {
  readonly postgres: EmbeddedPostgres;
  readonly redis: TestRedis | undefined;
}

/** Every project loads its own copy of this file; they share the run through the process. */
const shared = ((globalThis as { [key: symbol]: unknown })[Symbol.for('fanslymotion.testRun')] ??= {}) as { run?: Promise<Run> };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = await (shared.run ??= startRun());
  run.projects++;
  if (project.name === 'integration' || project.name === 'e2e') {
    const { postgres, redis } = await (run.services ??= startServices(run.folder));
    project.provide('postgresUrl', postgres.url);
    project.provide('redisUrl', redis?.url);
  }
  return async () => {
    if (--run.projects === 0) await endRun(run);
  };
}

async function startRun(): Promise<Run> {
  await removeAbandonedRuns();
  // In a folder that only its owner may enter, the embedded PostgreSQL would use another data folder; tests of that set it up themselves.
  process.umask(0o022);
  const folder = await mkdtemp(runFolderPrefix());
  const temporary = path.join(folder, 'tmp');
  await mkdir(temporary);
  await chmod(folder, 0o755); // when root runs the tests, PostgreSQL runs as another user
  process.env[RUN_VARIABLE] = folder;
  for (const name of ['TMPDIR', 'TMP', 'TEMP']) process.env[name] = temporary; // files left there by tests are reported at the end
  // Ctrl-C ends the runner without its teardown.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return { folder, temporary, services: undefined, projects: 0 };
}

async function startServices(folder: string): Promise<RunServices> {
  const redisServer = findTool('redis-server');
  const [postgres, redis] = await Promise.all([
    startPostgres(path.join(folder, 'postgres')),
    redisServer === undefined ? undefined : startRedis(redisServer, path.join(folder, 'redis')),
    buildOrWarn(),
  ]);
  process.prependOnceListener('exit', () => quitPostgres(postgres.dataDir));
  return { postgres, redis };
}

async function endRun({ folder, temporary, services }: Run): Promise<void> {
  const running = await services;
  await Promise.all([running?.postgres.stop(), running?.redis?.stop()]);
  const processes = await processesThatStay(folder);
  kill(processes);
  const files = await readdir(temporary);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  const left = [...processes.map(({ pid, command }) => `process ${pid}: ${command}`), ...files.map((name) => `temporary file: ${name}`)];
  if (left.length > 0) countTeardownFailure(`The tests left behind:\n  ${left.join('\n  ')}`);
}

/** Stops the server immediately; its data is discarded. */
function quitPostgres(dataDir: string): void {
  try {
    process.kill(Number.parseInt(readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8'), 10), 'SIGQUIT');
  } catch {
    // It has already exited.
  }
}

async function startPostgres(dataDir: string): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir, durable: false });
  const template = new URL(postgres.url);
  template.pathname = `/${TEMPLATE}`;
  await migrate(template.href);
  return postgres;
}

/** `npm test` builds first and stops if that fails; with a single file, tests run even if other files do not compile. */
async function buildOrWarn(): Promise<void> {
  await ensureBuilt().catch((error: Error) => console.error(`dist/ is not up to date. ${error.message}`));
}
