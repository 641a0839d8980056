import { engineEntry, ENGINES, type EngineName } from '../catalog/engines.ts';
import { names } from '../catalog/catalog.ts';
import type { JobContext } from './context.ts';
import { AppError } from './errors.ts';
import type { SeenWorker } from './store.ts';

/** Heartbeats that a worker may miss and still count as alive. */
const MISSED_BEATS = 4;

type Needs = Pick<JobContext, 'config' | 'workers'>;

/** Workers alive now. */
export async function liveWorkers({ config, workers }: Needs): Promise<SeenWorker[]> {
  return (await workers.seenWithin(config.HEARTBEAT_SECONDS * MISSED_BEATS)).filter((worker) => !worker.stopped);
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
 * Engines that can render a new job. Workers that left or fell silent within the last ENGINE_GRACE_SECONDS still count, so that a
 * restart does not refuse requests; workers that cannot render do not.
 */
export async function engineAvailability({ config, workers }: Needs): Promise<EngineAvailability> {
  const seen = await workers.seenWithin(Math.max(config.ENGINE_GRACE_SECONDS, config.HEARTBEAT_SECONDS * MISSED_BEATS));
  const able = seen.filter(({ state }) => state !== 'UNHEALTHY');
  const best = names(ENGINES)
    .toSorted((a, b) => engineEntry(b).preference - engineEntry(a).preference)
    .find((engine) => able.some(({ defaultEngines }) => defaultEngines.includes(engine)));
  return {
    available: new Set(able.flatMap(({ engines }) => engines)),
    best: best ?? null,
    reason: (engine) =>
      seen
        .map(({ engines, unavailable }) => (engines.includes(engine) ? 'its worker cannot render at present' : unavailable[engine]))
        .find(Boolean) ?? null,
  };
}

/**
 * The engine of a new job: the requested one, else the best that a worker provides by default.
 * @throws AppError ENGINE_UNAVAILABLE
 */
export async function chooseEngine(needs: Needs, requested: EngineName | null): Promise<EngineName> {
  const { available, best, reason } = await engineAvailability(needs);
  if (requested) {
    if (available.has(requested)) return requested;
    const why = reason(requested);
    throw new AppError('ENGINE_UNAVAILABLE', `No running worker offers ${requested}${why ? `: ${why}` : ''}.`, {
      field: 'engine',
      retryAfterSeconds: 10,
    });
  }
  if (!best) {
    // Such as the progress of a model download.
    const why = names(ENGINES).map(reason).find(Boolean);
    throw new AppError('ENGINE_UNAVAILABLE', `No worker that can render is running${why ? `: ${why}` : ''}.`, { retryAfterSeconds: 10 });
  }
  return best;
}
