import { describe, expect, it } from 'vitest';
import { measureRate } from '../../../worker/svd/rate.ts';

describe('the measured rate of a device', () => {
  it.each(['f32', 'f16'] as const)('is one that a processor can have, in %s', async (type) => {
    const rate = await measureRate({ provider: 'cpu', type });
    expect(rate).toBeGreaterThan(1e8);
    expect(rate).toBeLessThan(1e14);
  });
});
