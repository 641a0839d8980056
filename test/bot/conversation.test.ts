/** The bot as people meet it: real API, worker and bot, and Telegram's Bot API over real HTTP. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stack } from '../support/stack.ts';
import { FakeTelegram } from '../support/telegram.ts';

const KEY = 'the-key-of-the-bot-0123456789';
let telegram: FakeTelegram;
let stack: Stack;

beforeAll(async () => {
  telegram = await FakeTelegram.start();
  stack = await Stack.start({ environment: { BOT_API_KEY: KEY } });
  await stack.startBot(telegram);
});
afterAll(async () => {
  await stack.stop();
  await telegram.close();
});

describe('a photo with no wizard', () => {
  it('becomes a video at once, with its progress in one message', async () => {
    const user = telegram.user();
    const sent = user.photo('cat.jpg');
    const [video] = await user.getsVideos(1);
    expect(video).toMatchObject({ replyTo: sent, caption: expect.stringMatching(/6 seconds · 720p · Gentle drift\n.*Seed \d+/) });
    const done = await user.sees(/Done/);
    expect(done).toMatchObject({ replyTo: sent, buttons: [] });
    expect(done.history.join('\n')).toMatch(/%/);
    await writeFile(path.join(stack.storage, 'v.mp4'), video!.media!.file);
  });
});
