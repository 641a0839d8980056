/**
 * Prisma's command line without downloads: `npm run prisma -- <arguments>`. It uses the schema engine in this folder unless
 * PRISMA_SCHEMA_ENGINE_BINARY names another one.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js');
const engine = fileURLToPath(new URL('schema-engine.mjs', import.meta.url));

/** Commands that only check that an engine exists and never start it. */
const WITHOUT_ENGINE = new Set(['generate', 'validate', 'format']);

/** Windows cannot run a script as an executable, so there Prisma downloads its own engine for the commands that need one. */
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
    // The engine's shebang line looks for node in PATH.
    PATH: [path.dirname(process.execPath), process.env.PATH].filter(Boolean).join(path.delimiter),
    CHECKPOINT_DISABLE: '1',
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
  },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = signal ? 1 : code;
});
