import { names } from '../../catalog/catalog.ts';
import { ENGINES } from '../../catalog/engines.ts';
import { DeadlineError, withDeadline } from '../../process/deadline.ts';
import type { JobContext } from '../../jobs/context.ts';
import { AppError } from '../../jobs/errors.ts';
import type { Log } from '../../jobs/ports/log.ts';

type Probed = Pick<JobContext, 'jobs' | 'queue' | 'bus' | 'blobs'>;

/** Longest wait for a part to answer, in milliseconds. */
const PROBE_MS = 3_000;

/**
 * A part's answer, and after how many milliseconds it came.
 * @throws AppError UNAVAILABLE that names the part; what exactly is wrong is for the log: anybody may ask
 */
export async function probe<T>(part: string, log: Log, work: () => Promise<T>): Promise<{ answer: T; latencyMs: number }> {
  const start = performance.now();
  try {
    const answer = await withDeadline(work(), PROBE_MS, 'no answer');
    return { answer, latencyMs: Math.round((performance.now() - start) * 10) / 10 };
  } catch (error) {
    log.warn({ err: error, part }, `${part} does not answer`);
    throw new AppError(
      'UNAVAILABLE',
      `${part}: ${error instanceof DeadlineError ? error.message : 'it cannot be reached or answers with an error'}.`,
      {},
      error,
    );
  }
}

/** The parts an API process cannot do without. Each resolves if it answers. */
export const PROBES = {
  database: ({ jobs }) => jobs.now(),
  queue: ({ queue }) => queue.ping(),
  bus: ({ bus }) => bus.ping(),
  storage: ({ blobs }) => blobs.ping(),
} as const satisfies Record<string, (probed: Probed) => Promise<unknown>>;

/** Parts that do not answer, and how; empty when all do. */
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

/** Load of every engine's queue. */
export async function queueLoads({ queue }: Pick<Probed, 'queue'>) {
  return await Promise.all(names(ENGINES).map(async (engine) => ({ engine, ...(await queue.counts(engine)) })));
}
