/** What the domain asks of the database. `src/infra/postgres/job-store.ts` implements it on PostgreSQL. */
import type { Stage } from '../catalog/catalog.ts';
import type { FocusPoint, PhotoGeometry } from '../catalog/crop.ts';
import type { EngineName, RenderOptions } from '../catalog/engines.ts';
import type { RenderDevice } from './costs.ts';
import type { Job, JobStatus } from './job.ts';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Whether a text can be the id of a job or an upload; the database refuses to look for anything else. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

export interface NewJob {
  readonly id: string;
  readonly owner: string;
  readonly maxAttempts: number;
  readonly engine: EngineName;
  readonly options: RenderOptions;
  readonly estimatedSeconds: number;
  readonly baselineSeconds: number | null;
  readonly photoSha256: string;
  readonly photoWidth: number;
  readonly photoHeight: number;
  readonly photoFocus: FocusPoint;
  readonly clientRef: string | null;
  readonly idempotencyKey: string | null;
  readonly fingerprint: string;
  readonly retryOf: string | null;
}

/** How many unfinished jobs there may be. */
export interface Limits {
  /** Jobs handed to each engine's queue at once, waiting or running. */
  readonly queue: number;
  /** Jobs waiting beyond that, over all engines. */
  readonly backlog: number;
  /** Unfinished jobs of one owner; null: no limit for this owner. */
  readonly owner: number | null;
}

/** A job that has just been handed to its engine's queue and needs a queue entry. */
export type Admitted = Pick<Job, 'id' | 'engine'>;

export type Insertion =
  /** `admitted` lists the jobs that now need a queue entry, in order; the new one is among them unless it waits in the backlog. */
  | { readonly kind: 'inserted'; readonly job: Job; readonly admitted: readonly Admitted[] }
  /** The owner has used this idempotency key before. */
  | { readonly kind: 'existing'; readonly job: Job }
  | { readonly kind: 'full'; readonly limit: 'backlog' | 'owner'; readonly count: number };

/** What must still be true of the stored row for a change to be written. */
export interface Guard {
  readonly from: readonly JobStatus[];
  /** The attempt's token; a newer attempt has another one. */
  readonly token?: string | null;
  readonly attempt?: number;
}

/** Columns a transition may set. */
export type JobChange = Partial<
  Pick<
    Job,
    | 'status'
    | 'attempt'
    | 'maxAttempts'
    | 'attemptToken'
    | 'nextAttemptAt'
    | 'stage'
    | 'step'
    | 'totalSteps'
    | 'percent'
    | 'etaSeconds'
    | 'progressAt'
    | 'previewAt'
    | 'device'
    | 'workerId'
    | 'photoKept'
    | 'errorCode'
    | 'errorMessage'
    | 'startedAt'
    | 'finishedAt'
    | 'expiresAt'
    | 'filesKept'
    | 'sizeBytes'
    | 'sha256'
    | 'renderSeconds'
  >
>;

/** How far a render is. */
export interface RenderProgress {
  readonly stage: Stage;
  /** Finished frames or steps of the stage, at most `totalSteps`. */
  readonly step: number;
  readonly totalSteps: number;
  /** 0 to under 100; a value below the stored one is not written. */
  readonly percent: number;
  /** Estimated seconds until the render is finished. */
  readonly etaSeconds: number;
}

export interface ProgressChange extends RenderProgress {
  /** True if a preview picture was written just now. */
  readonly preview: boolean;
}

export interface JobFilter {
  readonly statuses?: readonly JobStatus[] | null;
  readonly clientRef?: string | null;
  readonly createdAfter?: Date | null;
}

/** A place in a list that is ordered newest first. */
export interface Cursor {
  readonly createdAt: Date;
  readonly id: string;
}

/** Where a job stands in its engine's line. */
export interface LinePlace {
  /** Jobs that wait before it. */
  readonly jobsAhead: number;
  /** Their expected render time, in seconds. */
  readonly secondsAhead: number;
}

/** Every job that waits for one engine, in the order in which they will be rendered: those in the queue, then the backlog. */
export interface QueueLine {
  /** By job id, in order. */
  readonly places: ReadonlyMap<string, LinePlace>;
  /** Expected render time of all waiting jobs, in seconds. */
  readonly waitingSeconds: number;
  /** Remaining render time of the running jobs, in seconds. */
  readonly runningSeconds: number;
}

export interface RenderSample {
  readonly options: RenderOptions;
  readonly device: string;
  readonly renderSeconds: number;
  /** Expected at its creation before finished jobs corrected it, in seconds; null if its device was not known. */
  readonly baselineSeconds: number | null;
}

