/**
 * Builds what `node` runs: `node src/cli/build.mjs`, also npm's `prepare` script.
 *
 *   prisma/schema.prisma ──prisma generate──▶ src/infra/generated/prisma ─┐
 *   src, worker, bot ─────────────────────────────────────────────────────┴─tsc──▶ dist
 *   src/api/graphiql ──bundle──▶ dist
 *
 * A step is left out while its inputs are what they were when it last succeeded (dist/.stamp). Two processes may build at once.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const root = path.resolve(import.meta.dirname, '../..');
const inRoot = (name) => path.join(root, name);
const dist = inRoot('dist');
const stampFile = path.join(dist, '.stamp');
const lockFile = path.join(dist, '.lock');
const bundler = inRoot('src/api/graphiql/bundle.mjs');

/** A lock older than this is left over from a process whose number another process has now. */
const LOCK_MAX_AGE_MS = 10 * 60_000;

/**
 * In order. `inputs` are files and folders; of folders, files with one of the `extensions`. `output` shows that the result is there.
 * `run` resolves to the files it wrote, where it knows them.
 */
const STEPS = [
  {
    name: 'database client',
    inputs: ['prisma/schema.prisma', 'prisma.config.ts', 'package-lock.json'],
    output: 'src/infra/generated/prisma/client.ts',
    run: () => runNode([inRoot('prisma/cli.mjs'), 'generate']).then(() => []),
  },
  {
    name: 'TypeScript',
    inputs: ['src', 'worker', 'bot', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'],
    extensions: ['.ts', '.json'],
    output: 'dist/src',
    run: compile,
  },
  {
    name: 'GraphiQL',
    inputs: ['src/api/graphiql', 'package-lock.json'],
    output: 'dist',
    run: async () => {
      await (await import(pathToFileURL(bundler).href)).bundle();
      return [];
    },
  },
].filter((step) => step.name !== 'GraphiQL' || existsSync(bundler));

/**
 * Runs the steps whose inputs changed.
 * @param {{ force?: boolean }} [options] `force` runs all of them
 * @returns {Promise<string[]>} names of the steps that ran
 * @throws {Error} with the tool's own output when a step fails
 */
export async function build({ force = false } = {}) {
  if (!force && staleSteps().length === 0) return [];
  if (!hasCompiler()) {
    if (existsSync(inRoot('dist/src'))) return []; // built before the development packages were left out
    throw new Error('dist/ is missing and so is the TypeScript compiler that makes it. Run npm ci without --omit=dev once.');
  }
  await mkdir(dist, { recursive: true });
  return withLock(async () => {
    const done = [];
    for (const step of STEPS) {
      const stamps = readStamps();
      const before = fingerprint(step);
      if (!force && isCurrent(step, stamps, before)) continue;
      const files = await step.run();
      await removeLeftovers(stamps[step.name]?.files ?? [], files);
      await writeStamps({ ...readStamps(), [step.name]: { fingerprint: before, files } });
      done.push(step.name);
    }
    return done;
  });
}

/** Builds if needed, and says so in one line; silent when there is nothing to do. */
export async function ensureBuilt() {
  const started = performance.now();
  const done = await build();
  if (done.length > 0) process.stderr.write(`Built ${done.join(', ')} in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

function staleSteps() {
  const stamps = readStamps();
  return STEPS.filter((step) => !isCurrent(step, stamps, fingerprint(step)));
}

function isCurrent(step, stamps, current) {
  return stamps[step.name]?.fingerprint === current && existsSync(inRoot(step.output));
}

/** Changes whenever an input is added, removed or written to. */
function fingerprint({ inputs, extensions }) {
  const hash = createHash('sha256');
  const add = (name) => {
    const found = statSync(inRoot(name), { throwIfNoEntry: false });
    if (found?.isDirectory()) for (const entry of readdirSync(inRoot(name)).sort()) add(`${name}/${entry}`);
    else if (found && (!extensions || extensions.includes(path.extname(name)))) hash.update(`${name} ${found.size} ${found.mtimeMs}\n`);
  };
  inputs.forEach(add);
  return hash.digest('hex');
}

function readStamps() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

async function writeStamps(stamps) {
  const draft = `${stampFile}.${process.pid}`;
  await writeFile(draft, JSON.stringify(stamps));
  await rename(draft, stampFile);
}

/** Outputs of sources that are gone would still be found by an import. */
async function removeLeftovers(before, now) {
  const kept = new Set(now);
  await Promise.all(before.filter((file) => !kept.has(file)).map((file) => rm(inRoot(file), { force: true })));
}

function hasCompiler() {
  try {
    return Boolean(typescript());
  } catch {
    return false;
  }
}

function typescript() {
  return path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
}

async function compile() {
  const output = await runNode([typescript(), '-p', inRoot('tsconfig.build.json'), '--listEmittedFiles', '--pretty', 'false']);
  return [...output.matchAll(/^TSFILE: (.+)$/gm)].map((match) => path.relative(root, match[1].trim()));
}

/** Standard output of `node …args`. Rejects with all its output when it fails. */
async function runNode(args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let all = '';
  child.stdout.on('data', (chunk) => ((output += chunk), (all += chunk)));
  child.stderr.on('data', (chunk) => (all += chunk));
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`${path.basename(args[0])} failed:\n${all.replaceAll(/^TSFILE: .*\n/gm, '').trim()}`);
  return output;
}

/** Runs `work` while no other process builds. The lock of a process that died is taken over. */
async function withLock(work) {
  while (!(await tryLock())) await sleep(50);
  try {
    return await work();
  } finally {
    await rm(lockFile, { force: true });
  }
}

async function tryLock() {
  try {
    await writeFile(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (await isAbandoned()) await rm(lockFile, { force: true });
  return false;
}

async function isAbandoned() {
  try {
    const pid = Number(await readFile(lockFile, 'utf8'));
    const { mtimeMs } = await stat(lockFile);
    if (Date.now() - mtimeMs > LOCK_MAX_AGE_MS) return true;
    return pid > 0 && !isAlive(pid);
  } catch {
    return false; // released just now
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename) {
  try {
    await ensureBuilt();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
