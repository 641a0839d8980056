/**
 * What the domain asks of the outside world. `src/infra` implements these; nothing here knows Prisma, BullMQ, Redis or a file system.
 */
import type { Readable } from 'node:stream';
import type { EngineName } from '../catalog/engines.ts';

/** A message on the bus: small, and possibly lost. The database holds the truth; a message only says that it is worth reading again. */
export interface BusMessage {
  readonly [key: string]: string | number | boolean | null;
}

export interface ProgressBus {
  /** Sends `message` (at most 7000 bytes as JSON) to all subscribers of `topic`. Rejects when the bus is down. */
  publish(topic: string, message: BusMessage): Promise<void>;
  /**
   * Calls `listener` for every message on `topic` from now on, in order, until the returned function is called. Survives loss of
   * connection: messages sent meanwhile are lost, later ones arrive.
   */
  subscribe(topic: string, listener: (message: BusMessage) => void): Promise<() => Promise<void>>;
  /** Resolves when the bus answers; rejects within 2 s when it does not. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Topic on which a job's changes are published: `{ revision, kind }` for the events of events.ts, at least once and in order, and
 * `{ revision }` for progress between them, at most once.
 */
export const jobTopic = (id: string): string => `job:${id}`;

/** Topic on which changes of any engine's line are published, for those who follow waiting jobs: `{ engine }`. */
export const QUEUE_TOPIC = 'queue';

export interface QueueCounts {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
}

/** What a handler wants done with the queue's entry after it returns; `again` without delay comes before all that wait. */
export type HandlerOutcome = { readonly then: 'done' } | { readonly then: 'again'; readonly delayMs: number };

export interface Delivery {
  readonly jobId: string;
  /** Aborted when the queue's lock on this entry is lost, so that another worker may have it. */
  readonly signal: AbortSignal;
}

export interface Consumer {
  /** Stops taking entries; one being handled goes on. */
  pause(): Promise<void>;
  resume(): void;
  /** Stops taking entries and waits for the one being handled. */
  close(): Promise<void>;
  /** When this consumer last took or finished an entry. */
  readonly lastActiveAt: Date;
}

export type QueueEntryState = 'waiting' | 'delayed' | 'active' | 'missing';

/** Decides who works on what. One queue per engine; an entry's id is the job's id and it carries nothing else. */
export interface RenderQueue {
  /** Adds an entry; does nothing if the job already has one. */
  enqueue(engine: EngineName, jobId: string, delayMs?: number): Promise<void>;
  /** Takes a waiting or delayed entry out; one that is being handled stays. */
  remove(engine: EngineName, jobId: string): Promise<void>;
  /** An entry the queue has given up (stalled too often) counts as missing and is cleared away. */
  state(engine: EngineName, jobId: string): Promise<QueueEntryState>;
  counts(engine: EngineName): Promise<QueueCounts>;
  /**
   * Hands entries to `handle`, one at a time. An entry whose worker dies is handed to another consumer after the stalled time. When
   * `handle` rejects, the entry comes again after a second.
   */
  consume(engine: EngineName, handle: (delivery: Delivery) => Promise<HandlerOutcome>): Promise<Consumer>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** Last byte, included. */
  readonly end: number;
}

/**
 * Files by key (`hot/<job>/photo`, `archive/2026/01/31/<job>/1/video.mp4`, `uploads/<id>`). Keys use `/`, never `..`. A key appears
 * whole or not at all.
 */
export interface FileStore {
  /** Stores a stream under `key`, replacing what was there. Errors of the stream or the disk reject and leave nothing behind. */
  write(key: string, source: Readable): Promise<void>;
  /** Moves a finished local file under `key`, replacing what was there. */
  adopt(localPath: string, key: string): Promise<void>;
  copy(from: string, to: string): Promise<void>;
  /** Rejects with code ENOENT if there is none. */
  stat(key: string): Promise<{ sizeBytes: number; modifiedAt: Date }>;
  read(key: string, range?: ByteRange): Readable;
  /** A path on this machine that holds the file's bytes; valid until the key is removed. */
  localPath(key: string): Promise<string>;
  /** An empty folder on this machine for an attempt's working files, on the same file system as the keys where that is possible. */
  scratch(name: string): Promise<string>;
  /** Names of scratch folders in which nothing has changed since `time`: whoever made them is dead or stuck. */
  scratchIdleSince(time: Date): Promise<string[]>;
  /** Removes a scratch folder; none there is fine. */
  removeScratch(name: string): Promise<void>;
  /** Removes `key` and everything below it; nothing there is fine. */
  remove(key: string): Promise<void>;
  /** When anything at `key` or below it last changed; null if there is nothing. */
  lastChange(key: string): Promise<Date | null>;
  /** Names directly below `key`; empty if there is none. */
  list(key: string): Promise<string[]>;
  /** Resolves when files can be written; rejects with the reason when not. */
  ping(): Promise<void>;
  /** Free bytes for new files. */
  freeBytes(): Promise<number>;
}
