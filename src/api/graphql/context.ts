import { AppError } from '../../jobs/errors.ts';
import type { Job } from '../../jobs/job.ts';
import { isUuid } from '../../jobs/store.ts';
import type { Caller } from '../auth.ts';
import type { ApiContext } from '../context.ts';

/** Context of one GraphQL operation. */
export interface RequestContext {
  readonly api: ApiContext;
  readonly caller: Caller;
  /** When the operation started, on the clock of performance.now(). Queue positions in its response are as of then or later. */
  readonly startedAt: number;
}

/** A job of the caller; null if it does not exist or has another owner. */
export async function findOwnJob({ api, caller }: RequestContext, id: string): Promise<Job | null> {
  const job = isUuid(id) ? await api.jobs.find(id) : null;
  return job?.owner === caller.owner ? job : null;
}

/** @throws AppError NOT_FOUND if the job does not exist or has another owner */
export async function ownJob(context: RequestContext, id: string): Promise<Job> {
  const job = await findOwnJob(context, id);
  if (!job) throw new AppError('NOT_FOUND', 'The job does not exist, or it has another owner.', { field: 'id' });
  return job;
}
