/** Draws the pictures of docs/bot.md: `npm run pictures`. Not part of `npm test`. */
import { defineConfig } from 'vitest/config';
import tests from '../../vitest.config.ts';

export default defineConfig({
  ...tests,
  test: {
    ...tests.test,
    // The name of the tier decides which services are started.
    projects: [{ extends: true, test: { name: 'e2e', include: ['scripts/pictures/*.pictures.ts'] } }],
  },
});
