#!/usr/bin/env node
/**
 * Replaces Prisma's native schema engine, which Prisma would download at first use. It takes the same arguments and speaks the same
 * JSON-RPC over standard input and output, but answers with the engine's WebAssembly build over node-postgres. `prisma/cli.mjs`
 * selects it.
 */
import { createInterface } from 'node:readline';
import { panic, startEngine } from './schema-engine/engine.mjs';
import { createDatabase, databaseName, dropDatabase, prismaErrorCode, query } from './schema-engine/postgres.mjs';

const schemaFiles = [];
let url = 'postgresql://localhost/postgres';
let command;
const args = process.argv.slice(2);
while (args.length > 0) {
  const arg = args.shift();
  if (arg === '--datamodels') schemaFiles.push(args.shift());
  else if (arg === '--datasource') url = JSON.parse(args.shift()).url ?? url;
  else if (arg === '--version') command = 'version';
  else if (arg === 'cli') command = args.shift();
}

/** Prisma's CLI reads from standard error why an engine failed. It skips the first line and parses every other line as JSON. */
const logError = (message, errorCode, isPanic = false) =>
  process.stderr.write(
    `\n${JSON.stringify({ level: 'ERROR', target: 'schema_engine::logger', fields: { message, error_code: errorCode, is_panic: isPanic } })}`,
  );

process.on('uncaughtException', (error) => {
  logError(panic.message || String(error), undefined, true);
  process.exit(101); // the exit code by which Prisma's CLI recognizes a panic
});

if (command) await runCommand();
else serve();

async function runCommand() {
  try {
    if (command === 'version') console.log('schema-engine-wasm');
    else if (command === 'can-connect-to-database') await query(url, 'SELECT 1');
    else if (command === 'create-database') await createDatabase(url);
    else if (command === 'drop-database') await dropDatabase(url);
    else throw new Error(`The schema engine has no command ${command}.`);
  } catch (error) {
    logError(error.message, prismaErrorCode(error));
    process.exitCode = 1;
  }
}

/** Answers JSON-RPC requests, one per line, until standard input ends. */
function serve() {
  let engine;
  let nextRequestId = 1_000_000; // ids of requests sent from here, beyond those the CLI counts up
  const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

  const methods = {
    createDatabase: async () => {
      await createDatabase(url);
      return { databaseName: databaseName(url) };
    },
    getDatabaseVersion: async () => (await query(url, 'SELECT version()')).rows[0].version,
    diff: async (params) => {
      const { stdout, ...result } = await (await engine).diff(params);
      // The native engine asks the CLI to print its output; the WebAssembly build returns it instead.
      if (stdout != null) send({ id: nextRequestId++, method: 'print', params: { content: stdout } });
      return result;
    },
  };

  const answer = async ({ id, method, params }) => {
    try {
      engine ??= startEngine(url, schemaFiles);
      const result = methods[method] ? await methods[method](params) : await (await engine)[method](params);
      send({ id, result: result ?? null });
    } catch (error) {
      const data = {
        is_panic: false,
        message: String(error?.message ?? error),
        meta: error?.meta ?? {},
        error_code: error?.code ?? null,
        backtrace: null,
      };
      send({ id, error: { code: 4466, message: 'An error happened. Check the data field for details.', data } });
    }
  };

  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    if (line.trim() === '') return;
    const message = JSON.parse(line);
    if (message.method) void answer(message); // a message without a method acknowledges printed output
  });
  lines.on('close', () => process.exit(0));
}
