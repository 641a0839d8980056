import { ENGINES, names, type EngineName } from '../catalog/catalog.ts';
import type { JobContext } from './context.ts';
import { AppError } from './errors.ts';
import type { SeenWorker } from './store.ts';

/** A worker counts as alive until it has missed this many heartbeats. */
const MISSED_BEATS = 4;

type Needs = Pick<JobContext, 'config' | 'workers'>;

/** Workers alive now. */
export async function liveWorkers({ config, workers }: Needs): Promise<SeenWorker[]> {
  return (await workers.seenWithin(config.HEARTBEAT_SECONDS * MISSED_BEATS)).filter((worker) => !worker.stopped);
}

/** Those of `workers` that an engine's jobs can expect to be rendered on. */
export function workersFor(engine: EngineName, workers: readonly SeenWorker[]): SeenWorker[] {
  return workers.filter((worker) => worker.engines.includes(engine) && worker.state !== 'UNHEALTHY');
}

/** What a new job can be rendered with. */
export interface EngineOffers {
  readonly offered: ReadonlySet<EngineName>;
  /** The one a request gets that names none; null if no worker is running. */
  readonly best: EngineName | null;
  /** Why an engine is not offered, if a worker knows. */
  reason(engine: EngineName): string | null;
}

/**
 * Engines that a new job can have. Workers that left or fell silent within the last ENGINE_GRACE_SECONDS still count, so that a restart
 * goes unnoticed; those that cannot render do not.
 */
export async function engineOffers({ config, workers }: Needs): Promise<EngineOffers> {
  const seen = await workers.seenWithin(Math.max(config.ENGINE_GRACE_SECONDS, config.HEARTBEAT_SECONDS * MISSED_BEATS));
  const able = seen.filter(({ state }) => state !== 'UNHEALTHY');
  const best = names(ENGINES)
    .toSorted((a, b) => ENGINES[b].preference - ENGINES[a].preference)
    .find((engine) => able.some(({ defaultEngines }) => defaultEngines.includes(engine)));
  return {
    offered: new Set(able.flatMap(({ engines }) => engines)),
    best: best ?? null,
    reason: (engine) =>
      seen
        .map(({ engines, unavailable }) => (engines.includes(engine) ? 'its worker cannot render at present' : unavailable[engine]))
        .find(Boolean) ?? null,
  };
}

/**
 * The engine a new job gets: the one asked for, else the best that a worker offers by default.
 * @throws AppError ENGINE_UNAVAILABLE
 */
export async function chooseEngine(needs: Needs, asked: EngineName | null): Promise<EngineName> {
  const { offered, best, reason } = await engineOffers(needs);
  if (asked) {
    if (offered.has(asked)) return asked;
    const why = reason(asked);
    throw new AppError('ENGINE_UNAVAILABLE', `No running worker offers ${asked}${why ? `: ${why}` : ''}.`, {
      field: 'engine',
      retryAfterSeconds: 10,
    });
  }
  if (!best) {
    // A worker that is fetching its model, say, tells how far it is.
    const why = names(ENGINES).map(reason).find(Boolean);
    throw new AppError('ENGINE_UNAVAILABLE', `No worker that can render is running${why ? `: ${why}` : ''}.`, { retryAfterSeconds: 10 });
  }
  return best;
}