/** Every insert, transition and deletion records a `JobEvent` in the same transaction; see events.ts. */
export interface JobStore {
  /** The database's clock, by which deadlines are set and judged. */
  now(): Promise<Date>;
  find(id: string): Promise<Job | null>;
  findByKey(owner: string, idempotencyKey: string): Promise<Job | null>;
  /** Present revisions of those of `ids` that exist. */
  revisions(ids: readonly string[]): Promise<Map<string, number>>;
  page(owner: string, first: number, after: Cursor | null, filter: JobFilter): Promise<Job[]>;
  ownedBy(owner: string): Promise<Job[]>;
  /**
   * Adds a row if the limits allow it, and admits what now fits into the queue. Parallel calls cannot exceed the limits together.
   *
   * The row's `turn` makes the backlog fair (start-time fair queueing): it follows the owner's latest unfinished job, and the turn that
   * is being served. So owners take turns, an owner's own jobs keep their order, and a job moves back only when an owner with fewer
   * unfinished jobs arrives.
   */
  insert(job: NewJob, limits: Limits): Promise<Insertion>;
  /** Hands the next jobs of an engine's backlog to its queue, until `limit` are there; returns them in order. */
  admit(engine: EngineName, limit: number): Promise<Admitted[]>;
  /** Writes `change` and raises the revision if the row still meets `guard`; null if it does not. */
  transition(id: string, guard: Guard, change: JobChange): Promise<Job | null>;
  /** Writes progress of the attempt that holds `token`; the new revision, or null if another attempt or the end has come. */
  progress(id: string, token: string, change: ProgressChange): Promise<number | null>;
  delete(id: string): Promise<boolean>;
  /** All jobs that wait for an engine, in one query. */
  line(engine: EngineName): Promise<QueueLine>;
  /** Newest finished renders of an engine, at most `limit`. */
  samples(engine: EngineName, limit: number): Promise<RenderSample[]>;
  /** Jobs that ended after `since`, oldest first. */
  endedSince(since: Date): Promise<Job[]>;
  countByStatus(): Promise<{ engine: EngineName; status: JobStatus; count: number }[]>;
  /** Jobs that are not at their end. */
  active(): Promise<Job[]>;
  /** Ended jobs with files or photo still kept although their time is over, longest over first, without the first `skip`. */
  expired(limit: number, skip: number): Promise<Job[]>;
  /** Completed jobs of the last `seconds` that should have files. */
  recentlyCompleted(seconds: number): Promise<Job[]>;
  /** Deletes rows that ended more than `days` ago and keep no files; how many. */
  deleteOld(days: number): Promise<number>;
  /** Deletes events that were delivered more than `seconds` ago. */
  deleteDeliveredEvents(seconds: number): Promise<void>;
  /** Runs `work` unless another process is running it under the same name; false if so. */
  exclusively(name: string, work: () => Promise<void>): Promise<boolean>;
}

export interface Upload extends PhotoGeometry {
  readonly id: string;
  readonly owner: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly format: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export const uploadFile = (id: string): string => `uploads/${id}`;

export interface UploadStore {
  /** Adds a row unless its owner has `limit` uploads already (null: no limit); null then. Parallel calls cannot exceed it together. */
  insert(upload: Omit<Upload, 'createdAt' | 'expiresAt'>, keptSeconds: number, limit: number | null): Promise<Upload | null>;
  /** How many uploads of an owner are kept, and seconds until the first of them expires. */
  kept(owner: string): Promise<{ count: number; nextSeconds: number }>;
  /** Null if missing, expired or another's. */
  find(owner: string, id: string): Promise<Upload | null>;
  ownedBy(owner: string): Promise<Upload[]>;
  /** Those whose time is over, longest over first, without the first `skip`. */
  expired(limit: number, skip: number): Promise<Upload[]>;
  /** Those of `ids` that have a row, whoever's. */
  existing(ids: readonly string[]): Promise<Set<string>>;
  delete(id: string): Promise<void>;
}

export const WORKER_STATES = {
  STARTING: 'getting ready; takes no jobs yet',
  READY: 'waits for a job',
  BUSY: 'renders',
  UNHEALTHY: 'alive, but its renderer cannot be kept running or it takes no jobs although some wait',
} as const;

export type WorkerState = keyof typeof WORKER_STATES;

/** One device of one worker process. */
export interface WorkerRecord {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly device: string;
  readonly engines: readonly EngineName[];
  /** Those of `engines` that may be chosen for a request that names none. */
  readonly defaultEngines: readonly EngineName[];
  /** Engines that cannot run there, and why. */
  readonly unavailable: Readonly<Partial<Record<EngineName, string>>>;
  /** Cost model by engine, as JSON, of the engines that have measured one. */
  readonly costModels: RenderDevice['costModels'];
  readonly state: WorkerState;
  readonly jobId: string | null;
  readonly version: string;
}

export interface SeenWorker extends WorkerRecord {
  readonly startedAt: Date;
  readonly lastSeenAt: Date;
  /** By the database's clock. */
  readonly secondsSinceSeen: number;
  readonly stopped: boolean;
}

export interface WorkerStore {
  beat(worker: WorkerRecord): Promise<void>;
  /** The worker left in good order. */
  leave(id: string): Promise<void>;
  /** Workers seen within `seconds`, those that left included. */
  seenWithin(seconds: number): Promise<SeenWorker[]>;
  deleteUnseen(seconds: number): Promise<void>;
}
