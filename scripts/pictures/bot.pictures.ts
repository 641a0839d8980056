/** Draws the pictures in docs/bot.md from what the bot actually sends. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stack } from '../../test/support/stack.ts';
import { FakeTelegram } from '../../test/support/telegram.ts';
import { aroundVideos, fromPhotoToVideo, inOtherLanguages } from './conversations.ts';
import { draw } from './draw.ts';

const FOLDER = path.resolve('docs/images');
const MAX_BYTES = 60_000;
const TIMEOUT_MS = 180_000;

let telegram: FakeTelegram;
let stack: Stack;

beforeAll(async () => {
  telegram = await FakeTelegram.start();
  stack = await Stack.start({ environment: { BOT_API_KEY: 'the-key-of-the-bot-0123456789', PUBLIC_URL: 'https://videos.example' } });
  await stack.startBot(telegram, { BOT_EDIT_SECONDS: '0.1' });
}, TIMEOUT_MS);
afterAll(async () => {
  await stack?.stop();
  await telegram?.close();
});

describe('docs/bot.md', () => {
  it.each([
    ['how a photo becomes a video', 'bot.webp', fromPhotoToVideo],
    ['an album, refusals, the list of videos and the way to delete them', 'bot-album.webp', aroundVideos],
    ['other languages', 'bot-languages.webp', inOtherLanguages],
  ] as const)(
    'shows %s in %s',
    async (_what, name, conversation) => {
      const picture = await draw(await conversation(telegram), MAX_BYTES);
      expect(picture.length).toBeLessThanOrEqual(MAX_BYTES);
      await writeFile(path.join(FOLDER, name), picture);
    },
    TIMEOUT_MS,
  );
});
