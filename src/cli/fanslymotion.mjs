#!/usr/bin/env node
/** The command line: builds what is out of date, then runs the command from dist/. */
import { ensureBuilt } from '../../scripts/build.mjs';

try {
  await ensureBuilt();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
await import('../../dist/src/cli/main.js');
