/** What happens to a job, as recorded in the outbox: one event per change of its row, in the same transaction as the change. */
import type { JobStatus } from './job.ts';
import type { JobChange } from './store.ts';

export const JOB_EVENT_KINDS = {
  CREATED: 'the job was created',
  STARTED: 'an attempt started',
  QUEUED: 'a stopping worker released the job; it waits again',
  RETRYING: 'an attempt failed and another one follows',
  COMPLETED: 'the video is ready',
  FAILED: 'the job failed for good',
  CANCELLED: 'the job was cancelled',
  EXPIRED: 'files of the job were deleted',
  DELETED: 'the job was deleted',
} as const;

export type JobEventKind = keyof typeof JOB_EVENT_KINDS;

/** One recorded change. Progress within an attempt is not recorded: it goes straight to the bus and may be lost. */
export interface JobEvent {
  /** Grows with every event of the same job. A decimal integer of up to 64 bits. */
  readonly id: string;
  readonly jobId: string;
  /** The job's revision after the change. */
  readonly revision: number;
  readonly kind: JobEventKind;
  readonly at: Date;
}

const KIND_BY_STATUS = {
  QUEUED: 'QUEUED',
  PROCESSING: 'STARTED',
  RETRYING: 'RETRYING',
  COMPLETED: 'COMPLETED',
  FAILED: 'FAILED',
  CANCELLED: 'CANCELLED',
} as const satisfies Record<JobStatus, JobEventKind>;

/** The event that records a transition. Only the removal of files leaves the status as it is. */
export function eventKindOf({ status }: Pick<JobChange, 'status'>): JobEventKind {
  return status === undefined ? 'EXPIRED' : KIND_BY_STATUS[status];
}
