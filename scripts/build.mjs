/**
 * Builds what `node` runs: `node scripts/build.mjs`, also npm's `prepare` script.
 *
 *   prisma/schema.prisma ──prisma generate──▶ src/infra/generated/prisma ─┐
 *   src, worker, bot ─────────────────────────────────────────────────────┴─tsc──▶ dist
 *   src/api/graphiql, src/client, src/catalog ──esbuild──▶ dist/graphiql
 *
 * A step is skipped while its inputs are unchanged since it last succeeded (dist/.stamp). Two processes may build at once.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const inRoot = (name) => path.join(root, name);
const dist = inRoot('dist');
const stampFile = path.join(dist, '.stamp');
const lockFile = path.join(dist, '.lock');
const typescript = inRoot('node_modules/typescript/bin/tsc');

/** A lock that its holder has not renewed for this long was left by a killed process. */
const LOCK_STALE_MS = 10_000;
const LOCK_RENEW_MS = 2_000;
/** Every 100 ms for at least 15 minutes. */
const LOCK_RETRIES = { retries: 9_000, factor: 1, minTimeout: 100, maxTimeout: 100 };

/**
 * In order. `inputs` are files and folders; of folders, files with one of the `extensions`. `output` exists once the step has run.
 */
const STEPS = [
  {
    name: 'database client',
    inputs: ['prisma/schema.prisma', 'prisma.config.ts', 'package-lock.json'],
    output: 'src/infra/generated/prisma/client.ts',
    run: () => runNode([inRoot('prisma/cli.mjs'), 'generate']),
  },
  {
    name: 'GraphiQL',
    inputs: ['src/api/graphiql', 'src/client', 'src/catalog', 'package-lock.json'],
    output: 'dist/graphiql/index.html',
    run: async () => (await import('../src/api/graphiql/bundle.mjs')).bundle(),
  },
  {
    name: 'TypeScript',
    inputs: ['src', 'worker', 'bot', 'scripts', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'],
    extensions: ['.ts', '.json'],
    output: 'dist/src',
    run: compile,
  },
];

/**
 * Runs the steps whose inputs changed.
 * @param {{ force?: boolean }} [options] `force` runs all of them
 * @returns {Promise<string[]>} names of the steps that ran
 * @throws {Error} with the tool's own output when a step fails
 */
export async function build({ force = false } = {}) {
  if (!force && staleSteps().length === 0) return [];
  if (process.env.npm_config_package_lock_only === 'true') return []; // npm only writes its lock file and installs no packages
  if (!hasDevelopmentPackages()) {
    const stamps = readStamps();
    if (STEPS.every((step) => step.name in stamps)) return []; // everything was built before those packages were removed
    throw new Error('dist/ is missing, and so are the packages that build it. Run npm ci without --omit=dev once.');
  }
  await mkdir(dist, { recursive: true });
  return withLock(async () => {
    const done = [];
    for (const step of STEPS) {
      const { [step.name]: stamp, ...others } = readStamps();
      const inputs = fingerprint(step);
      if (!force && isCurrent(step, stamp, inputs)) continue;
      await writeStamps(others); // a failing step may leave partial output
      await step.run();
      await writeStamps({ ...others, [step.name]: inputs });
      done.push(step.name);
    }
    return done;
  });
}

/** Builds if needed and then prints one line; prints nothing if everything is up to date. */
export async function ensureBuilt() {
  const started = performance.now();
  const done = await build();
  if (done.length > 0) process.stderr.write(`Built ${done.join(', ')} in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

function staleSteps() {
  const stamps = readStamps();
  return STEPS.filter((step) => !isCurrent(step, stamps[step.name], fingerprint(step)));
}

function isCurrent(step, stamp, inputs) {
  return stamp === inputs && existsSync(inRoot(step.output));
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

/** Checks for the type packages too: other packages may install the compiler, but without types it reports only errors. */
function hasDevelopmentPackages() {
  const { devDependencies } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  return Object.keys(devDependencies).every((name) => existsSync(inRoot(`node_modules/${name}`)));
}

async function compile() {
  const output = await runNode([typescript, '-p', inRoot('tsconfig.build.json'), '--listEmittedFiles', '--pretty', 'false']);
  const emitted = new Set([...output.matchAll(/^TSFILE: (.+)$/gm)].map((match) => path.resolve(match[1].trim())));
  await Promise.all(['src', 'worker', 'bot', 'scripts'].map((folder) => removeLeftovers(path.join(dist, folder), emitted)));
}

/** Removes outputs of deleted sources, which imports would still find. */
async function removeLeftovers(folder, emitted) {
  if (!existsSync(folder)) return;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && !emitted.has(file)) await rm(file, { force: true });
  }
}

/** Runs `node …args` and returns its standard output. Rejects with all of its output if it fails. */
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

/** Runs `work` while no other process builds. The lock of a killed process is taken over once it is stale. */
async function withLock(work) {
  const { lock } = await import('proper-lockfile');
  const release = await lock(dist, { lockfilePath: lockFile, stale: LOCK_STALE_MS, update: LOCK_RENEW_MS, retries: LOCK_RETRIES });
  try {
    return await work();
  } finally {
    await release();
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
