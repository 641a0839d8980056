/** `npm run bench:queue`: measures the latencies of the queue and of progress on this machine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../../src/process/version.ts';
import { Installation } from './installation.ts';
import { startPostgres, startRedis, type PostgresServer } from './servers.ts';
import { percentiles, timed } from './statistics.ts';

const USAGE = `Usage: npm run bench:queue [-- options]

Measures the latencies from a new job to its first attempt and from a change to its subscriber, createJob with an empty and with a long
queue, and the rows written when one job of many starts or ends: with an embedded PostgreSQL and, if redis-server is installed, Redis.

  --rounds N          rounds of the latencies (40)
  --waiting N         jobs in the long queue (1000)
  --against FOLDER    another built checkout, measured alternately with this one
`;

/** Concurrent requests that fill the queue. */
const CONCURRENCY = 4;

/** A name and its measurements in milliseconds, one array per installation. */
type Series = Map<string, Map<string, number[]>>;

const WAIT_FOR_ATTEMPT = 'job inserted → attempt started, idle worker';
const STATUS_DELAY = 'status written → received by subscriber';
const PROGRESS_DELAY = 'progress written → received by subscriber';

function add(series: Series, name: string, installation: Installation, values: readonly number[]): void {
  const measured = series.get(name) ?? new Map<string, number[]>();
  series.set(name, measured.set(installation.name, [...(measured.get(installation.name) ?? []), ...values]));
}

/** One job on an idle worker and one that waits for it, both cancelled once they run. */
async function measureLatencies(installation: Installation, uploadId: string, series: Series): Promise<void> {
  await installation.workerIdle();
  await installation.takeChanges();
  const first = await installation.createJob(uploadId);
  await installation.follow(first).until('PROCESSING');
  const second = await installation.createJob(uploadId);
  const follower = installation.follow(second);
  await follower.until('QUEUED');
  await installation.cancelJob(first);
  await follower.until('PROCESSING');
  await installation.cancelJob(second);
  await follower.until('CANCELLED');

  const changes = await installation.takeChanges();
  const writtenAt = (id: string, status: string) =>
    changes.find((change) => change.jobId === id && change.status === status)?.at ?? Number.NaN;
  add(series, WAIT_FOR_ATTEMPT, installation, [writtenAt(first, 'PROCESSING') - writtenAt(first, 'QUEUED')]);
  // The first state is sent on subscription, not because it changed.
  for (const [i, state] of [...follower.states.entries()].slice(1)) {
    const change = changes.find(({ jobId, revision }) => jobId === second && revision === state.revision);
    if (!change) continue;
    const name = state.status === follower.states[i - 1]!.status ? PROGRESS_DELAY : STATUS_DELAY;
    add(series, name, installation, [state.at - change.at]);
  }
}

/** Times `rounds` calls of createJob; the jobs are cancelled again. */
async function measureCreate(installation: Installation, uploadId: string, rounds: number): Promise<number[]> {
  const durations: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { ms, result } = await timed(() => installation.createJob(uploadId));
    durations.push(ms);
    await installation.cancelJob(result);
  }
  return durations;
}

/** Rows written, those of the job itself included, by the end of a job and by the start of one while others wait. */
async function measureWrites(installation: Installation): Promise<{ readonly end: number; readonly start: number }> {
  const [waiting] = await installation.query<{ id: string }>(`SELECT id FROM job WHERE status = 'QUEUED' ORDER BY "createdAt" LIMIT 1`);
  await installation.record(true);
  await installation.takeChanges();
  await installation.cancelJob(waiting!.id);
  const end = (await installation.takeChanges()).length;
  await installation.startWorker();
  await installation.attemptStarted();
  await installation.stopWorker();
  const changes = await installation.takeChanges();
  const started = changes.find(({ status }) => status === 'PROCESSING');
  if (!started) throw new Error(`${installation.name}: the worker started no job.`);
  // Neither the progress of the running job nor what its end causes is part of its start.
  const ended = changes.findIndex(({ jobId, status }) => jobId === started.jobId && status !== 'PROCESSING');
  const others = new Set(
    changes
      .slice(0, ended === -1 ? undefined : ended)
      .map(({ jobId }) => jobId)
      .filter((id) => id !== started.jobId),
  );
  await installation.record(false);
  return { end, start: 1 + others.size };
}

