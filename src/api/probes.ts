import { ENGINES, names } from '../catalog.ts';
import type { JobContext, Log } from '../jobs/context.ts';

type Probed = Pick<JobContext, 'jobs' | 'queue' | 'bus' | 'files'>;

/** Longest wait for a part to answer, in milliseconds. */
const PROBE_MS = 3_000;

class NoAnswer extends Error {}

/** Milliseconds until `work` resolved; rejects when it does, or after 3 s. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoAnswer(`no answer within ${PROBE_MS / 1000} s`)), PROBE_MS);
  });
  try {
    await Promise.race([work(), tooLate]);
  } finally {
    clearTimeout(timer);
  }
  return Math.round((performance.now() - start) * 10) / 10;
}

/** The parts an API process cannot do without. Each resolves if it answers. */
export const PROBES: { readonly [part: string]: (probed: Probed) => Promise<unknown> } = {
  database: ({ jobs }) => jobs.now(),
  queue: ({ queue }) => queue.ping(),
  bus: ({ bus }) => bus.ping(),
  storage: ({ files }) => files.ping(),
};

/** Parts that do not answer, and how; empty when all do. What exactly is wrong is for the log: anybody may ask this. */
export async function probeAll(probed: Probed, log: Log): Promise<Record<string, string>> {
  const failures = await Promise.all(Object.entries(PROBES).map(async ([part, probe]) => {
    try {
      await timed(() => probe(probed));
      return null;
    } catch (error) {
      log.warn({ err: error, part }, `${part} does not answer`);
      return [part, error instanceof NoAnswer ? error.message : 'it answers with an error'] as const;
    }
  }));
  return Object.fromEntries(failures.filter((failure) => failure !== null));
}

/** Load of every engine's queue. */
export async function queueLoads({ queue }: Pick<Probed, 'queue'>) {
  return await Promise.all(names(ENGINES).map(async (engine) => ({ engine, ...(await queue.counts(engine)) })));
}
