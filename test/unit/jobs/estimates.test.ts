import { describe, expect, it } from 'vitest';
import { CENTRE } from '../../../src/catalog/crop.ts';
import type { EngineName, RenderOptions } from '../../../src/catalog/engines.ts';
import type { SvdXtTuning } from '../../../src/catalog/engines/svd-xt.ts';
import { baselineSeconds } from '../../../src/jobs/costs.ts';
import { Estimator, outlook } from '../../../src/jobs/estimates.ts';
import type { Job } from '../../../src/jobs/job.ts';
import { checkOptions, resolveOptions, type RequestedOptions } from '../../../src/jobs/options.ts';
import type { RenderSample } from '../../../src/jobs/store.ts';

const optionsOf = (requested: RequestedOptions, engine: EngineName = 'PREVIEW'): RenderOptions =>
  resolveOptions(checkOptions(requested), engine, { width: 4, height: 3, focus: CENTRE });
const sample = (requested: RequestedOptions, renderSeconds: number, device = 'cpu'): RenderSample => ({
  options: optionsOf(requested),
  device,
  renderSeconds,
  baselineSeconds: null,
});

const SHORT = optionsOf({ resolution: 'P360', durationSeconds: 3 });
const LONG = optionsOf({ resolution: 'P1080', durationSeconds: 12 });
const svdWork = (svdXt: Partial<SvdXtTuning> = {}) =>
  optionsOf({ resolution: 'P360', durationSeconds: 3, tuning: { svdXt: { numInferenceSteps: 20, ...svdXt } } }, 'SVD_XT');

describe('expected render time', () => {
  it('is a baseline that grows with pixels and frames before anything was rendered', () => {
    const estimator = new Estimator('PREVIEW', []);
    expect(estimator.seconds(SHORT)).toBe(baselineSeconds(SHORT));
    expect(estimator.seconds(LONG)).toBeGreaterThan(10 * estimator.seconds(SHORT));
  });

  it('is the median of renders of the same resolution and duration', () => {
    const same = [2, 40, 3].map((seconds) => sample({ resolution: 'P360', durationSeconds: 3 }, seconds));
    expect(new Estimator('PREVIEW', [...same, sample({ resolution: 'P1080', durationSeconds: 12 }, 500)]).seconds(SHORT)).toBeCloseTo(3);
  });

  it('is corrected by other renders if there are none of the same', () => {
    const twiceAsSlow = [sample({ resolution: 'P720', durationSeconds: 6 }, 2 * baselineSeconds(optionsOf({})))];
    expect(new Estimator('PREVIEW', twiceAsSlow).seconds(LONG)).toBeCloseTo(2 * baselineSeconds(LONG));
  });

  it('uses only renders on the same device if there are any', () => {
    const estimator = new Estimator('PREVIEW', [
      sample({ resolution: 'P360', durationSeconds: 3 }, 9, 'cpu'),
      sample({ resolution: 'P360', durationSeconds: 3 }, 1, 'cuda:0'),
    ]);
    expect(estimator.seconds(SHORT, { device: 'cuda:0', costModels: {} })).toBeCloseTo(1);
    expect(estimator.seconds(SHORT, { device: 'cpu', costModels: {} })).toBeCloseTo(9);
  });

  it('grows with the inference steps of SVD_XT', () => {
    const svd = new Estimator('SVD_XT', [{ options: svdWork(), device: 'cuda:0', renderSeconds: 60, baselineSeconds: null }]);
    expect(svd.seconds(svdWork())).toBeCloseTo(60);
    expect(svd.seconds(svdWork({ numInferenceSteps: 40 }))).toBeGreaterThan(90);
  });

  describe('on a device with a cost model', () => {
    const cpu = { device: 'cpu', costModels: { SVD_XT: { P360: { fixed: 10, perUnetCall: 100, perFrame: 1 } } } };
    const work = svdWork({ maxGuidanceScale: 3 });

    it('counts two UNet calls per step, or one without guidance', () => {
      const estimator = new Estimator('SVD_XT', []);
      expect(estimator.seconds(work, cpu)).toBe(10 + 40 * 100 + 36);
      expect(estimator.seconds(svdWork({ maxGuidanceScale: 1 }), cpu)).toBe(10 + 20 * 100 + 36);
    });

    it('ignores renders on other devices, and is corrected by its own', () => {
      const elsewhere = { options: work, device: 'cuda:0', renderSeconds: 30, baselineSeconds: null };
      expect(new Estimator('SVD_XT', [elsewhere]).seconds(work, cpu)).toBe(10 + 40 * 100 + 36);
      const here = { options: work, device: 'cpu', renderSeconds: 2 * (10 + 40 * 100 + 36), baselineSeconds: null };
      const half = svdWork({ numInferenceSteps: 10 });
      expect(new Estimator('SVD_XT', [elsewhere, here]).seconds(half, cpu)).toBeCloseTo(2 * (10 + 20 * 100 + 36));
    });

    it('is that of the fastest of several devices, in any order', () => {
      const card = { device: 'webgpu', costModels: { SVD_XT: { P360: { fixed: 1, perUnetCall: 1, perFrame: 0 } } } };
      expect(new Estimator('SVD_XT', []).fastest(work, [cpu, card])).toBe(41);
    });

    it('is corrected by the ratio of a small model, not by its seconds', () => {
      const small = { options: work, device: 'cpu', renderSeconds: 3, baselineSeconds: 2 };
      expect(new Estimator('SVD_XT', [small]).seconds(work, cpu)).toBeCloseTo(1.5 * (10 + 40 * 100 + 36));
    });

    it('ignores a cost model that this version does not understand', () => {
      const other = { device: 'cpu', costModels: { SVD_XT: { P360: { perCall: 100 } } } };
      expect(new Estimator('SVD_XT', []).seconds(work, other)).toBe(baselineSeconds(work));
    });
  });
});

