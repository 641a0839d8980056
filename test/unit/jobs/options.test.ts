import { describe, expect, it } from 'vitest';
import { MOTIONS, names, SEED } from '../../../src/catalog/catalog.ts';
import { MOTION_BUCKETS } from '../../../src/catalog/engines/svd-xt.ts';
import { AppError } from '../../../src/jobs/errors.ts';
import { checkOptions, fingerprint, resolveOptions, type RequestedOptions } from '../../../src/jobs/options.ts';

const SQUARE = { width: 100, height: 100, focus: { x: 0.5, y: 0.3 } };
const TALL = { width: 99, height: 100, focus: { x: 0.5, y: 0.3 } };
const TUNING = { numInferenceSteps: 24, minGuidanceScale: 1, maxGuidanceScale: 3, noiseAugStrength: 0.1, motionBucketId: 50 };

const refusalOf = (requested: RequestedOptions): AppError => {
  try {
    checkOptions(requested);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it was accepted');
};

describe('options of a request', () => {
  it('get defaults', () => {
    const checked = checkOptions({});
    expect(checked).toEqual({
      durationSeconds: 6,
      resolution: 'P720',
      motion: 'MICRO',
      orientation: 'AUTO',
      fit: 'AUTO',
      engine: null,
      seed: null,
      tuning: null,
    });
    expect(resolveOptions(checked, 'PREVIEW', SQUARE)).toMatchObject({ engine: 'PREVIEW', tuning: null });
    expect(resolveOptions(checked, 'SVD_XT', SQUARE)).toMatchObject({ engine: 'SVD_XT', tuning: TUNING });
  });

  it.each(names(MOTIONS))("use SVD_XT's motion bucket of %s unless another one is requested", (motion) => {
    const bucketOf = (requested: RequestedOptions) => resolveOptions(checkOptions(requested), 'SVD_XT', SQUARE).tuning?.motionBucketId;
    expect(bucketOf({ motion })).toBe(MOTION_BUCKETS[motion]);
    expect(bucketOf({ motion, tuning: { svdXt: { motionBucketId: 255 } } })).toBe(255);
  });

  it('accept the limits of their ranges', () => {
    const ends = { numInferenceSteps: 50, minGuidanceScale: 1, maxGuidanceScale: 1, noiseAugStrength: 0, motionBucketId: 1 };
    const checked = checkOptions({ seed: SEED.max, tuning: { svdXt: ends } });
    expect(checked).toMatchObject({ engine: 'SVD_XT', seed: SEED.max, tuning: ends });
  });

  it.each<[field: string, words: string, requested: RequestedOptions]>([
    ['seed', 'from 0 to 2147483647', { seed: SEED.max + 1 }],
    ['seed', 'a whole number', { seed: 1.5 }],
    ['tuning.svdXt.numInferenceSteps', 'is 3; it must be a whole number from 4 to 50', { tuning: { svdXt: { numInferenceSteps: 3 } } }],
    ['tuning.svdXt.numInferenceSteps', 'is 4.5; it must be a whole number', { tuning: { svdXt: { numInferenceSteps: 4.5 } } }],
    ['tuning.svdXt.maxGuidanceScale', 'a number from 1 to 10', { tuning: { svdXt: { maxGuidanceScale: 10.01 } } }],
    ['tuning.svdXt.noiseAugStrength', 'is NaN', { tuning: { svdXt: { noiseAugStrength: Number.NaN } } }],
    ['tuning.svdXt.motionBucketId', 'from 1 to 255', { tuning: { svdXt: { motionBucketId: 0 } } }],
    [
      'tuning.svdXt.minGuidanceScale',
      'minGuidanceScale (4) must not exceed maxGuidanceScale (3)',
      { tuning: { svdXt: { minGuidanceScale: 4 } } },
    ],
    ['tuning', 'tuning.svdXt is for the engine SVD_XT, but engine is PREVIEW', { engine: 'PREVIEW', tuning: { svdXt: {} } }],
  ])('are refused with the field %s and the message "%s"', (field, words, requested) => {
    const error = refusalOf(requested);
    expect(error.code).toBe('BAD_INPUT');
    expect(error.message).toContain(words);
    expect(error.details.field).toBe(field);
  });

  it('select the engine of their tuning if they name none', () => {
    expect(checkOptions({ tuning: { svdXt: {} } }).engine).toBe('SVD_XT');
    expect(checkOptions({ tuning: { svdXt: null } }).engine).toBeNull();
    expect(checkOptions({ tuning: {} }).engine).toBeNull();
  });

  it('are resolved from the photo and a random seed', () => {
    const checked = checkOptions({});
    expect(resolveOptions(checked, 'PREVIEW', SQUARE).orientation).toBe('LANDSCAPE');
    expect(resolveOptions(checked, 'PREVIEW', TALL).orientation).toBe('PORTRAIT');
    expect(resolveOptions(checkOptions({ orientation: 'LANDSCAPE' }), 'PREVIEW', TALL).orientation).toBe('LANDSCAPE');
    const seeds = new Set(Array.from({ length: 20 }, () => resolveOptions(checked, 'PREVIEW', SQUARE).seed));
    expect(seeds.size).toBeGreaterThan(15);
    expect(resolveOptions(checkOptions({ seed: 0 }), 'PREVIEW', SQUARE).seed).toBe(0);
  });

  it('have the same fingerprint with omitted and with explicit defaults', () => {
    const print = fingerprint(checkOptions({}), 'photo');
    expect(fingerprint(checkOptions({ durationSeconds: 6, fit: 'AUTO' }), 'photo')).toBe(print);
    expect(fingerprint(checkOptions({ durationSeconds: 8 }), 'photo')).not.toBe(print);
    expect(fingerprint(checkOptions({}), 'another photo')).not.toBe(print);
    expect(fingerprint(checkOptions({ seed: 1 }), 'photo')).not.toBe(print);
    const svd = fingerprint(checkOptions({ engine: 'SVD_XT' }), 'photo');
    expect(fingerprint(checkOptions({ tuning: { svdXt: { numInferenceSteps: 24 } } }), 'photo')).toBe(svd);
    expect(fingerprint(checkOptions({ tuning: { svdXt: { numInferenceSteps: 25 } } }), 'photo')).not.toBe(svd);
  });
});
