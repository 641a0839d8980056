import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { summary, type Made } from '../../../src/cli/animate/make.ts';

const made = (crop: Made['options']['crop']): Made => ({
  path: path.resolve('cat.mp4'),
  jobId: 'a',
  photo: { width: 600, height: 400 },
  options: {
    engine: 'PREVIEW',
    resolution: 'P360',
    orientation: 'LANDSCAPE',
    fit: crop ? 'COVER' : 'CONTAIN',
    crop,
    motion: 'MICRO',
    durationSeconds: 3,
    seed: 1,
    tuning: null,
  },
  result: {
    video: null,
    width: 480,
    height: 360,
    frameCount: 36,
    framesPerSecond: 12,
    durationSeconds: 3,
    sizeBytes: 123_456,
    sha256: 'a',
    renderSeconds: 1,
  },
  totalSeconds: 2,
});

describe('the summary of animate', () => {
  it('says how much was cropped and how to keep the whole photo', () => {
    expect(summary(made({ x: 33, y: 0, width: 533, height: 400 }))).toContain(
      '\n  cropped  11 % of the photo is outside the frame; --fit CONTAIN shows all of it\n',
    );
  });

  it('does not mention cropping if the whole photo is shown', () => {
    expect(summary(made(null))).not.toContain('crop');
  });
});
