/** Notifications between processes. `src/infra/bus` implements the port. */

/** A message on the bus. It is small and may be lost: it only signals that the database has changed. */
export interface BusMessage {
  readonly [key: string]: string | number | boolean | null;
}

export interface ProgressBus {
  /** Sends `message` (at most 7000 bytes as JSON) to all subscribers of `topic`. Rejects when the bus is down. */
  publish(topic: string, message: BusMessage): Promise<void>;
  /**
   * Calls `listener` for every message on `topic`, in order, until the returned function is called. Messages that are sent while the
   * connection is down are lost; the subscription is restored with the connection.
   */
  subscribe(topic: string, listener: (message: BusMessage) => void): Promise<() => Promise<void>>;
  /** Resolves if the bus responds; rejects within 2 s if it does not. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Topic of the changes of a job: `{ revision, kind }` for the events of events.ts, at least once and in order, and `{ revision }` for progress
 * between them, at most once.
 */
export const jobTopic = (id: string): string => `job:${id}`;

/** Topic of changes of the line of any engine, `{ engine }`, for subscribers of waiting jobs. */
export const QUEUE_TOPIC = 'queue';
