import type { Services } from '../infra/services.ts';
import type { QueueLines } from '../jobs/queue-lines.ts';
import type { LinkSigner } from './http/links.ts';
import type { PhotoIntake } from './http/uploads.ts';
import type { JobWatcher } from './progress/watch.ts';

/** Everything that requests of one API process share. */
export interface ApiContext extends Services {
  readonly version: string;
  readonly startedAt: Date;
  /** Random id of this process, which distinguishes it from another process on the same port. */
  readonly instance: string;
  readonly links: LinkSigner;
  readonly watcher: JobWatcher;
  /** Positions of waiting jobs; concurrent readers share one query. */
  readonly lines: QueueLines;
  readonly intake: PhotoIntake;
}
