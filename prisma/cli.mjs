/**
 * Prisma's command line without downloads: `npm run prisma -- <arguments>`. The schema engine is the one in this folder, unless
 * PRISMA_SCHEMA_ENGINE_BINARY names another.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js');
const engine = fileURLToPath(new URL('schema-engine.mjs', import.meta.url));

/** Commands that only ask whether an engine is there, and never start it. */
const WITHOUT_ENGINE = new Set(['generate', 'validate', 'format']);

/** Windows starts no script as a program: there Prisma downloads its own engine for the commands that need one. */
function engineFor(command) {
  if (process.platform !== 'win32') return { PRISMA_SCHEMA_ENGINE_BINARY: engine };
  return WITHOUT_ENGINE.has(command) ? { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath } : {};
}

const args = process.argv.slice(2);
const child = spawn(process.execPath, [prisma, ...args], {
  stdio: 'inherit',
  cwd: path.dirname(import.meta.dirname), // where prisma.config.ts is
  env: {
    ...engineFor(args[0]),
    ...process.env,
    // The engine is started by its first line, which looks for node in PATH.
    PATH: [path.dirname(process.execPath), process.env.PATH].filter(Boolean).join(path.delimiter),
    CHECKPOINT_DISABLE: '1',
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
  },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = signal ? 1 : code;
});
