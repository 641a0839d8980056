import { describe, expect, it } from 'vitest';
import { ProgressMeter } from '../../../worker/renderer/progress.ts';

const PLAN = [
  { stage: 'PREPARING', totalSteps: 1, secondsPerStep: 1 },
  { stage: 'RENDERING', totalSteps: 8, secondsPerStep: 1 },
  { stage: 'ENCODING_VIDEO', totalSteps: 1, secondsPerStep: 1 },
] as const;

describe('progress of a render', () => {
  it('counts finished steps by their planned time and stays below 100', () => {
    const meter = new ProgressMeter(PLAN, 0);
    const percents = [meter.current().percent, meter.advance('PREPARING', 1, 1000).percent];
    for (let step = 1; step <= 8; step++) percents.push(meter.advance('RENDERING', step, 1000 + step * 1000).percent);
    percents.push(meter.advance('ENCODING_VIDEO', 1, 10_000).percent);
    expect(percents).toEqual([0, 9.9, 19.8, 29.7, 39.6, 49.5, 59.4, 69.3, 79.2, 89.1, 99]);
  });

  it('never decreases when steps are reported late or twice', () => {
    const meter = new ProgressMeter(PLAN, 0);
    meter.advance('RENDERING', 5, 3000);
    const { percent } = meter.current();
    expect(meter.advance('RENDERING', 4, 3100)).toMatchObject({ percent, stage: 'RENDERING', step: 5 });
    expect(meter.advance('PREPARING', 1, 3200)).toMatchObject({ percent, stage: 'RENDERING', step: 5 });
    expect(meter.advance('RENDERING', 99, 3300)).toMatchObject({ step: 8 });
  });

  it('scales the remaining time by how long steps really take', () => {
    const meter = new ProgressMeter(PLAN, 0);
    meter.advance('PREPARING', 1, 1000);
    // Three times slower than planned.
    for (let step = 1; step <= 6; step++) meter.advance('RENDERING', step, 1000 + step * 3000);
    const { etaSeconds } = meter.current();
    expect(etaSeconds).toBeGreaterThan(7);
    expect(etaSeconds).toBeLessThan(9.5);
  });

  it('does not conclude from one quick first step that all steps are quick', () => {
    const meter = new ProgressMeter(PLAN, 0);
    meter.advance('PREPARING', 1, 1000);
    expect(meter.advance('RENDERING', 1, 1001).etaSeconds).toBeGreaterThan(3);
  });

  it('starts with the estimate, or with the plan if there is none', () => {
    expect(new ProgressMeter(PLAN, 0, 30).current().etaSeconds).toBeCloseTo(30);
    expect(new ProgressMeter(PLAN, 0).current().etaSeconds).toBeCloseTo(10);
  });

  it('rejects a stage that was not planned, and an empty plan', () => {
    expect(() => new ProgressMeter(PLAN, 0).advance('DENOISING', 1, 0)).toThrow(RangeError);
    expect(() => new ProgressMeter([], 0)).toThrow(RangeError);
  });
});
