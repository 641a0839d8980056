/** A process that takes an entry, reports it, and never acknowledges it. */
import { openQueue, type QueueSettings } from '../../src/infra/queue/queue.ts';

const settings = JSON.parse(process.argv[2] ?? '') as QueueSettings;
await openQueue(settings).consume('PREVIEW', async ({ jobId }) => {
  process.send?.({ took: jobId });
  return new Promise(() => {});
});
