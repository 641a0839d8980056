import type { Stage } from '../catalog/catalog.ts';
import type { FocusPoint } from '../catalog/crop.ts';
import type { EngineName, RenderOptions } from '../catalog/engines.ts';
import type { ErrorCode } from './errors.ts';

/**
 * The life cycle of a job. Every change goes through `JobStore.transition`, which writes only if the stored state still allows it.
 *
 *   QUEUED ◀─▶ PROCESSING ──▶ COMPLETED      final; the files expire before the job does
 *     │            │  ▲  └───▶ FAILED        no attempt is left, or the error is permanent
 *     │            ▼  │
 *     │         RETRYING                     the next attempt starts after a delay
 *     └────────────┴──────────▶ CANCELLED    on request, while the job is unfinished
 *
 * A worker that shuts down releases its job, which is QUEUED again; the attempt does not count (maxAttempts grows by one). A finished job
 * is retried as a new job that refers to it.
 */
export const JOB_STATUSES = {
  QUEUED: 'waiting for a worker',
  PROCESSING: 'being rendered by a worker',
  RETRYING: 'an attempt failed; the next one starts at nextAttemptAt',
  COMPLETED: 'the video is ready',
  FAILED: 'the job could not be rendered; error says why',
  CANCELLED: 'the job was cancelled before it finished',
} as const;

export type JobStatus = keyof typeof JOB_STATUSES;

export const ACTIVE_STATUSES = ['QUEUED', 'PROCESSING', 'RETRYING'] as const satisfies JobStatus[];
export const TERMINAL_STATUSES = ['COMPLETED', 'FAILED', 'CANCELLED'] as const satisfies JobStatus[];

export function isTerminal(status: JobStatus): boolean {
  return (TERMINAL_STATUSES as readonly JobStatus[]).includes(status);
}

/** One row of the job table. Times are set by the database's clock. */
export interface Job {
  readonly id: string;
  readonly owner: string;
  readonly status: JobStatus;
  /** Grows by one with every change that is visible to clients. */
  readonly revision: number;
  /** 0 before the first attempt. */
  readonly attempt: number;
  /** Grows by one for every attempt that a stopping worker released. */
  readonly maxAttempts: number;
  /** Identifies the only attempt that may write; null if none is running. */
  readonly attemptToken: string | null;
  readonly nextAttemptAt: Date | null;
  /** Rank in the fair order of the backlog: see `JobStore.insert`. */
  readonly turn: number;
  /** Order in which the job was admitted to the queue of its engine; null while it waits in the backlog. */
  readonly admission: number | null;
  readonly stage: Stage | null;
  /** Finished frames or steps of the current stage. */
  readonly step: number | null;
  readonly totalSteps: number | null;
  /** 0 to 100; never decreases within an attempt. */
  readonly percent: number;
  /** Remaining render time in seconds, as of `progressAt`. */
  readonly etaSeconds: number | null;
  readonly progressAt: Date | null;
  /** When the latest preview was written; null before the first. */
  readonly previewAt: Date | null;
  readonly engine: EngineName;
  /** Device that renders or rendered it, such as `cpu` or `cuda:0`. */
  readonly device: string | null;
  readonly workerId: string | null;
  readonly options: RenderOptions;
  /** Render time expected when the job was created, in seconds. */
  readonly estimatedSeconds: number;
  /** The estimate before it was corrected by finished jobs, in seconds; null if devices differ or the row is older than this column. */
  readonly baselineSeconds: number | null;
  readonly photoSha256: string;
  /** Pixels as displayed, EXIF orientation applied. */
  readonly photoWidth: number;
  readonly photoHeight: number;
  /** What a crop of the photo keeps in view. */
  readonly photoFocus: FocusPoint;
  /** False once the photo is deleted. */
  readonly photoKept: boolean;
  readonly clientRef: string | null;
  readonly idempotencyKey: string | null;
  /** Hash of the request, which tells whether two requests with the same idempotency key are equal. */
  readonly fingerprint: string;
  readonly retryOf: string | null;
  readonly errorCode: ErrorCode | null;
  readonly errorMessage: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** When the files are deleted; null while the job is unfinished. */
  readonly expiresAt: Date | null;
  /** True while video and poster are stored. */
  readonly filesKept: boolean;
  readonly sizeBytes: number | null;
  readonly sha256: string | null;
  /** Duration of the attempt that succeeded. */
  readonly renderSeconds: number | null;
}

const day = (date: Date): string => date.toISOString().slice(0, 10).replaceAll('-', '/');

type Archived = Pick<Job, 'id' | 'createdAt'>;
type Attempted = Archived & Pick<Job, 'attempt'>;

/**
 * Keys of a job's files in storage. Archive keys contain the day of creation, so that they follow from the row. Each attempt has its own
 * folder, so that a superseded attempt cannot overwrite the output of a newer one.
 */
export const jobFiles = {
  /** Prefix of the photo and of working files. */
  hot: (id: string): string => `hot/${id}`,
  /** The photo, byte for byte as it was uploaded. */
  photo: (id: string): string => `hot/${id}/photo`,
  preview: (id: string): string => `hot/${id}/preview.jpg`,
  archive: (job: Archived): string => `archive/${day(job.createdAt)}/${job.id}`,
  attempt: (job: Attempted): string => `${jobFiles.archive(job)}/${job.attempt}`,
  video: (job: Attempted): string => `${jobFiles.attempt(job)}/video.mp4`,
  poster: (job: Attempted): string => `${jobFiles.attempt(job)}/poster.jpg`,
} as const;
