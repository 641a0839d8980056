/**
 * `npm run generate`: writes schema.graphql, the client's types, docs/errors.md, docs/engines.md, docs/configuration.md, .env.example and
 * README's table of variables.
 */
import { ensureBuilt } from './build.mjs';

// Code that uses a new field does not type-check until the field's type is generated, but the compiler emits its JavaScript nevertheless.
const failure = await ensureBuilt().then(
  () => null,
  (error) => error,
);
try {
  const { writeGenerated } = await import('../dist/scripts/generated.js');
  await writeGenerated();
} catch (error) {
  throw failure ?? error;
}
if (failure) await ensureBuilt();
