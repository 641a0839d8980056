/** Starts the embedded PostgreSQL that its argument describes, tells its parent, and stops it when told to. */
import { startEmbeddedPostgres, type EmbeddedPostgresOptions } from '../../src/provisioning/database/embedded-postgres.ts';

const { stop, ...postgres } = await startEmbeddedPostgres(JSON.parse(process.argv[2]!) as EmbeddedPostgresOptions);
process.on('message', async () => {
  await stop();
  process.disconnect();
});
process.send!(postgres);
