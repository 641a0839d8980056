import { ENGINES, names, type EngineName } from '../catalog.ts';
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

/** The devices among `workers` that an engine's jobs can expect to be rendered on. */
export function devicesFor(engine: EngineName, workers: readonly SeenWorker[]): string[] {
  return workers.filter((worker) => worker.engines.includes(engine) && worker.state !== 'UNHEALTHY').map((worker) => worker.device);
}

/**
 * The engine a new job gets: the one asked for, else the best that a worker offers by default. Workers that left or fell silent within
 * the last ENGINE_GRACE_SECONDS still count, so that a restart goes unnoticed.
 * @throws AppError ENGINE_UNAVAILABLE
 */
export async function chooseEngine(needs: Needs, asked: EngineName | null): Promise<EngineName> {
  const { config, workers } = needs;
  const grace = Math.max(config.ENGINE_GRACE_SECONDS, config.HEARTBEAT_SECONDS * MISSED_BEATS);
  const seen = await workers.seenWithin(grace);
  if (asked) {
    if (seen.some((worker) => worker.engines.includes(asked))) return asked;
    const reason = seen.map((worker) => worker.unavailable[asked]).find(Boolean);
    throw new AppError('ENGINE_UNAVAILABLE', `No running worker offers ${asked}${reason ? `: ${reason}` : ''}.`, { field: 'engine', retryAfterSeconds: 10 });
  }
  const best = names(ENGINES)
    .toSorted((a, b) => ENGINES[b].preference - ENGINES[a].preference)
    .find((engine) => seen.some((worker) => worker.defaultEngines.includes(engine)));
  if (!best) throw new AppError('ENGINE_UNAVAILABLE', 'No worker is running.', { retryAfterSeconds: 10 });
  return best;
}
