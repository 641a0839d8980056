import { defineConfig } from 'vitest/config';

export default defineConfig({
  // type-graphql and Apollo would otherwise load graphql once as ESM and once as CommonJS.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/global.ts'],
    // Long enough for a machine that is slow or busy: what hangs is found out all the same.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000 } },
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', './test/setup/totals.ts'],
  },
});
