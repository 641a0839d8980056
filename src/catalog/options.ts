/** Schema of resolved render options, for data from outside: API responses and the metadata of videos. */
import { z } from 'zod';
import { DURATIONS, MOTIONS, names, RESOLUTIONS, SEED } from './catalog.ts';
import { engineEntry, ENGINES, tuningKey, type EngineName, type RenderOptions, type RequestedTuning } from './engines.ts';
import { tuningValues } from './tuning.ts';

const common = {
  resolution: z.enum(names(RESOLUTIONS)),
  orientation: z.enum(['LANDSCAPE', 'PORTRAIT']),
  fit: z.enum(['COVER', 'CONTAIN']),
  crop: z.strictObject({ x: z.int().min(0), y: z.int().min(0), width: z.int().min(1), height: z.int().min(1) }).nullable(),
  motion: z.enum(names(MOTIONS)),
  durationSeconds: z.literal(DURATIONS),
  seed: z.int().min(SEED.min).max(SEED.max),
};

const ofEngine = (engine: EngineName) =>
  z.strictObject({ engine: z.literal(engine), ...common, tuning: tuningValues(engineEntry(engine).tuning) });

const [first, ...others] = names(ENGINES).map(ofEngine);

/** One variant per engine, with exactly the tuning of that engine. */
export const renderOptionsSchema = z.discriminatedUnion('engine', [first!, ...others]) as unknown as z.ZodType<RenderOptions>;

/** Resolved tuning in the shape of a request; undefined for an engine without tuning. */
export function toRequestedTuning({ engine, tuning }: Pick<RenderOptions, 'engine' | 'tuning'>): RequestedTuning | undefined {
  return tuning === null ? undefined : { [tuningKey(engine)]: tuning };
}
