import type { Stage } from '../catalog/catalog.ts';
import type { FocusPoint } from '../catalog/crop.ts';
import type { EngineName, RenderOptions } from '../catalog/engines.ts';
import type { ErrorCode } from './errors.ts';

/**
 * A job's life. Every change goes through `JobStore.transition`, which writes only if the stored state still allows it.
 *
 *   QUEUED ◀─▶ PROCESSING ──▶ COMPLETED      for good; its files expire, the job does not
 *     │            │  ▲  └───▶ FAILED        attempts spent, or an error no retry can cure
 *     │            ▼  │
 *     │         RETRYING                     40 s later, at most 3 attempts
 *     └────────────┴──────────▶ CANCELLED    asked for, at any point before the end
 *
 * A worker that is told to leave hands its job back to QUEUED; that attempt is not held against the job (maxAttempts grows by one).
 * Trying again after the end is a new job that names the old one.
 */
export const JOB_STATUSES = {
  QUEUED: 'waiting for a worker',
  PROCESSING: 'a worker renders it',
  RETRYING: 'an attempt failed; the next one starts at nextAttemptAt',
  COMPLETED: 'the video is ready',
  FAILED: 'it could not be rendered; error says why',
  CANCELLED: 'it was cancelled before its end',
} as const;

export type JobStatus = keyof typeof JOB_STATUSES;

export const ACTIVE_STATUSES = ['QUEUED', 'PROCESSING', 'RETRYING'] as const satisfies JobStatus[];
export const TERMINAL_STATUSES = ['COMPLETED', 'FAILED', 'CANCELLED'] as const satisfies JobStatus[];

export function isTerminal(status: JobStatus): boolean {
  return (TERMINAL_STATUSES as readonly JobStatus[]).includes(status);
}

/** One row of the job table, as the domain sees it. Times are the database's. */
export interface Job {
  readonly id: string;
  readonly owner: string;
  readonly status: JobStatus;
  /** Grows by one with every change a client could see; never goes back. */
  readonly revision: number;
  /** 0 before the first attempt. */
  readonly attempt: number;
  /** Grows by one for every attempt that a leaving worker handed back. */
  readonly maxAttempts: number;
  /** Names the attempt that may write; null when none is running. */
  readonly attemptToken: string | null;
  readonly nextAttemptAt: Date | null;
  /** Rank in the fair order of the backlog: see `JobStore.insert`. */
  readonly turn: number;
  /** Order in which the job was handed to its engine's queue; null while it waits in the backlog. */
  readonly admission: number | null;
  readonly stage: Stage | null;
  /** Finished frames or steps of the present stage. */
  readonly step: number | null;
  readonly totalSteps: number | null;
  /** 0–100; never falls within an attempt. */
  readonly percent: number;
  /** Seconds still to go as of `progressAt`. */
  readonly etaSeconds: number | null;
  readonly progressAt: Date | null;
  /** When the newest preview picture was written; null before the first. */
  readonly previewAt: Date | null;
  readonly engine: EngineName;
  /** Device that renders or rendered it, such as `cpu` or `cuda:0`. */
  readonly device: string | null;
  readonly workerId: string | null;
  readonly options: RenderOptions;
  /** Render time expected when the job was created, in seconds. */
  readonly estimatedSeconds: number;
  /** The same before finished jobs corrected it, in seconds; null if devices differ or the row is older than this column. */
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
  /** Hash of the request, to tell the same request from another one under the same idempotency key. */
  readonly fingerprint: string;
  readonly retryOf: string | null;
  readonly errorCode: ErrorCode | null;
  readonly errorMessage: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** When the files are deleted; null before the end. */
  readonly expiresAt: Date | null;
  /** True while video and poster are there. */
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
 * Where a job's files lie in storage. Archive paths follow the day of creation, so that they can be told from the row alone; each
 * attempt has a folder of its own, so that a late one cannot touch what a newer one has published.
 */
export const jobFiles = {
  /** Folder of the photo and of working files. */
  hot: (id: string): string => `hot/${id}`,
  /** The photo, byte for byte as it was sent. */
  photo: (id: string): string => `hot/${id}/photo`,
  preview: (id: string): string => `hot/${id}/preview.jpg`,
  archive: (job: Archived): string => `archive/${day(job.createdAt)}/${job.id}`,
  attempt: (job: Attempted): string => `${jobFiles.archive(job)}/${job.attempt}`,
  video: (job: Attempted): string => `${jobFiles.attempt(job)}/video.mp4`,
  poster: (job: Attempted): string => `${jobFiles.attempt(job)}/poster.jpg`,
} as const;
