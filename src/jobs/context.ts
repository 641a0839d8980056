import type { Config } from '../config.ts';
import { jobTopic, type FileStore, type ProgressBus, type RenderQueue } from './ports.ts';
import type { JobStore, UploadStore, WorkerStore } from './store.ts';

/** The part of a pino logger the domain uses. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What every operation on jobs works with. */
export interface JobContext {
  readonly config: Config;
  readonly jobs: JobStore;
  readonly uploads: UploadStore;
  readonly workers: WorkerStore;
  readonly queue: RenderQueue;
  readonly bus: ProgressBus;
  readonly files: FileStore;
  readonly log: Log;
}

/** Tells whoever follows these jobs to look again. News may get lost; the row does not. */
export async function tell(
  { bus, log }: Pick<JobContext, 'bus' | 'log'>,
  changed: readonly { id: string; revision: number }[],
): Promise<void> {
  await Promise.all(
    changed.map(({ id, revision }) =>
      bus.publish(jobTopic(id), { revision }).catch((error: unknown) => log.warn({ jobId: id, err: error }, 'progress event not sent')),
    ),
  );
}
