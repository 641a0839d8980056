/** The database ports. `src/infra/postgres` implements them. */
import type { Stage } from '../catalog/catalog.ts';
import type { PhotoGeometry } from '../catalog/crop.ts';
import type { EngineName, RenderOptions } from '../catalog/engines.ts';
import type { RenderDevice } from './costs.ts';
import type { Job, JobStatus } from './job.ts';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Whether a text can be the id of a job or an upload. PostgreSQL rejects queries for anything else. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Columns that the creator of a job sets; the others have defaults. */
export type NewJob = Pick<
  Job,
  | 'id'
  | 'owner'
  | 'maxAttempts'
  | 'engine'
  | 'options'
  | 'estimatedSeconds'
  | 'baselineSeconds'
  | 'photoSha256'
  | 'photoWidth'
  | 'photoHeight'
  | 'photoFocus'
  | 'clientRef'
  | 'idempotencyKey'
  | 'fingerprint'
  | 'retryOf'
>;

/** Limits on unfinished jobs, checked when one is inserted. */
export interface Limits {
  /** Jobs that the queue of each engine holds at once, waiting or running. */
  readonly queue: number;
  /** Jobs waiting beyond that, over all engines. */
  readonly backlog: number;
  /** Unfinished jobs of one owner; null: no limit for this owner. */
  readonly owner: number | null;
}

/** A job that has been admitted to the queue of its engine and needs a queue entry. */
export type Admitted = Pick<Job, 'id' | 'engine'>;

export type Insertion =
  /** `admitted` lists the jobs that now need a queue entry, in order; the new one is among them unless it waits in the backlog. */
  | { readonly kind: 'inserted'; readonly job: Job; readonly admitted: readonly Admitted[] }
  /** The owner has used this idempotency key before. */
  | { readonly kind: 'existing'; readonly job: Job }
  | { readonly kind: 'full'; readonly limit: 'backlog' | 'owner'; readonly count: number };

/** What the stored row must match for a change to be written. */
export interface Guard {
  readonly from: readonly JobStatus[];
  /** Token of the attempt that writes. */
  readonly token?: string | null;
  readonly attempt?: number;
}

/** Columns that no transition changes: set at creation, or maintained by the store. */
type Immutable = Exclude<keyof NewJob, 'maxAttempts'> | 'createdAt' | 'revision' | 'turn' | 'admission';

/** Columns that a transition sets. */
export type JobChange = Partial<Omit<Job, Immutable>>;

/** Progress of a render. */
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
  /** Whether a preview was written as well. */
  readonly preview: boolean;
}

export interface JobFilter {
  readonly statuses?: readonly JobStatus[] | null;
  readonly clientRef?: string | null;
  readonly createdAfter?: Date | null;
}

/** A position in a list of jobs, newest first. */
export interface Cursor {
  readonly createdAt: Date;
  readonly id: string;
}

/** Position of a waiting job in the line of its engine. */
export interface LinePosition {
  /** Number of jobs that will start before it. */
  readonly jobsAhead: number;
  /** Their expected render time, in seconds. */
  readonly secondsAhead: number;
}

/** The jobs that wait for one engine, in the order in which they will be rendered: those in the queue, then the backlog. */
export interface QueueLine {
  /** By job id, in order. */
  readonly positions: ReadonlyMap<string, LinePosition>;
  /** Expected render time of all waiting jobs, in seconds. */
  readonly waitingSeconds: number;
  /** Remaining render time of the running jobs, in seconds. */
  readonly runningSeconds: number;
}

export interface RenderSample {
  readonly options: RenderOptions;
  readonly device: string;
  readonly renderSeconds: number;
  /** Baseline at the creation of the job, in seconds; null if its device was not known. */
  readonly baselineSeconds: number | null;
}

