/** Notifications between processes. `src/infra/bus` implements the port. */

/** A message on the bus: small, and possibly lost. The database holds the truth; a message only says that it is worth reading again. */
export interface BusMessage {
  readonly [key: string]: string | number | boolean | null;
}

export interface ProgressBus {
  /** Sends `message` (at most 7000 bytes as JSON) to all subscribers of `topic`. Rejects when the bus is down. */
  publish(topic: string, message: BusMessage): Promise<void>;
  /**
   * Calls `listener` for every message on `topic` from now on, in order, until the returned function is called. Survives a lost
   * connection: messages sent while it is down are lost, later ones arrive.
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

/** Topic on which changes of any engine's line are published, for subscribers that follow waiting jobs: `{ engine }`. */
export const QUEUE_TOPIC = 'queue';
