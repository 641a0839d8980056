import { names } from '../../catalog/catalog.ts';
import { ENGINES } from '../../catalog/engines.ts';
import { DeadlineError, withDeadline } from '../../process/deadline.ts';
import type { JobContext } from '../../jobs/context.ts';
import { AppError } from '../../jobs/errors.ts';
import type { Log } from '../../jobs/ports/log.ts';

type Probed = Pick<JobContext, 'jobs' | 'queue' | 'bus' | 'blobs'>;

/** Longest wait for a part, in milliseconds. */
const PROBE_MS = 3_000;

/**
 * The result of `work` and its duration.
 * @throws AppError UNAVAILABLE that names the part; details are only logged, since probes need no API key
 */
export async function probe<T>(part: string, log: Log, work: () => Promise<T>): Promise<{ result: T; latencyMs: number }> {
  const start = performance.now();
  try {
    const result = await withDeadline(work(), PROBE_MS, 'no response');
    return { result, latencyMs: Math.round((performance.now() - start) * 10) / 10 };
  } catch (error) {
    log.warn({ err: error, part }, `${part} does not respond`);
    throw new AppError(
      'UNAVAILABLE',
      `${part}: ${error instanceof DeadlineError ? error.message : 'it is unreachable or responds with an error'}.`,
      {},
      error,
    );
  }
}

/** The parts that an API process requires. Each probe resolves if its part responds. */
export const PROBES = {
  database: ({ jobs }) => jobs.now(),
  queue: ({ queue }) => queue.ping(),
  bus: ({ bus }) => bus.ping(),
  storage: ({ blobs }) => blobs.ping(),
} as const satisfies Record<string, (probed: Probed) => Promise<unknown>>;

/** The parts that do not respond, with the error; empty if all do. */
export async function probeAll(probed: Probed, log: Log): Promise<Record<string, string>> {
  const failures = await Promise.all(
    Object.entries(PROBES).map(async ([part, ask]) =>
      probe<unknown>(part, log, () => ask(probed)).then(
        () => null,
        (error: AppError) => [part, error.message] as const,
      ),
    ),
  );
  return Object.fromEntries(failures.filter((failure) => failure !== null));
}

/** Number of entries in the queue of each engine. */
export async function queueLoads({ queue }: Pick<Probed, 'queue'>) {
  return await Promise.all(names(ENGINES).map(async (engine) => ({ engine, ...(await queue.counts(engine)) })));
}
