/** `npm run generate`: writes schema.graphql, docs/errors.md, docs/configuration.md, .env.example and README's table of variables. */
import { ensureBuilt } from './build.mjs';

await ensureBuilt();
const { writeGenerated } = await import('../dist/scripts/generated.js');
await writeGenerated();
