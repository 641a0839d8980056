import { vi } from 'vitest';

/** Long enough for a slow or busy machine. */
const PATIENCE_MS = 90_000;

/** Resolves once `check` gives a value other than null, false or undefined; rejects after `timeoutMs`. */
export async function until<T>(check: () => Promise<T | null | false | undefined>, timeoutMs = PATIENCE_MS): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== null && value !== false && value !== undefined) return value;
    if (Date.now() > end) throw new Error('timed out waiting for condition');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until `assertion` holds. */
export const eventually = <T>(assertion: () => T | Promise<T>): Promise<T> => vi.waitFor(assertion, { timeout: PATIENCE_MS, interval: 10 });
