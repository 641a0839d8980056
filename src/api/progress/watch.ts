import { Latest } from './latest.ts';
import { AppError } from '../../jobs/errors.ts';
import { isTerminal, type Job } from '../../jobs/job.ts';
import { jobTopic, QUEUE_TOPIC, type ProgressBus } from '../../jobs/ports/bus.ts';
import type { Log } from '../../jobs/ports/log.ts';
import type { QueueLines, QueueView } from '../../jobs/queue-lines.ts';
import type { JobStore } from '../../jobs/store.ts';

/** The state of a job that is sent to followers. */
export interface FollowedJob {
  readonly job: Job;
  /** The line of its engine; null unless QUEUED. */
  readonly view: QueueView | null;
}

interface Watched {
  readonly followers: Set<Latest<FollowedJob>>;
  /** Followers that have not received a state yet. */
  readonly fresh: Set<Latest<FollowedJob>>;
  readonly unsubscribe: Promise<() => Promise<void>>;
  /** Latest state sent; null before the first. */
  sent: FollowedJob | null;
  /** A read is in progress; `again` requests another one after it. */
  reading: boolean;
  again: boolean;
}

/** While a queue changes quickly, followers of waiting jobs are updated this often. */
const QUEUE_UPDATE_MS = 200;

/**
 * Follows jobs for any number of subscribers. A message on the bus, or a poll every few seconds in case a message was lost, causes one
 * read of the row per job and process, whose result goes to all its followers. Each follower holds at most one pending state: a slow
 * reader skips states, but never the last one.
 *
 * A waiting job is also sent when its queue position changes, with the same revision: no row is written for that. One message per
 * change of the queue wakes all waiting jobs, and one query gives all their positions.
 */
export class JobWatcher {
  readonly #jobs: Pick<JobStore, 'find' | 'revisions'>;
  readonly #bus: Pick<ProgressBus, 'subscribe'>;
  readonly #lines: Pick<QueueLines, 'read'>;
  readonly #log: Log;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: NodeJS.Timeout;
  #polling = false;
  #followsQueue = false;
  #queueTimer: NodeJS.Timeout | null = null;
  #queueChanged = false;
  /** States sent to followers so far. */
  delivered = 0;

  constructor(
    jobs: Pick<JobStore, 'find' | 'revisions'>,
    bus: Pick<ProgressBus, 'subscribe'>,
    lines: Pick<QueueLines, 'read'>,
    log: Log,
    pollMs = 2_000,
  ) {
    this.#jobs = jobs;
    this.#bus = bus;
    this.#lines = lines;
    this.#log = log;
    this.#timer = setInterval(() => void this.#poll(), pollMs).unref();
  }

