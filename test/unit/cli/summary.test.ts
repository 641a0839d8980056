import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonSummary, summary, type SavedVideo } from '../../../src/cli/animate/report.ts';
import type { JobOptions } from '../../../src/client/client.ts';
import { CLIENT_JOB } from '../../support/client-job.ts';

const made = (options: Partial<JobOptions>, isCopy = false): SavedVideo => ({
  path: path.resolve('cat.mp4'),
  job: { ...CLIENT_JOB, options: { ...CLIENT_JOB.options, ...options } },
  result: {
    video: null,
    poster: null,
    width: 480,
    height: 360,
    frameCount: 36,
    framesPerSecond: 12,
    durationSeconds: 3,
    sizeBytes: 123_456,
    sha256: 'a',
    renderSeconds: 1,
  },
  isCopy,
  totalSeconds: 2,
});

describe('the summary of animate', () => {
  it('says how much was cropped and how to keep the whole photo', () => {
    expect(summary(made({ crop: { x: 33, y: 0, width: 533, height: 400 } }))).toContain(
      '\n  cropped  11 % of the photo is outside the frame; --fit CONTAIN shows all of it\n',
    );
  });

  it('suggests no option for a video made with the options of another', () => {
    expect(summary(made({ crop: { x: 33, y: 0, width: 533, height: 400 } }, true))).toContain('11 % of the photo is outside the frame\n');
  });

  it('does not mention cropping if the whole photo is shown', () => {
    expect(summary(made({ fit: 'CONTAIN' }))).not.toContain('crop');
  });
});

describe('the JSON of animate', () => {
  it('prints the tuning of the engine without the name of its GraphQL type', () => {
    const tuning = { numInferenceSteps: 24, minGuidanceScale: 1, maxGuidanceScale: 3, noiseAugStrength: 0.1, motionBucketId: 50 };
    expect(jsonSummary(made({ engine: 'SVD_XT', tuning: { __typename: 'SvdXtTuning', ...tuning } })).options.tuning).toEqual(tuning);
    expect(jsonSummary(made({})).options.tuning).toBeNull();
  });
});