/** Jobs. Every insert, transition and deletion records a `JobEvent` in the same transaction; see events.ts. */
export interface JobStore {
  /** Time of the database's clock, which all deadlines use. */
  now(): Promise<Date>;
  find(id: string): Promise<Job | null>;
  findByKey(owner: string, idempotencyKey: string): Promise<Job | null>;
  /** Current revisions of those of `ids` that exist. */
  revisions(ids: readonly string[]): Promise<Map<string, number>>;
  page(owner: string, first: number, after: Cursor | null, filter: JobFilter): Promise<Job[]>;
  ownedBy(owner: string): Promise<Job[]>;
  /**
   * Inserts a row if the limits allow it, and admits jobs to free slots of the queue. Concurrent calls cannot exceed the limits.
   *
   * The `turn` of the row makes the backlog fair (start-time fair queueing): it is one more than that of the owner's latest unfinished job,
   * and not before the turn that is being served. Owners take turns, the jobs of one owner keep their order, and a job moves back only when
   * an owner with fewer unfinished jobs adds one.
   */
  insert(job: NewJob, limits: Limits): Promise<Insertion>;
  /** Admits the next jobs of an engine's backlog until its queue holds `limit`; returns them in order. */
  admit(engine: EngineName, limit: number): Promise<Admitted[]>;
  /** Writes `change` and increments the revision if the row matches `guard`; returns null if it does not. */
  transition(id: string, guard: Guard, change: JobChange): Promise<Job | null>;
  /** Writes progress of the attempt that holds `token`. Returns the new revision, or null if the attempt may no longer write. */
  writeProgress(id: string, token: string, change: ProgressChange): Promise<number | null>;
  delete(id: string): Promise<boolean>;
  /** The line of an engine, in one query. */
  line(engine: EngineName): Promise<QueueLine>;
  /** Latest completed renders of an engine, at most `limit`. */
  samples(engine: EngineName, limit: number): Promise<RenderSample[]>;
  /** Jobs that finished after `since`, oldest first. */
  finishedSince(since: Date): Promise<Job[]>;
  countByStatus(): Promise<{ engine: EngineName; status: JobStatus; count: number }[]>;
  /** Unfinished jobs, oldest first. */
  active(): Promise<Job[]>;
  /** Finished jobs whose retention period is over and whose files or photo are still stored; longest overdue first, after the first `skip`. */
  expired(limit: number, skip: number): Promise<Job[]>;
  /** Jobs that completed within the last `withinMs` and should have files. */
  recentlyCompleted(withinMs: number): Promise<Job[]>;
  /** Deletes rows of jobs that finished more than `ageMs` ago and have no files; returns their number. */
  deleteOld(ageMs: number): Promise<number>;
  /** Deletes events that were delivered more than `ageMs` ago. */
  deleteDeliveredEvents(ageMs: number): Promise<void>;
  /** Runs `work` unless another process runs work of the same name; returns whether it ran. */
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

/** Key of an upload in storage. */
export const uploadFile = (id: string): string => `uploads/${id}`;

/** What an upload consists of before it is inserted. */
export type NewUpload = Omit<Upload, 'createdAt' | 'expiresAt'>;

export interface UploadStore {
  /** Inserts a row; returns null if its owner has `limit` uploads (null: no limit). Concurrent calls cannot exceed the limit. */
  insert(upload: NewUpload, keptMs: number, limit: number | null): Promise<Upload | null>;
  /** Number of an owner's uploads, and seconds until the first of them expires. */
  usage(owner: string): Promise<{ count: number; nextSeconds: number }>;
  /** Null if the upload does not exist, has expired or has another owner. */
  find(owner: string, id: string): Promise<Upload | null>;
  ownedBy(owner: string): Promise<Upload[]>;
  /** Expired uploads, longest overdue first, after the first `skip`. */
  expired(limit: number, skip: number): Promise<Upload[]>;
  /** Those of `ids` that have a row, of any owner. */
  existing(ids: readonly string[]): Promise<Set<string>>;
  delete(id: string): Promise<void>;
}

export const WORKER_STATES = {
  STARTING: 'starting; takes no jobs yet',
  READY: 'waiting for a job',
  BUSY: 'rendering',
  UNHEALTHY: 'alive, but unable to render',
} as const;

export type WorkerState = keyof typeof WORKER_STATES;

/** One device of one worker process. */
export interface WorkerRecord {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly device: string;
  readonly engines: readonly EngineName[];
  /** Those of `engines` that may render a request that names no engine. */
  readonly defaultEngines: readonly EngineName[];
  /** Engines that cannot run on the device, and why. */
  readonly unavailable: Readonly<Partial<Record<EngineName, string>>>;
  /** Cost model by engine, as JSON, of the engines that have measured one. */
  readonly costModels: RenderDevice['costModels'];
  readonly state: WorkerState;
  /** While it is UNHEALTHY, why; otherwise what detected GPU it is, or why no GPU is used. Null without detection. */
  readonly detail: string | null;
  readonly jobId: string | null;
  readonly version: string;
}

export interface SeenWorker extends WorkerRecord {
  readonly startedAt: Date;
  readonly lastSeenAt: Date;
  /** Measured by the database's clock. */
  readonly secondsSinceSeen: number;
  readonly stopped: boolean;
}

export interface WorkerStore {
  /** Inserts or updates the row of a worker that is alive. */
  writeHeartbeat(worker: WorkerRecord): Promise<void>;
  /** Marks a worker as stopped. */
  markStopped(id: string): Promise<void>;
  /** Workers whose last heartbeat is at most `ms` old, including stopped ones. */
  seenWithin(ms: number): Promise<SeenWorker[]>;
  /** Deletes rows of workers whose last heartbeat is older than `ms`. */
  deleteUnseen(ms: number): Promise<void>;
}
