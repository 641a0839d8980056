/** `npm run generate`: prints schema.graphql, docs/errors.md, .env.example and README's configuration table from the code. */
import { ensureBuilt } from './build.mjs';

await ensureBuilt();
const { writeGenerated } = await import('../dist/scripts/generated.js');
await writeGenerated();
