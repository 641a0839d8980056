import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AppError } from '../../../src/jobs/errors.ts';
import { Watchdog } from '../../../worker/supervisor/watchdog.ts';

const LONG = 1_000;

describe('watchdog of a render', () => {
  let errors: AppError[];
  beforeEach(() => {
    vi.useFakeTimers();
    errors = [];
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const watch = (stepSeconds: number, jobSeconds: number, estimatedSeconds: number) =>
    new Watchdog(stepSeconds, jobSeconds, estimatedSeconds, (error) => errors.push(error));

  /** Finishes ten steps, one every 40 ms. */
  const finishSteps = (watchdog: Watchdog) => {
    for (let step = 0; step < 10; step++) {
      vi.advanceTimersByTime(40);
      watchdog.reset();
    }
  };

  it('reports a render that finishes no step in time', () => {
    watch(0.2, LONG, 0);
    vi.advanceTimersByTime(199);
    expect(errors).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(errors).toMatchObject([
      { code: 'TIMEOUT', message: expect.stringContaining('No frame or step was finished for 0.2 s.'), anotherAttemptHelps: true },
    ]);
  });

  it('reports nothing while steps are finished in time', () => {
    finishSteps(watch(0.2, LONG, 0));
    expect(errors).toEqual([]);
  });

  it('reports a render that takes too long in all, even if its steps are quick', () => {
    finishSteps(watch(LONG, 0.2, 0));
    expect(errors).toMatchObject([{ code: 'TIMEOUT', message: expect.stringContaining('The render was not finished after 0.2 s.') }]);
  });

  it('allows three times the estimate if that is more than the timeout', () => {
    finishSteps(watch(LONG, 0.1, 10));
    expect(errors).toEqual([]);
    finishSteps(watch(LONG, 0.01, 0.05));
    expect(errors).toMatchObject([{ code: 'TIMEOUT' }]);
  });

  it('allows three times what the engine expects if that is more than the timeouts', () => {
    const watchdog = watch(0.05, 0.1, 0);
    watchdog.extend(10, 10);
    vi.advanceTimersByTime(29_999);
    watchdog.stop();
    expect(errors).toEqual([]);
  });

  it('counts an extended timeout from the start of the render', () => {
    const watchdog = watch(LONG, 1, 0);
    vi.advanceTimersByTime(900);
    watchdog.extend(1, 0);
    vi.advanceTimersByTime(2_099);
    expect(errors).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(errors).toMatchObject([{ code: 'TIMEOUT' }]);
  });

  it('waits for timeouts that are longer than a timer of Node can be', () => {
    watch(30 * 24 * 3_600, 30 * 24 * 3_600, 0);
    vi.advanceTimersByTime(24 * 3_600_000);
    expect(errors).toEqual([]);
  });

  it('reports nothing once it is stopped', () => {
    watch(0.05, 0.05, 0).stop();
    vi.advanceTimersByTime(1_000);
    expect(errors).toEqual([]);
  });
});
