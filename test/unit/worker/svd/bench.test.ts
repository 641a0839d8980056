import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { watchCard } from '../../../../worker/svd/bench/gpu/card-memory.ts';
import { Schedule, type Outcome } from '../../../../worker/svd/bench/gpu/schedule.ts';
import { summarize } from '../../../../worker/svd/bench/profile.ts';
import { parseProfile } from '../../../../worker/svd/runtime/profile.ts';

describe('the schedule of a benchmark', () => {
  const step = (title: string, seconds: number, run: (limit: number) => Promise<string> = () => Promise.resolve(title)) => ({
    title,
    estimate: () => seconds,
    run,
  });

  it('skips a step that the time left does not suffice for, says so, and runs shorter ones after it', async () => {
    const outcomes: Outcome<string>[] = [];
    const schedule = new Schedule<string>(60, (outcome) => outcomes.push(outcome));
    expect(await schedule.run(step('long', 3600))).toBeNull();
    expect(await schedule.run(step('short', 1))).toBe('short');
    expect(outcomes).toEqual([
      { title: 'long', state: 'skipped', reason: expect.stringMatching(/about 3600 s, and (59|60) s are left/) as string },
      { title: 'short', state: 'done', seconds: expect.any(Number) as number, result: 'short' },
    ]);
    expect(schedule.results).toEqual(['short']);
  });

  it('limits a step to the time left', async () => {
    let limit = Infinity;
    await new Schedule<string>(20, () => {}).run(step('x', 15, (seconds) => Promise.resolve(String((limit = seconds)))));
    expect(limit).toBeLessThanOrEqual(20);
    expect(limit).toBeGreaterThan(15);
  });

  it('goes on after a step that fails', async () => {
    const schedule = new Schedule<string>(60, () => {});
    await schedule.run(step('broken', 1, () => Promise.reject(new Error('out of memory'))));
    await schedule.run(step('next', 1));
    expect(schedule.outcomes.map(({ state }) => state)).toEqual(['failed', 'done']);
    expect(schedule.outcomes[0]).toMatchObject({ reason: 'out of memory' });
  });
});

describe("onnxruntime's profile", () => {
  const node = (name: string, operator: string, sides: number[], dur: number, peak: string) => ({
    cat: 'Node',
    name: `${name}_kernel_time`,
    dur,
    args: { op_name: operator, provider: 'CUDAExecutionProvider', output_type_shape: [{ float16: sides }], mem_in_use_peak: peak },
  });
  const call = (...dur: [number, number, number]) => [
    node('a', 'Conv', [1, 8], dur[0], '1000'),
    node('b', 'Conv', [1, 8], dur[1], '3000'),
    node('c', 'Add', [1, 8], dur[2], '2000'),
    { cat: 'Session', name: 'model_run', dur: 1e6, args: {} },
  ];

  it('is summarized by operator and shape, per call and without the first call', () => {
    const events = [{ cat: 'Session', name: 'session_initialization', dur: 5 }, ...call(900, 900, 900), ...call(1, 2, 9), ...call(3, 2, 9)];
    const { groups, providers, arenaBytes } = summarize(parseProfile(events));
    expect(groups).toEqual([
      { operator: 'Add', result: 'float16[1,8]', nodes: 1, seconds: expect.closeTo(9e-6, 12) as number },
      { operator: 'Conv', result: 'float16[1,8]', nodes: 2, seconds: expect.closeTo(4e-6, 12) as number },
    ]);
    expect(providers).toEqual({ CUDAExecutionProvider: 3 });
    expect(arenaBytes).toBe(3000);
  });
});

describe.skipIf(process.platform === 'win32')('the memory of a card', () => {
  it('is the most that nvidia-smi reports while the work runs', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'nvidia-smi-'));
    const program = path.join(folder, 'nvidia-smi');
    await writeFile(program, '#!/bin/sh\n[ "$4" = --id=GPU-1 ] || exit 1\nfor used in 100 900 300; do echo $used; done\nexec sleep 60\n');
    await chmod(program, 0o755);
    vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
    try {
      const [result, memory] = await watchCard('GPU-1', async () => await sleep(200, 'done'));
      expect([result, memory]).toEqual(['done', { beforeBytes: 100 * 2 ** 20, peakBytes: 900 * 2 ** 20 }]);
      expect(await watchCard('GPU-2', () => Promise.resolve('done'))).toEqual(['done', null]);
    } finally {
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true });
    }
  });
});