function printTable(title: string, rows: readonly (readonly string[])[]): void {
  console.log(`\n${title}\n`);
  for (const [i, row] of rows.entries()) {
    console.log(`| ${row.join(' | ')} |`);
    if (i === 0) console.log(`|${' --- |'.repeat(row.length)}`);
  }
}

function printSeries(title: string, series: Series): void {
  const rows = [...series].flatMap(([name, byInstallation]) =>
    [...byInstallation].map(([installation, values]) => {
      const { p50, p95, count } = percentiles(values);
      return [name, installation, `${p50.toFixed(1)} ms`, `${p95.toFixed(1)} ms`, String(count)];
    }),
  );
  printTable(title, [['', 'version', 'p50', 'p95', 'samples'], ...rows]);
}

interface Plan {
  readonly postgres: PostgresServer;
  readonly programs: readonly { readonly name: string; readonly program: string }[];
  readonly folder: string;
  readonly rounds: number;
  readonly waiting: number;
}

/** All measurements with queue and bus on one server. Installations alternate, so that other load on the machine affects all equally. */
async function measure({ postgres, programs, folder, rounds, waiting }: Plan, transport: string, redisUrl?: string): Promise<void> {
  const installations: Installation[] = [];
  try {
    for (const { name, program } of programs) {
      const key = `${transport}_${installations.length}`.toLowerCase();
      installations.push(
        await Installation.start({
          name,
          program,
          databaseUrl: await postgres.createDatabase(key),
          redisUrl,
          folder: path.join(folder, key),
          // A version without a backlog keeps all waiting jobs in its queue.
          environment: { BACKLOG_LIMIT: '1000000', ...(program === ROOT ? {} : { QUEUE_LIMIT: '1000000' }) },
        }),
      );
    }
    const uploads = new Map<Installation, string>();
    for (const installation of installations) {
      uploads.set(installation, await installation.upload());
      await installation.startWorker();
    }
    const latencies: Series = new Map();
    for (let round = -2; round < rounds; round++) {
      for (const installation of installations)
        await measureLatencies(installation, uploads.get(installation)!, round < 0 ? new Map() : latencies); // the first rounds warm up
    }
    printSeries(`Latencies, queue and bus on ${transport}`, latencies);

    const creation: Series = new Map();
    const writes: string[][] = [];
    const connections: string[][] = [];
    for (const installation of installations) {
      const uploadId = uploads.get(installation)!;
      await installation.stopWorker();
      await installation.record(false);
      add(creation, 'createJob, no job waits', installation, await measureCreate(installation, uploadId, rounds));
      for (let created = 0; created < waiting; created += CONCURRENCY) {
        const count = Math.min(CONCURRENCY, waiting - created);
        await Promise.all(Array.from({ length: count }, () => installation.createJob(uploadId)));
      }
      add(creation, `createJob, ${waiting} jobs wait`, installation, await measureCreate(installation, uploadId, rounds));
      const { start, end } = await measureWrites(installation);
      writes.push([installation.name, String(start), String(end)]);
      const rows = await installation.query<{ name: string; count: number }>(`
        SELECT coalesce(nullif(application_name, ''), 'queries') AS name, count(*)::int AS count FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() GROUP BY 1 ORDER BY 1`);
      connections.push(...rows.map((row) => [installation.name, row.name, String(row.count)]));
    }
    printSeries(`createJob, queue and bus on ${transport}`, creation);
    printTable(`Rows of the job table written while ${waiting} jobs wait`, [['version', 'start of a job', 'end of a job'], ...writes]);

    printTable('PostgreSQL connections of the API process', [['version', 'application_name', 'connections'], ...connections]);
  } finally {
    await Promise.all(installations.map((installation) => installation.stop()));
  }
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`--${option} is ${text}; it must be a whole number of at least 1.`);
  return value;
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '40' },
      waiting: { type: 'string', default: '1000' },
      against: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const programs = [{ name: 'this checkout', program: ROOT }];
  if (values.against !== undefined) programs.push({ name: path.basename(values.against), program: path.resolve(values.against) });
  const folder = await mkdtemp(path.join(tmpdir(), 'fm-bench-'));
  const postgres = await startPostgres(folder);
  const redis = await startRedis(folder);
  try {
    const plan = { postgres, programs, folder, rounds: positive('rounds', values.rounds), waiting: positive('waiting', values.waiting) };
    await measure(plan, 'PostgreSQL');
    if (redis) await measure(plan, 'Redis', redis.url);
    else console.log('\nredis-server is not installed; Redis is not measured.');
  } finally {
    await redis?.stop();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

await run();
