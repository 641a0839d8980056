import type { JobContext } from '../../jobs/context.ts';
import type { StoredPhoto } from '../../jobs/create.ts';
import { AppError } from '../../jobs/errors.ts';
import type { Job } from '../../jobs/job.ts';
import { isUuid } from '../../jobs/store.ts';
import type { Caller } from '../auth.ts';
import type { LinkSigner } from '../http/links.ts';
import type { QueueLines } from '../../jobs/queue-lines.ts';
import type { JobWatcher } from '../progress/watch.ts';

/** What resolvers work with, the same for all requests of a process. */
export interface Api extends JobContext {
  readonly version: string;
  readonly startedAt: Date;
  /** Tells this process from any other that may answer on the same port. */
  readonly instance: string;
  readonly links: LinkSigner;
  readonly watcher: JobWatcher;
  /** Positions of waiting jobs, read once for all who ask at a time. */
  readonly lines: QueueLines;
  /** Takes in a photo that came inside a request; `release` once the job has its own copy. */
  readonly receiveBytes: (bytes: Buffer) => Promise<HeldPhoto>;
  /** What carries queue and progress: redis or postgresql. */
  readonly carrier: string;
}

export interface HeldPhoto {
  readonly photo: StoredPhoto;
  release(): Promise<void>;
}

/** Context of one GraphQL operation. */
export interface RequestContext {
  readonly api: Api;
  readonly caller: Caller;
  /** When the operation began, on performance.now()'s clock. Its answer shows queue positions as of then or later. */
  readonly startedAt: number;
}

/** A job of the caller's own; null if there is none, or it is another's. */
export async function findOwnJob({ api, caller }: RequestContext, id: string): Promise<Job | null> {
  const job = isUuid(id) ? await api.jobs.find(id) : null;
  return job?.owner === caller.owner ? job : null;
}

/** @throws AppError NOT_FOUND if there is no such job, or it is another's */
export async function ownJob(context: RequestContext, id: string): Promise<Job> {
  const job = await findOwnJob(context, id);
  if (!job) throw new AppError('NOT_FOUND', 'There is no such job.', { field: 'id' });
  return job;
}
