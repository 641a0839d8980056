#!/usr/bin/env node
/**
 * Stands in for Prisma's native schema engine, which Prisma would download at first use: the same arguments, the same JSON-RPC over
 * standard input and output, answered by the engine's WebAssembly build over node-postgres. `prisma/cli.mjs` puts it in place.
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

/** Log lines on standard error tell Prisma's CLI why an engine failed. It skips the first line and takes every other for JSON. */
const logError = (message, errorCode, isPanic = false) =>
  process.stderr.write(
    `\n${JSON.stringify({ level: 'ERROR', target: 'schema_engine::logger', fields: { message, error_code: errorCode, is_panic: isPanic } })}`,
  );

process.on('uncaughtException', (error) => {
  logError(panic.message || String(error), undefined, true);
  process.exit(101); // Prisma's CLI knows this as the exit code of a panic
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

/** Answers one JSON-RPC request a line until standard input ends. */
function serve() {
  let engine;
  let nextRequestId = 1_000_000; // of our own requests, beyond the ids that the CLI counts up
  const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

  const methods = {
    createDatabase: async () => {
      await createDatabase(url);
      return { databaseName: databaseName(url) };
    },
    getDatabaseVersion: async () => (await query(url, 'SELECT version()')).rows[0].version,
    diff: async (params) => {
      const { stdout, ...result } = await (await engine).diff(params);
      // The CLI shows what the engine asks it to print; the WebAssembly build hands it back instead.
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
    if (message.method) void answer(message); // without a method it acknowledges something we printed
  });
  lines.on('close', () => process.exit(0));
}
