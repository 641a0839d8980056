/** Prisma's schema engine as WebAssembly, bound to a PostgreSQL adapter. */
import { readFile } from 'node:fs/promises';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg';
import { adapterFactory } from './postgres.mjs';

const wasmFile = new URL('schema_engine_bg.wasm', import.meta.resolve('@prisma/schema-engine-wasm'));

/** Message of the last panic. The engine writes it here just before the instance becomes unusable. */
export const panic = {
  message: '',
  set_message(text) {
    this.message = text;
  },
};
globalThis.PRISMA_WASM_PANIC_REGISTRY = panic;

/**
 * Starts an engine.
 * @param {string} url connection URL; unused by commands that need no database
 * @param {string[]} schemaFiles paths of the schema files
 */
export async function startEngine(url, schemaFiles) {
  const { instance } = await WebAssembly.instantiate(await readFile(wasmFile), { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const datamodels = await Promise.all(schemaFiles.map(async (file) => [file, await readFile(file, 'utf8')]));
  const adapters = bindMigrationAwareSqlAdapterFactory(adapterFactory(url));
  return glue.SchemaEngine.new({ datamodels: datamodels.length > 0 ? datamodels : undefined }, () => {}, adapters);
}
