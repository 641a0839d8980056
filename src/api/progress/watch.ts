import { Latest } from './latest.ts';
import { AppError } from '../../jobs/errors.ts';
import { isTerminal, type Job } from '../../jobs/job.ts';
import { jobTopic, type ProgressBus } from '../../jobs/ports.ts';
import type { Log } from '../../jobs/context.ts';
import type { JobStore } from '../../jobs/store.ts';

interface Watched {
  readonly followers: Set<Latest<Job>>;
  /** Those of them that have not been told the present state yet. */
  readonly fresh: Set<Latest<Job>>;
  readonly unsubscribe: Promise<() => Promise<void>>;
  /** Newest revision handed on. */
  revision: number;
  /** A read is under way; `again` asks for another one after it. */
  reading: boolean;
  again: boolean;
}

/**
 * Follows jobs for any number of subscribers. News on the bus, or a poll every few seconds where news got lost, cause one read of the
 * row per job and process, whose result goes to all its followers. Each follower holds at most one pending state: a slow reader
 * skips states, never the last one.
 */
export class JobWatcher {
  readonly #jobs: Pick<JobStore, 'find' | 'revisions'>;
  readonly #bus: Pick<ProgressBus, 'subscribe'>;
  readonly #log: Log;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: NodeJS.Timeout;
  #polling = false;
  /** States handed to followers so far. */
  delivered = 0;

  constructor(jobs: Pick<JobStore, 'find' | 'revisions'>, bus: Pick<ProgressBus, 'subscribe'>, log: Log, pollMs = 2_000) {
    this.#jobs = jobs;
    this.#bus = bus;
    this.#log = log;
    this.#timer = setInterval(() => void this.#poll(), pollMs).unref();
  }

  get followers(): number {
    return [...this.#watched.values()].reduce((sum, { followers }) => sum + followers.size, 0);
  }

  /** The job's present state at once, then every later one, until and with its end. Fails with NOT_FOUND when the job is deleted. */
  follow(id: string): AsyncIterableIterator<Job> {
    const follower: Latest<Job> = new Latest(async () => this.#leave(id, follower));
    const watched = this.#watched.get(id) ?? this.#watch(id);
    watched.followers.add(follower);
    watched.fresh.add(follower);
    void this.#read(id, watched);
    return follower;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { followers } of this.#watched.values()) for (const follower of followers) follower.end();
  }

  #watch(id: string): Watched {
    const look = () => {
      const watched = this.#watched.get(id);
      if (watched) void this.#read(id, watched);
    };
    const unsubscribe = this.#bus.subscribe(jobTopic(id), look).then(
      (stop) => {
        // What was told between the first read and now went unheard.
        look();
        return stop;
      },
      (error: unknown) => {
        this.#log.warn({ jobId: id, err: error }, 'bus is down; following by polling');
        return async () => {};
      },
    );
    const watched: Watched = { followers: new Set(), fresh: new Set(), unsubscribe, revision: 0, reading: false, again: false };
    this.#watched.set(id, watched);
    return watched;
  }

  #leave(id: string, follower: Latest<Job>): void {
    const watched = this.#watched.get(id);
    watched?.fresh.delete(follower);
    if (!watched?.followers.delete(follower) || watched.followers.size > 0) return;
    this.#watched.delete(id);
    watched.unsubscribe
      .then((stop) => stop())
      .catch((error: unknown) => this.#log.warn({ jobId: id, err: error }, 'could not leave a topic'));
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
        this.#hand(watched, await this.#jobs.find(id));
      } while (watched.again);
    } catch (error) {
      this.#log.warn({ jobId: id, err: error }, 'could not read a followed job; the next poll will');
    } finally {
      watched.reading = false;
    }
  }

  #hand(watched: Watched, job: Job | null): void {
    if (!job) {
      for (const follower of [...watched.followers]) follower.fail(new AppError('NOT_FOUND', 'The job has been deleted.'));
      return;
    }
    const isNews = job.revision > watched.revision;
    const listeners = [...(isNews ? watched.followers : watched.fresh)];
    if (isNews) watched.revision = job.revision;
    watched.fresh.clear();
    for (const follower of listeners) {
      follower.push(job);
      this.delivered += 1;
      if (isTerminal(job.status)) follower.end();
    }
  }

  /** One query for all followed jobs; only those that changed are read. */
  async #poll(): Promise<void> {
    if (this.#polling || this.#watched.size === 0) return;
    this.#polling = true;
    try {
      const revisions = await this.#jobs.revisions([...this.#watched.keys()]);
      for (const [id, watched] of this.#watched) {
        if (watched.fresh.size > 0 || revisions.get(id) !== watched.revision) void this.#read(id, watched);
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'could not poll followed jobs');
    } finally {
      this.#polling = false;
    }
  }
}
