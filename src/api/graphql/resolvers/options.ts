import { Ctx, FieldResolver, Query, Resolver } from 'type-graphql';
import {
  DEFAULTS,
  DURATIONS,
  FITS,
  FRAMES_PER_SECOND,
  frameCount,
  MOTIONS,
  names,
  ORIENTATIONS,
  RESOLUTIONS,
  SEED,
} from '../../../catalog/catalog.ts';
import { engineEntry, ENGINES } from '../../../catalog/engines.ts';
import { tuningFields } from '../../../catalog/tuning.ts';
import { PHOTO_FORMATS } from '../../../jobs/ports/photo.ts';
import { engineAvailability, liveWorkers, workersFor } from '../../../jobs/engines.ts';
import { estimatorFor } from '../../../jobs/estimates.ts';
import { defaultOptions } from '../../../jobs/options.ts';
import type { ApiContext } from '../../context.ts';
import type { RequestContext } from '../context.ts';
import { EngineOption, RenderEstimate, RenderOptionsType, type RenderLimits } from '../types/options.ts';
import { BASE64_MAX_BYTES } from '../types/inputs.ts';
import { toTuningOption } from '../types/tuning.ts';

/** Queries run only for requested fields, and once per operation. */
@Resolver(() => RenderOptionsType)
export class OptionsResolver {
  readonly #estimates = new WeakMap<RequestContext, Promise<RenderEstimate[]>>();
  readonly #engines = new WeakMap<RequestContext, Promise<EngineOption[]>>();

  @Query(() => RenderOptionsType, {
    description: 'What can be requested, with defaults, limits and expected render times.',
  })
  options(@Ctx() { api, caller }: RequestContext): RenderOptionsType {
    const named = <K extends string, E>(table: Record<K, E>, standard: string) =>
      names(table).map((name) => ({ name, ...table[name], isDefault: name === standard }));
    return {
      resolutions: named(RESOLUTIONS, DEFAULTS.resolution),
      durations: DURATIONS.map((seconds) => ({
        seconds,
        frameCount: frameCount(seconds),
        isDefault: seconds === DEFAULTS.durationSeconds,
      })),
      framesPerSecond: FRAMES_PER_SECOND,
      motions: named(MOTIONS, DEFAULTS.motion),
      orientations: named(ORIENTATIONS, DEFAULTS.orientation),
      fits: named(FITS, DEFAULTS.fit),
      seed: SEED,
      limits: limits(api, caller.local),
    };
  }

  @FieldResolver(() => [EngineOption], { description: 'Engines.' })
  async engines(@Ctx() context: RequestContext): Promise<EngineOption[]> {
    return await once(this.#engines, context, engineOptions);
  }

  @FieldResolver(() => [RenderEstimate], { description: 'Expected render times by engine, resolution and duration.' })
  async estimates(@Ctx() context: RequestContext): Promise<RenderEstimate[]> {
    return await once(this.#estimates, context, estimates);
  }
}

function once<T>(known: WeakMap<RequestContext, Promise<T>>, context: RequestContext, load: (api: ApiContext) => Promise<T>): Promise<T> {
  const found = known.get(context) ?? load(context.api);
  known.set(context, found);
  return found;
}

async function engineOptions(api: ApiContext): Promise<EngineOption[]> {
  const { available, best, reason } = await engineAvailability(api);
  return names(ENGINES).map((name) => ({
    name,
    description: engineEntry(name).description,
    available: available.has(name),
    unavailableReason: available.has(name) ? null : (reason(name) ?? 'no running worker offers it'),
    isDefault: name === best,
    followsMotion: engineEntry(name).followsMotion,
    tuning: tuningFields(engineEntry(name).tuning).map(toTuningOption),
  }));
}

function limits({ config, intake: { limits: photo } }: ApiContext, local: boolean): RenderLimits {
  return {
    photoMaxBytes: photo.maxBytes,
    photoMaxPixels: photo.maxPixels,
    photoMinSide: photo.minSide,
    photoFormats: [...PHOTO_FORMATS],
    base64MaxBytes: BASE64_MAX_BYTES,
    queueLimit: config.QUEUE_LIMIT,
    backlogLimit: config.BACKLOG_LIMIT,
    ownerLimit: local ? null : config.OWNER_LIMIT,
    maxAttempts: config.MAX_ATTEMPTS,
    filesKeptHours: config.FILES_KEPT_HOURS,
    jobsKeptDays: config.JOBS_KEPT_DAYS,
  };
}

async function estimates(api: ApiContext): Promise<RenderEstimate[]> {
  const workers = await liveWorkers(api);
  const tables = await Promise.all(
    names(ENGINES).map(async (engine) => {
      const estimator = await estimatorFor(api.jobs, engine);
      const devices = workersFor(engine, workers);
      return names(RESOLUTIONS).flatMap((resolution) =>
        DURATIONS.map((durationSeconds) => {
          const seconds = estimator.fastest(defaultOptions(engine, { resolution, durationSeconds }), devices);
          return { engine, resolution, durationSeconds, seconds: Math.round(seconds * 10) / 10 };
        }),
      );
    }),
  );
  return tables.flat();
}
