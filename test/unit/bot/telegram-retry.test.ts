import { setTimeout as sleep } from 'node:timers/promises';
import { HttpError, InputFile } from 'grammy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTelegram, type Telegram } from '../../../bot/telegram/client.ts';
import { FakeTelegram } from '../../support/telegram.ts';
import { TOKEN } from '../../support/token.ts';
import { until } from '../../support/waiting.ts';

const CHAT = 5;
let fake: FakeTelegram;
let ending: AbortController;
let telegram: Telegram;

beforeEach(async () => {
  fake = await FakeTelegram.start();
  ending = new AbortController();
  telegram = openTelegram(TOKEN, fake.url, ending.signal);
});
afterEach(async () => {
  ending.abort();
  await fake.close();
});

describe('a call to Telegram', () => {
  it('is retried when Telegram fails internally or asks to wait', async () => {
    fake.refuse('sendMessage', { error_code: 502, description: 'Bad Gateway' });
    fake.refuse('sendMessage', { error_code: 429, description: 'Too Many Requests', parameters: { retry_after: 1 } });
    await telegram.api.sendMessage(CHAT, 'hello');
    expect(fake.callsOf('sendMessage')).toHaveLength(3);
  });

  it('is retried while Telegram is unreachable, unless it sends a file', async () => {
    fake.isDown = true;
    const file = new InputFile(Buffer.from('video'), 'video.mp4');
    await expect(telegram.api.sendVideo(CHAT, file)).rejects.toBeInstanceOf(HttpError);
    const hello = telegram.api.sendMessage(CHAT, 'hello');
    fake.isDown = false;
    await hello;
    expect(fake.callsOf('sendVideo')).toHaveLength(0);
  });

  it('is not retried when Telegram asks for a long wait or refuses it', async () => {
    fake.refuse('sendMessage', { error_code: 429, description: 'Too Many Requests', parameters: { retry_after: 600 } });
    await expect(telegram.api.sendMessage(CHAT, 'hello')).rejects.toMatchObject({ error_code: 429 });
    fake.refuse('sendMessage', { error_code: 400, description: 'Bad Request' });
    await expect(telegram.api.sendMessage(CHAT, 'hello')).rejects.toMatchObject({ error_code: 400 });
    expect(fake.callsOf('sendMessage')).toHaveLength(2);
  });

  it('stops waiting when the bot stops', async () => {
    fake.refuse('sendMessage', { error_code: 502, description: 'Bad Gateway' }, 20);
    const call = telegram.api.sendMessage(CHAT, 'hello');
    const outcome = call.catch((error: unknown) => error);
    await until(async () => fake.callsOf('sendMessage').length === 1);
    await sleep(300); // it waits for a second by now
    ending.abort();
    expect(await outcome).toBeInstanceOf(Error);
    expect(fake.callsOf('sendMessage')).toHaveLength(1);
  });
});
