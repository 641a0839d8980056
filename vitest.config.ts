import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/setup/order.ts';

/** Tests below `test/<name>`; every tier shares the settings below. */
const tier = (name: 'unit' | 'integration' | 'e2e', { isolate = true } = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], isolate },
});

export default defineConfig({
  // type-graphql and Apollo would otherwise load graphql once as ESM and once as CommonJS.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    // unit: functions and classes in this process, without database or build; its files share the modules they import.
    // integration: one part with the real database, queue or processes that it depends on.
    // e2e: an installation as its users see it.
    projects: [tier('unit', { isolate: false }), tier('integration'), tier('e2e')],
    globalSetup: ['test/setup/global.ts'],
    // Long enough for a slow or busy machine; a test that hangs still fails.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000 } },
    pool: 'forks',
    // One more than the cores of a small machine, because many tests wait for processes.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/setup/totals.ts'],
  },
});
