import type { JobPolicy } from './policy.ts';
import type { BlobStore } from './ports/blobs.ts';
import { jobTopic, type ProgressBus } from './ports/bus.ts';
import type { Log } from './ports/log.ts';
import type { RenderQueue } from './ports/queue.ts';
import type { Workspace } from './ports/workspace.ts';
import type { JobStore, UploadStore, WorkerStore } from './store.ts';

/** Everything that operations on jobs depend on. */
export interface JobContext {
  readonly policy: JobPolicy;
  readonly jobs: JobStore;
  readonly uploads: UploadStore;
  readonly workers: WorkerStore;
  readonly queue: RenderQueue;
  readonly bus: ProgressBus;
  readonly blobs: BlobStore;
  readonly workspace: Workspace;
  readonly log: Log;
}

/**
 * Publishes progress within an attempt directly on the bus. Subscribers recover from a lost message with the next one or with their next
 * poll. Every other change of a job is published by the outbox; see events.ts.
 */
export async function publishProgress({ bus, log }: Pick<JobContext, 'bus' | 'log'>, jobId: string, revision: number): Promise<void> {
  await bus.publish(jobTopic(jobId), { revision }).catch((error: unknown) => log.warn({ jobId, err: error }, 'progress not published'));
}
