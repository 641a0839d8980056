import { names } from '../catalog/catalog.ts';
import { engineEntry, ENGINES, type EngineName } from '../catalog/engines.ts';
import type { JobContext } from './context.ts';
import { AppError } from './errors.ts';
import type { SeenWorker } from './store.ts';

type WorkerContext = Pick<JobContext, 'policy' | 'workers'>;

/** Suggested wait before a request for an unavailable engine is repeated. */
const RETRY_AFTER_SECONDS = 10;

/** Workers that are alive. */
export async function liveWorkers({ policy, workers }: WorkerContext): Promise<SeenWorker[]> {
  return (await workers.seenWithin(policy.workerTimeoutMs)).filter((worker) => !worker.stopped);
}

/** Those of `workers` that can render jobs of an engine. */
export function workersFor(engine: EngineName, workers: readonly SeenWorker[]): SeenWorker[] {
  return workers.filter((worker) => worker.engines.includes(engine) && worker.state !== 'UNHEALTHY');
}

/** Which engines can render a new job. */
export interface EngineAvailability {
  readonly available: ReadonlySet<EngineName>;
  /** The engine of a request that names none; null if no worker is running. */
  readonly best: EngineName | null;
  /** Why an engine is not available, if a worker reported it. */
  reason(engine: EngineName): string | null;
}

/**
 * Engines that can render a new job. Workers that stopped or were lost within the grace period still count, so that a restart does not
 * refuse requests. Unhealthy workers do not count.
 */
export async function engineAvailability({ policy, workers }: WorkerContext): Promise<EngineAvailability> {
  const seen = await workers.seenWithin(Math.max(policy.engineGraceMs, policy.workerTimeoutMs));
  const healthy = seen.filter(({ state }) => state !== 'UNHEALTHY');
  const best = names(ENGINES)
    .toSorted((a, b) => engineEntry(b).preference - engineEntry(a).preference)
    .find((engine) => healthy.some(({ defaultEngines }) => defaultEngines.includes(engine)));
  return {
    available: new Set(healthy.flatMap(({ engines }) => engines)),
    best: best ?? null,
    reason: (engine) =>
      seen
        .map(({ engines, unavailable }) => (engines.includes(engine) ? 'the worker that offers it is unhealthy' : unavailable[engine]))
        .find(Boolean) ?? null,
  };
}

/**
 * The engine of a new job: the requested one, otherwise the best that a worker provides by default.
 * @throws AppError ENGINE_UNAVAILABLE
 */
export async function chooseEngine(context: WorkerContext, requested: EngineName | null): Promise<EngineName> {
  const { available, best, reason } = await engineAvailability(context);
  if (requested) {
    if (available.has(requested)) return requested;
    throw new AppError('ENGINE_UNAVAILABLE', sentence(`No running worker can render with ${requested}`, reason(requested)), {
      field: 'engine',
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }
  if (best) return best;
  // For example the progress of a model download.
  const why = names(ENGINES).map(reason).find(Boolean);
  throw new AppError('ENGINE_UNAVAILABLE', sentence('No worker that can render is running', why), {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

/** `problem`, with its reason if that is known. A reason may be a phrase or whole sentences. */
function sentence(problem: string, why: string | null | undefined): string {
  return `${why ? `${problem}: ${why}` : problem}.`.replace(/\.\.$/, '.');
}
