import { describe, expect, it } from 'vitest';
import { MOTIONS, SEED_MAX } from '../../../src/catalog/catalog.ts';
import { AppError } from '../../../src/jobs/errors.ts';
import { checkOptions, fingerprint, settleOptions } from '../../../src/jobs/options.ts';

const SQUARE = { width: 100, height: 100 };
const TALL = { width: 99, height: 100 };

describe('options of a request', () => {
  it('have good values where nothing is said', () => {
    expect(checkOptions({})).toEqual({
      durationSeconds: 6,
      resolution: 'P720',
      motion: 'MICRO',
      orientation: 'AUTO',
      fit: 'COVER',
      engine: null,
      steps: 24,
      minGuidanceScale: 1,
      maxGuidanceScale: 3,
      noiseAugStrength: 0.1,
      seed: null,
      motionBucketId: 50,
    });
  });

  it.each(Object.entries(MOTIONS))('take the motion bucket of %s unless another is asked for', (motion, { motionBucketId }) => {
    expect(checkOptions({ motion: motion as keyof typeof MOTIONS }).motionBucketId).toBe(motionBucketId);
    expect(checkOptions({ motion: motion as keyof typeof MOTIONS, tuning: { motionBucketId: 255 } }).motionBucketId).toBe(255);
  });

  it('may lie at the ends of their ranges, and not beyond', () => {
    const ends = { steps: 50, minGuidanceScale: 1, maxGuidanceScale: 1, noiseAugStrength: 0, seed: SEED_MAX, motionBucketId: 1 };
    expect(checkOptions({ tuning: ends })).toMatchObject(ends);
    for (const tuning of [
      { steps: 3 },
      { steps: 4.5 },
      { maxGuidanceScale: 10.01 },
      { noiseAugStrength: Number.NaN },
      { seed: SEED_MAX + 1 },
      { motionBucketId: 0 },
    ]) {
      expect(() => checkOptions({ tuning })).toThrow(AppError);
    }
  });

  it('are settled by the photo and a random seed', () => {
    const checked = checkOptions({});
    expect(settleOptions(checked, 'PREVIEW', SQUARE).orientation).toBe('LANDSCAPE');
    expect(settleOptions(checked, 'PREVIEW', TALL).orientation).toBe('PORTRAIT');
    expect(settleOptions(checkOptions({ orientation: 'LANDSCAPE' }), 'PREVIEW', TALL).orientation).toBe('LANDSCAPE');
    const seeds = new Set(Array.from({ length: 20 }, () => settleOptions(checked, 'PREVIEW', SQUARE).seed));
    expect(seeds.size).toBeGreaterThan(15);
    expect(settleOptions(checkOptions({ tuning: { seed: 0 } }), 'PREVIEW', SQUARE).seed).toBe(0);
  });

  it('have one fingerprint for one request, however much of it is left to defaults', () => {
    const print = fingerprint(checkOptions({}), 'photo');
    expect(fingerprint(checkOptions({ durationSeconds: 6, tuning: { steps: 24 } }), 'photo')).toBe(print);
    expect(fingerprint(checkOptions({ durationSeconds: 8 }), 'photo')).not.toBe(print);
    expect(fingerprint(checkOptions({}), 'another photo')).not.toBe(print);
    expect(fingerprint(checkOptions({ tuning: { seed: 1 } }), 'photo')).not.toBe(print);
  });
});
