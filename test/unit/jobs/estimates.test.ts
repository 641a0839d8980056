import { describe, expect, it } from 'vitest';
import type { RenderOptions } from '../../../src/catalog/catalog.ts';
import { Estimator, guessSeconds, outlook } from '../../../src/jobs/estimates.ts';
import type { Job } from '../../../src/jobs/job.ts';
import { checkOptions, settleOptions, type RequestedOptions } from '../../../src/jobs/options.ts';
import type { RenderSample } from '../../../src/jobs/store.ts';

const optionsOf = (requested: RequestedOptions): RenderOptions =>
  settleOptions(checkOptions(requested), 'PREVIEW', { width: 4, height: 3 });
const sample = (requested: RequestedOptions, renderSeconds: number, device = 'cpu'): RenderSample => ({
  options: optionsOf(requested),
  device,
  renderSeconds,
  guessSeconds: null,
});

const SHORT = optionsOf({ resolution: 'P360', durationSeconds: 3 });
const LONG = optionsOf({ resolution: 'P1080', durationSeconds: 12 });

describe('expected render time', () => {
  it('is a guess that grows with pixels and frames before anything was rendered', () => {
    const estimator = new Estimator('PREVIEW', []);
    expect(estimator.seconds(SHORT)).toBe(guessSeconds('PREVIEW', SHORT));
    expect(estimator.seconds(LONG)).toBeGreaterThan(10 * estimator.seconds(SHORT));
  });

  it('is the median of renders of the same resolution and duration', () => {
    const same = [2, 40, 3].map((seconds) => sample({ resolution: 'P360', durationSeconds: 3 }, seconds));
    expect(new Estimator('PREVIEW', [...same, sample({ resolution: 'P1080', durationSeconds: 12 }, 500)]).seconds(SHORT)).toBeCloseTo(3);
  });

  it('carries over from other renders where there are none of the same', () => {
    const twiceAsSlow = [sample({ resolution: 'P720', durationSeconds: 6 }, 2 * guessSeconds('PREVIEW', optionsOf({})))];
    expect(new Estimator('PREVIEW', twiceAsSlow).seconds(LONG)).toBeCloseTo(2 * guessSeconds('PREVIEW', LONG));
  });

  it('counts only renders on the device asked for, where there are some', () => {
    const estimator = new Estimator('PREVIEW', [
      sample({ resolution: 'P360', durationSeconds: 3 }, 9, 'cpu'),
      sample({ resolution: 'P360', durationSeconds: 3 }, 1, 'cuda:0'),
    ]);
    expect(estimator.seconds(SHORT, { device: 'cuda:0', paces: {} })).toBeCloseTo(1);
    expect(estimator.seconds(SHORT, { device: 'cpu', paces: {} })).toBeCloseTo(9);
  });

  it('grows with steps for the model', () => {
    const svd = new Estimator('SVD_XT', [
      { options: { ...SHORT, engine: 'SVD_XT' }, device: 'cuda:0', renderSeconds: 60, guessSeconds: null },
    ]);
    expect(svd.seconds(SHORT)).toBeCloseTo(60);
    expect(svd.seconds({ ...SHORT, steps: 48 })).toBeGreaterThan(90);
  });

  describe('where the engine reckons for itself', () => {
    const place = { device: 'cpu', paces: { SVD_XT: { P360: { fixed: 10, perCall: 100, perFrame: 1 } } } };
    const work = { ...SHORT, engine: 'SVD_XT' as const, steps: 20, maxGuidanceScale: 3 };

    it('counts two calls of the network a step, or one without guidance', () => {
      const estimator = new Estimator('SVD_XT', []);
      expect(estimator.seconds(work, place)).toBe(10 + 40 * 100 + 36);
      expect(estimator.seconds({ ...work, maxGuidanceScale: 1 }, place)).toBe(10 + 20 * 100 + 36);
    });

    it('learns nothing from renders on other devices, and from its own what a step really takes', () => {
      const elsewhere = { options: work, device: 'cuda:0', renderSeconds: 30, guessSeconds: null };
      expect(new Estimator('SVD_XT', [elsewhere]).seconds(work, place)).toBe(10 + 40 * 100 + 36);
      const here = { options: work, device: 'cpu', renderSeconds: 2 * (10 + 40 * 100 + 36), guessSeconds: null };
      expect(new Estimator('SVD_XT', [elsewhere, here]).seconds({ ...work, steps: 10 }, place)).toBeCloseTo(2 * (10 + 20 * 100 + 36));
    });

    it('expects the quickest of several devices, whichever was there first', () => {
      const card = { device: 'webgpu', paces: { SVD_XT: { P360: { fixed: 1, perCall: 1, perFrame: 0 } } } };
      expect(new Estimator('SVD_XT', []).quickest(work, [place, card])).toBe(41);
    });

    it('learns from a small model how far its reckoning is off, not how long a large one takes', () => {
      const small = { options: work, device: 'cpu', renderSeconds: 3, guessSeconds: 2 };
      expect(new Estimator('SVD_XT', [small]).seconds(work, place)).toBeCloseTo(1.5 * (10 + 40 * 100 + 36));
    });
  });
});

describe('what a job can expect', () => {
  const now = new Date('2026-01-01T00:00:10Z');
  const job = (change: Partial<Job>): Job =>
    ({ id: 'it', status: 'QUEUED', estimatedSeconds: 20, progressAt: null, etaSeconds: null, nextAttemptAt: null, ...change }) as Job;
  const view = (devices: number) => ({
    places: new Map([['it', { jobsAhead: 2, secondsAhead: 60 }]]),
    waitingSeconds: 80,
    runningSeconds: 10,
    devices,
  });

  it('is its place, and all that is before it shared by the devices, while it waits', () => {
    expect(outlook(job({}), view(1), now)).toEqual({ queuePosition: 3, secondsRemaining: 90 });
    expect(outlook(job({}), view(2), now)).toEqual({ queuePosition: 3, secondsRemaining: 55 });
    expect(outlook(job({}), view(0), now)).toEqual({ queuePosition: 3, secondsRemaining: 90 });
  });

  it('is what was left at the last step less the time since, never below zero, while it renders', () => {
    const progressAt = new Date('2026-01-01T00:00:07Z');
    expect(outlook(job({ status: 'PROCESSING', etaSeconds: 8, progressAt }), null, now).secondsRemaining).toBe(5);
    expect(outlook(job({ status: 'PROCESSING', etaSeconds: 1, progressAt }), null, now).secondsRemaining).toBe(0);
    expect(outlook(job({ status: 'PROCESSING' }), null, now)).toEqual({ queuePosition: null, secondsRemaining: 20 });
  });

  it('is the wait and a whole render before the next attempt, and nothing after the end', () => {
    expect(outlook(job({ status: 'RETRYING', nextAttemptAt: new Date('2026-01-01T00:00:40Z') }), null, now).secondsRemaining).toBe(50);
    for (const status of ['COMPLETED', 'FAILED', 'CANCELLED'] as const)
      expect(outlook(job({ status }), null, now)).toEqual({ queuePosition: null, secondsRemaining: null });
  });
});