describe('the outlook of a job', () => {
  const now = new Date('2026-01-01T00:00:10Z');
  const job = (change: Partial<Job>): Job =>
    ({ id: 'it', status: 'QUEUED', estimatedSeconds: 20, progressAt: null, etaSeconds: null, nextAttemptAt: null, ...change }) as Job;
  const view = (devices: number) => ({
    positions: new Map([['it', { jobsAhead: 2, secondsAhead: 60 }]]),
    waitingSeconds: 80,
    runningSeconds: 10,
    devices,
  });

  it('is its position and the work before it divided among the devices, while it is queued', () => {
    expect(outlook(job({}), view(1), now)).toEqual({ queuePosition: 3, secondsRemaining: 90 });
    expect(outlook(job({}), view(2), now)).toEqual({ queuePosition: 3, secondsRemaining: 55 });
    expect(outlook(job({}), view(0), now)).toEqual({ queuePosition: 3, secondsRemaining: 90 });
  });

  it('is the remaining time as of the last step, minus the time since, while it is rendered', () => {
    const progressAt = new Date('2026-01-01T00:00:07Z');
    expect(outlook(job({ status: 'PROCESSING', etaSeconds: 8, progressAt }), null, now).secondsRemaining).toBe(5);
    expect(outlook(job({ status: 'PROCESSING', etaSeconds: 1, progressAt }), null, now).secondsRemaining).toBe(0);
    expect(outlook(job({ status: 'PROCESSING' }), null, now)).toEqual({ queuePosition: null, secondsRemaining: 20 });
  });

  it('is the delay and a whole render while it is retrying, and null once it has finished', () => {
    expect(outlook(job({ status: 'RETRYING', nextAttemptAt: new Date('2026-01-01T00:00:40Z') }), null, now).secondsRemaining).toBe(50);
    for (const status of ['COMPLETED', 'FAILED', 'CANCELLED'] as const)
      expect(outlook(job({ status }), null, now)).toEqual({ queuePosition: null, secondsRemaining: null });
  });
});
