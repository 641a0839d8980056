import { createHash, randomInt } from 'node:crypto';
import {
  DEFAULTS,
  DURATIONS,
  MOTION_BUCKET,
  MOTIONS,
  SEED_MAX,
  TUNING,
  type EngineName,
  type Fit,
  type Motion,
  type Orientation,
  type RenderOptions,
  type Resolution,
} from '../catalog/catalog.ts';
import { AppError } from './errors.ts';

/** What a request may say about the video; everything else gets its default. */
export interface RequestedOptions {
  readonly durationSeconds?: number | null;
  readonly resolution?: Resolution | null;
  readonly motion?: Motion | null;
  readonly orientation?: Orientation | null;
  readonly fit?: Fit | null;
  readonly engine?: EngineName | null;
  readonly tuning?: {
    readonly steps?: number | null;
    readonly minGuidanceScale?: number | null;
    readonly maxGuidanceScale?: number | null;
    readonly noiseAugStrength?: number | null;
    readonly seed?: number | null;
    readonly motionBucketId?: number | null;
  } | null;
}

/** A request with defaults filled in; engine, seed and orientation may still be open. */
export interface CheckedOptions {
  readonly durationSeconds: number;
  readonly resolution: Resolution;
  readonly motion: Motion;
  readonly orientation: Orientation;
  readonly fit: Fit;
  readonly engine: EngineName | null;
  readonly steps: number;
  readonly minGuidanceScale: number;
  readonly maxGuidanceScale: number;
  readonly noiseAugStrength: number;
  readonly seed: number | null;
  readonly motionBucketId: number;
}

/**
 * Checks what was asked for and fills in defaults.
 * @throws AppError BAD_INPUT that names the field and what is allowed
 */
export function checkOptions(requested: RequestedOptions): CheckedOptions {
  const durationSeconds = requested.durationSeconds ?? DEFAULTS.durationSeconds;
  if (!(DURATIONS as readonly number[]).includes(durationSeconds)) {
    throw new AppError('BAD_INPUT', `durationSeconds is ${durationSeconds}; it must be one of ${DURATIONS.join(', ')}.`, {
      field: 'durationSeconds',
    });
  }
  const tuning = requested.tuning ?? {};
  const motion = requested.motion ?? DEFAULTS.motion;
  const maxGuidanceScale = within('maxGuidanceScale', tuning.maxGuidanceScale, TUNING.maxGuidanceScale);
  const minGuidanceScale = within('minGuidanceScale', tuning.minGuidanceScale, TUNING.minGuidanceScale);
  if (minGuidanceScale > maxGuidanceScale) {
    throw new AppError(
      'BAD_INPUT',
      `tuning.minGuidanceScale (${minGuidanceScale}) must not be over tuning.maxGuidanceScale (${maxGuidanceScale}).`,
      {
        field: 'tuning.minGuidanceScale',
      },
    );
  }
  return {
    durationSeconds,
    resolution: requested.resolution ?? DEFAULTS.resolution,
    motion,
    orientation: requested.orientation ?? DEFAULTS.orientation,
    fit: requested.fit ?? DEFAULTS.fit,
    engine: requested.engine ?? null,
    steps: whole('steps', tuning.steps, TUNING.steps),
    minGuidanceScale,
    maxGuidanceScale,
    noiseAugStrength: within('noiseAugStrength', tuning.noiseAugStrength, TUNING.noiseAugStrength),
    seed: tuning.seed == null ? null : whole('seed', tuning.seed, { min: 0, max: SEED_MAX, default: 0 }),
    motionBucketId: whole('motionBucketId', tuning.motionBucketId, { ...MOTION_BUCKET, default: MOTIONS[motion].motionBucketId }),
  };
}

function within(field: string, value: number | null | undefined, range: { min: number; max: number; default: number }): number {
  if (value == null) return range.default;
  // Written so that NaN fails too.
  if (!(value >= range.min && value <= range.max)) {
    throw new AppError('BAD_INPUT', `tuning.${field} is ${value}; it must lie between ${range.min} and ${range.max}.`, {
      field: `tuning.${field}`,
    });
  }
  return value;
}

function whole(field: string, value: number | null | undefined, range: { min: number; max: number; default: number }): number {
  const checked = within(field, value, range);
  if (!Number.isInteger(checked)) {
    throw new AppError('BAD_INPUT', `tuning.${field} is ${checked}; it must be a whole number.`, { field: `tuning.${field}` });
  }
  return checked;
}

/** Longest clientRef, in characters. */
export const CLIENT_REF_MAX = 200;

/**
 * Checks a client's own text; none is fine.
 * @throws AppError BAD_INPUT that names the field
 */
export function checkText(field: string, text: string | null | undefined, max: number): void {
  if (text == null) return;
  if (text.length === 0 || text.length > max) throw new AppError('BAD_INPUT', `${field} must have 1 to ${max} characters.`, { field });
  // PostgreSQL cannot store it.
  if (text.includes('\0')) throw new AppError('BAD_INPUT', `${field} must not contain a null character.`, { field });
}

/** Closes what a request left open: orientation from the photo, the engine chosen, a random seed. */
export function settleOptions(checked: CheckedOptions, engine: EngineName, photo: { width: number; height: number }): RenderOptions {
  const { orientation, seed, ...rest } = checked;
  return {
    ...rest,
    engine,
    orientation: orientation !== 'AUTO' ? orientation : photo.height > photo.width ? 'PORTRAIT' : 'LANDSCAPE',
    seed: seed ?? randomInt(SEED_MAX + 1),
  };
}

/** Hex sha256 of a request: the same options and the same photo bytes give the same text, whatever was left to defaults. */
export function fingerprint(checked: CheckedOptions, photoSha256: string): string {
  const canonical = Object.entries(checked).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([canonical, photoSha256]))
    .digest('hex');
}
