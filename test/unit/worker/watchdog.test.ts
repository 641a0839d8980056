import { describe, expect, it } from 'vitest';
import { Limits } from '../../../worker/supervisor/watchdog.ts';
import type { AppError } from '../../../src/jobs/errors.ts';

const LONG = 1_000;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** What the limits say while `work` goes on. */
async function watch(limits: [step: number, job: number, estimated: number], work: (limits: Limits) => Promise<void>): Promise<AppError[]> {
  const said: AppError[] = [];
  const watching = new Limits(...limits, (error) => said.push(error));
  await work(watching);
  watching.clear();
  return said;
}

const stepping = async (limits: Limits) => {
  for (let step = 0; step < 10; step++) {
    await pause(40);
    limits.stepped();
  }
};

describe('limits of a render', () => {
  it('end one that finishes no step in time, and let one that does go on', async () => {
    expect(await watch([0.2, LONG, 0], () => pause(400))).toMatchObject([{ code: 'TIMEOUT', anotherAttemptHelps: true }]);
    expect(await watch([0.2, LONG, 0], stepping)).toEqual([]);
  });

  it('end one that takes too long in all, however steadily it goes', async () => {
    expect(await watch([LONG, 0.2, 0], stepping)).toMatchObject([{ code: 'TIMEOUT' }]);
  });

  it('are three times the estimate where that is more', async () => {
    expect(await watch([LONG, 0.1, 10], stepping)).toEqual([]);
    expect(await watch([LONG, 0.01, 0.05], stepping)).toMatchObject([{ code: 'TIMEOUT' }]);
  });

  it("are three of the engine's expected times where those are more", async () => {
    expect(
      await watch([0.05, 0.1, 0], async (limits) => {
        limits.expect(10, 10);
        await stepping(limits);
      }),
    ).toEqual([]);
  });

  it('say nothing once they are cleared', async () => {
    const said = await watch([0.05, 0.05, 0], async (limits) => limits.clear());
    await pause(120);
    expect(said).toEqual([]);
  });
});
