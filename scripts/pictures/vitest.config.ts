/** Draws the pictures of docs/bot.md: `npm run pictures`. Not part of `npm test`. */
import { defineConfig } from 'vitest/config';
import tests from '../../vitest.config.ts';

export default defineConfig({ ...tests, test: { ...tests.test, include: ['scripts/pictures/*.pictures.ts'] } });
