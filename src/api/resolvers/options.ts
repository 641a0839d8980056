import { Ctx, Query, Resolver } from 'type-graphql';
import {
  DEFAULTS, DURATIONS, ENGINES, FITS, FRAMES_PER_SECOND, frameCount, MOTION_BUCKET, MOTIONS, names, ORIENTATIONS, RESOLUTIONS, SEED_MAX, TUNING,
  type EngineName,
} from '../../catalog.ts';
import { PHOTO_FORMATS } from '../../infra/photo.ts';
import { devicesFor, liveWorkers } from '../../jobs/engines.ts';
import { estimatorFor } from '../../jobs/estimates.ts';
import type { SeenWorker } from '../../jobs/store.ts';
import type { Api, RequestContext } from '../context.ts';
import type { EngineOption, RenderEstimate, RenderLimits } from '../types/options.ts';
import { RenderOptionsType } from '../types/options.ts';
import { BASE64_MAX_BYTES } from './jobs.ts';

@Resolver()
export class OptionsResolver {
  @Query(() => RenderOptionsType, { description: 'What can be asked for, with defaults, limits and expected render times: build menus from it.' })
  async options(@Ctx() { api, caller }: RequestContext): Promise<RenderOptionsType> {
    const workers = await liveWorkers(api);
    const named = <K extends string, E>(table: Record<K, E>, standard: string) =>
      names(table).map((name) => ({ name, ...table[name], isDefault: name === standard }));
    return {
      resolutions: named(RESOLUTIONS, DEFAULTS.resolution),
      durations: DURATIONS.map((seconds) => ({ seconds, frameCount: frameCount(seconds), isDefault: seconds === DEFAULTS.durationSeconds })),
      framesPerSecond: FRAMES_PER_SECOND,
      motions: named(MOTIONS, DEFAULTS.motion),
      orientations: named(ORIENTATIONS, DEFAULTS.orientation),
      fits: named(FITS, DEFAULTS.fit),
      engines: engineOptions(workers),
      tuning: { ...TUNING, seed: { min: 0, max: SEED_MAX, default: null }, motionBucketId: { ...MOTION_BUCKET, default: null } },
      limits: limits(api, caller.local),
      estimates: await estimates(api, workers),
    };
  }
}

function engineOptions(workers: readonly SeenWorker[]): EngineOption[] {
  const offered = (engine: EngineName) => workers.some((worker) => worker.engines.includes(engine));
  const best = names(ENGINES)
    .toSorted((a, b) => ENGINES[b].preference - ENGINES[a].preference)
    .find((engine) => workers.some((worker) => worker.defaultEngines.includes(engine)));
  return names(ENGINES).map((name) => ({
    name,
    description: ENGINES[name].description,
    available: offered(name),
    unavailableReason: offered(name) ? null : (workers.map((worker) => worker.unavailable[name]).find(Boolean) ?? 'no running worker offers it'),
    isDefault: name === best,
  }));
}

function limits({ config }: Api, local: boolean): RenderLimits {
  return {
    photoMaxBytes: Math.round(config.UPLOAD_MAX_MB * 1e6),
    photoMaxPixels: Math.round(config.PHOTO_MAX_MEGAPIXELS * 1e6),
    photoMinSide: config.PHOTO_MIN_SIDE,
    photoFormats: [...PHOTO_FORMATS],
    base64MaxBytes: BASE64_MAX_BYTES,
    queueLimit: config.QUEUE_LIMIT,
    ownerLimit: local ? null : config.OWNER_LIMIT,
    maxAttempts: config.MAX_ATTEMPTS,
    filesKeptHours: config.FILES_KEPT_HOURS,
  };
}

async function estimates({ jobs }: Api, workers: readonly SeenWorker[]): Promise<RenderEstimate[]> {
  const tables = await Promise.all(names(ENGINES).map(async (engine) => {
    const estimator = await estimatorFor(jobs, engine);
    const [device] = devicesFor(engine, workers);
    return names(RESOLUTIONS).flatMap((resolution) => DURATIONS.map((durationSeconds) => {
      const seconds = estimator.seconds({ resolution, durationSeconds, steps: TUNING.steps.default }, device);
      return { engine, resolution, durationSeconds, seconds: Math.round(seconds * 10) / 10 };
    }));
  }));
  return tables.flat();
}
