import { createHash, randomInt } from 'node:crypto';
import {
  DEFAULTS,
  DURATIONS,
  frameSize,
  SEED,
  type CommonOptions,
  type Fit,
  type Motion,
  type Orientation,
  type Resolution,
} from '../catalog/catalog.ts';
import { CENTRE, resolveFit, type PhotoGeometry } from '../catalog/crop.ts';
import { engineEntry, enginesWithTuning, type EngineName, type RenderOptions, type RequestedTuning } from '../catalog/engines.ts';
import { checkTuning } from '../catalog/tuning.ts';
import { AppError } from './errors.ts';

/** The options of a request. Omitted options get their defaults. */
export interface RequestedOptions {
  readonly durationSeconds?: number | null;
  readonly resolution?: Resolution | null;
  readonly motion?: Motion | null;
  readonly orientation?: Orientation | null;
  readonly fit?: Fit | null;
  readonly seed?: number | null;
  readonly engine?: EngineName | null;
  /** The tuning of at most one engine. */
  readonly tuning?: RequestedTuning | null;
}

/** A checked request with defaults filled in. Orientation, fit, seed and engine may still be open. */
export interface CheckedOptions extends Omit<CommonOptions, 'orientation' | 'fit' | 'crop' | 'seed'> {
  readonly orientation: Orientation;
  readonly fit: Fit;
  readonly seed: number | null;
  readonly engine: EngineName | null;
  /** Of `engine`, without the defaults that depend on the motion; null if the engine is open or has no tuning. */
  readonly tuning: object | null;
}

/**
 * Checks a request and fills in defaults. Tuning selects its engine if the request names none.
 * @throws AppError BAD_INPUT that names the field and what it allows
 */
export function checkOptions(requested: RequestedOptions): CheckedOptions {
  const durationSeconds = requested.durationSeconds ?? DEFAULTS.durationSeconds;
  if (!(DURATIONS as readonly number[]).includes(durationSeconds)) {
    throw badInput('durationSeconds', `durationSeconds is ${durationSeconds}; it must be one of ${DURATIONS.join(', ')}.`);
  }
  const seed = requested.seed ?? null;
  if (seed !== null && !(Number.isInteger(seed) && seed >= SEED.min && seed <= SEED.max)) {
    throw badInput('seed', `seed is ${seed}; it must be a whole number from ${SEED.min} to ${SEED.max}.`);
  }
  return {
    durationSeconds,
    resolution: requested.resolution ?? DEFAULTS.resolution,
    motion: requested.motion ?? DEFAULTS.motion,
    orientation: requested.orientation ?? DEFAULTS.orientation,
    fit: requested.fit ?? DEFAULTS.fit,
    seed,
    ...checkEngine(requested.engine ?? null, requested.tuning ?? {}),
  };
}

function checkEngine(requestedEngine: EngineName | null, requested: RequestedTuning): Pick<CheckedOptions, 'engine' | 'tuning'> {
  const values: Readonly<Record<string, object | null | undefined>> = requested;
  const given = enginesWithTuning().filter(({ key }) => values[key]);
  if (given.length > 1)
    throw badInput('tuning', `tuning names ${given.map(({ key }) => key).join(' and ')}; it may be for one engine only.`);
  const other = given.find(({ engine }) => requestedEngine !== null && engine !== requestedEngine);
  if (other) {
    throw badInput(
      'tuning',
      `tuning.${other.key} is for the engine ${other.engine}, but engine is ${requestedEngine}. Leave one of them out.`,
    );
  }
  const engine = requestedEngine ?? given[0]?.engine ?? null;
  const own = enginesWithTuning().find((candidate) => candidate.engine === engine);
  if (!own) return { engine, tuning: null };
  const checked = checkTuning(own.tuning, values[own.key] ?? {});
  if ('values' in checked) return { engine, tuning: checked.values };
  const { field, message } = checked.problem;
  throw badInput(`tuning.${own.key}${field === null ? '' : `.${field}`}`, `tuning.${own.key}: ${message}`);
}

function badInput(field: string, message: string): AppError {
  return new AppError('BAD_INPUT', message, { field });
}

/** Longest clientRef, in characters. */
export const CLIENT_REF_MAX = 200;

/**
 * Checks a text from the client; null and undefined are allowed.
 * @throws AppError BAD_INPUT that names the field
 */
export function checkText(field: string, text: string | null | undefined, max: number): void {
  if (text == null) return;
  if (text.length === 0 || text.length > max) throw badInput(field, `${field} must have 1 to ${max} characters.`);
  // PostgreSQL cannot store null characters.
  if (text.includes('\0')) throw badInput(field, `${field} must not contain a null character.`);
}

/** Resolves what a request left open: orientation and fit from the photo, the engine chosen, a random seed. */
export function resolveOptions(checked: CheckedOptions, engine: EngineName, photo: PhotoGeometry): RenderOptions {
  const { tuning } = engineEntry(engine);
  const orientation = resolveOrientation(checked.orientation, photo);
  const options = {
    ...checked,
    engine,
    orientation,
    ...resolveFit(checked.fit, photo, frameSize({ resolution: checked.resolution, orientation })),
    seed: checked.seed ?? randomInt(SEED.min, SEED.max + 1),
    tuning: tuning && tuning.resolve(checked.tuning ?? defaultsOf(tuning), checked.motion),
  };
  // The tuning comes from the entry of the same engine, which types cannot express.
  return options as RenderOptions;
}

function resolveOrientation(requested: Orientation, { width, height }: PhotoGeometry): Exclude<Orientation, 'AUTO'> {
  if (requested !== 'AUTO') return requested;
  return height > width ? 'PORTRAIT' : 'LANDSCAPE';
}

function defaultsOf(tuning: NonNullable<ReturnType<typeof engineEntry>['tuning']>): object {
  return tuning.schema.parse({});
}

/** Options of a request that sets nothing but engine, resolution and duration; used for estimates. */
export function defaultOptions(engine: EngineName, requested: Pick<RequestedOptions, 'resolution' | 'durationSeconds'>): RenderOptions {
  return resolveOptions(checkOptions({ ...requested, engine, seed: SEED.min }), engine, { width: 4, height: 3, focus: CENTRE });
}

/** Hexadecimal SHA-256 of a request. An omitted option and its explicit default give the same hash. */
export function fingerprint(checked: CheckedOptions, photoSha256: string): string {
  return createHash('sha256')
    .update(JSON.stringify([sorted(checked), photoSha256]))
    .digest('hex');
}

/** Entries of an object, and of nested objects, sorted by key. */
function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => [key, sorted(each)]);
}