  get followers(): number {
    return [...this.#watched.values()].reduce((sum, { followers }) => sum + followers.size, 0);
  }

  /** Streams the current state of a job, then its changes, until it has finished. Fails with NOT_FOUND if the job is deleted. */
  follow(id: string): AsyncIterableIterator<FollowedJob> {
    if (!this.#followsQueue) void this.#followQueue();
    const follower: Latest<FollowedJob> = new Latest(async () => this.#removeFollower(id, follower));
    const watched = this.#watched.get(id) ?? this.#watch(id);
    watched.followers.add(follower);
    watched.fresh.add(follower);
    void this.#read(id, watched);
    return follower;
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#queueTimer) clearTimeout(this.#queueTimer);
    for (const { followers } of this.#watched.values()) for (const follower of followers) follower.end();
  }

  #watch(id: string): Watched {
    const refresh = () => {
      const watched = this.#watched.get(id);
      if (watched) void this.#read(id, watched);
    };
    const unsubscribe = this.#bus.subscribe(jobTopic(id), refresh).then(
      (stop) => {
        // Messages between the first read and now were missed.
        refresh();
        return stop;
      },
      (error: unknown) => {
        this.#log.warn({ jobId: id, err: error }, 'bus is down; following by polling');
        return async () => {};
      },
    );
    const watched: Watched = { followers: new Set(), fresh: new Set(), unsubscribe, sent: null, reading: false, again: false };
    this.#watched.set(id, watched);
    return watched;
  }

  #removeFollower(id: string, follower: Latest<FollowedJob>): void {
    const watched = this.#watched.get(id);
    watched?.fresh.delete(follower);
    if (!watched?.followers.delete(follower) || watched.followers.size > 0) return;
    this.#watched.delete(id);
    watched.unsubscribe
      .then((stop) => stop())
      .catch((error: unknown) => this.#log.warn({ jobId: id, err: error }, 'could not unsubscribe from a job'));
  }

  async #read(id: string, watched: Watched): Promise<void> {
    if (watched.reading) {
      watched.again = true;
      return;
    }
    watched.reading = true;
    try {
      do {
        watched.again = false;
        const readAt = performance.now();
        const job = await this.#jobs.find(id);
        const view = job?.status === 'QUEUED' ? await this.#lines.read(job.engine, readAt) : null;
        this.#send(watched, job && { job, view });
      } while (watched.again);
    } catch (error) {
      this.#log.warn({ jobId: id, err: error }, 'could not read a followed job; the next poll tries again');
    } finally {
      watched.reading = false;
    }
  }

  #send(watched: Watched, state: FollowedJob | null): void {
    if (!state) {
      for (const follower of [...watched.followers]) follower.fail(new AppError('NOT_FOUND', 'The job has been deleted.'));
      return;
    }
    const isNews = isNewer(state, watched.sent);
    const listeners = [...(isNews ? watched.followers : watched.fresh)];
    if (isNews) watched.sent = state;
    watched.fresh.clear();
    for (const follower of listeners) {
      follower.push(state);
      this.delivered += 1;
      if (isTerminal(state.job.status)) follower.end();
    }
  }

  /** Subscribes to queue changes, once per process; the subscription ends with the bus. */
  async #followQueue(): Promise<void> {
    this.#followsQueue = true;
    try {
      await this.#bus.subscribe(QUEUE_TOPIC, () => this.#onQueueChange());
    } catch (error) {
      this.#followsQueue = false;
      this.#log.warn({ err: error }, 'bus is down; polling queue positions');
    }
  }

  /** Updates positions at once after the first change, then at most every QUEUE_UPDATE_MS. */
  #onQueueChange(): void {
    this.#queueChanged = true;
    if (this.#queueTimer) return;
    this.#updatePositions();
    this.#queueTimer = setTimeout(() => {
      this.#queueTimer = null;
      if (this.#queueChanged) this.#onQueueChange();
    }, QUEUE_UPDATE_MS).unref();
  }

  #updatePositions(): void {
    this.#queueChanged = false;
    for (const watched of this.#watched.values())
      if (watched.sent?.job.status === 'QUEUED') void this.#updatePosition(watched, watched.sent);
  }

  async #updatePosition(watched: Watched, { job }: FollowedJob): Promise<void> {
    try {
      const view = await this.#lines.read(job.engine, performance.now());
      // A job that has left the line has changed itself, and its own message updates its followers.
      if (watched.sent?.job === job && view.positions.has(job.id)) this.#send(watched, { job, view });
    } catch (error) {
      this.#log.warn({ jobId: job.id, err: error }, "could not read a waiting job's position; the next poll tries again");
    }
  }

  /** One query for all followed jobs; only those that changed are read. */
  async #poll(): Promise<void> {
    if (this.#polling || this.#watched.size === 0) return;
    this.#polling = true;
    this.#updatePositions();
    try {
      const revisions = await this.#jobs.revisions([...this.#watched.keys()]);
      for (const [id, watched] of this.#watched) {
        if (watched.fresh.size > 0 || revisions.get(id) !== watched.sent?.job.revision) void this.#read(id, watched);
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'could not poll followed jobs');
    } finally {
      this.#polling = false;
    }
  }
}

/** True if followers who have `sent` should get `state`: a later revision, or another position in the line. */
function isNewer(state: FollowedJob, sent: FollowedJob | null): boolean {
  if (!sent || state.job.revision !== sent.job.revision) return state.job.revision > (sent?.job.revision ?? 0);
  return positionOf(state) !== positionOf(sent);
}

function positionOf({ job, view }: FollowedJob): number | undefined {
  return view?.positions.get(job.id)?.jobsAhead;
}
