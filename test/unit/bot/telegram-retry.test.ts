import { setTimeout as sleep } from 'node:timers/promises';
import { HttpError, InputFile } from 'grammy';
import { describe, expect, it } from 'vitest';
import { CHAT, useTelegramClient } from '../../support/telegram-client.ts';
import { until } from '../../support/waiting.ts';

const client = useTelegramClient();

describe('a call to Telegram', () => {
  it('is retried when Telegram fails internally or asks to wait', async () => {
    client.fake.refuse('sendMessage', { error_code: 502, description: 'Bad Gateway' });
    client.fake.refuse('sendMessage', { error_code: 429, description: 'Too Many Requests', parameters: { retry_after: 1 } });
    await client.telegram.api.sendMessage(CHAT, 'hello');
    expect(client.fake.callsOf('sendMessage')).toHaveLength(3);
  });

  it('is retried while Telegram is unreachable, unless it sends a file', async () => {
    client.fake.isDown = true;
    const file = new InputFile(Buffer.from('video'), 'video.mp4');
    await expect(client.telegram.api.sendVideo(CHAT, file)).rejects.toBeInstanceOf(HttpError);
    const hello = client.telegram.api.sendMessage(CHAT, 'hello');
    client.fake.isDown = false;
    await hello;
    expect(client.fake.callsOf('sendVideo')).toHaveLength(0);
  });

  it('is not retried when Telegram asks for a long wait or refuses it', async () => {
    client.fake.refuse('sendMessage', { error_code: 429, description: 'Too Many Requests', parameters: { retry_after: 600 } });
    await expect(client.telegram.api.sendMessage(CHAT, 'hello')).rejects.toMatchObject({ error_code: 429 });
    client.fake.refuse('sendMessage', { error_code: 400, description: 'Bad Request' });
    await expect(client.telegram.api.sendMessage(CHAT, 'hello')).rejects.toMatchObject({ error_code: 400 });
    expect(client.fake.callsOf('sendMessage')).toHaveLength(2);
  });

  it('stops waiting when the bot stops', async () => {
    client.fake.refuse('sendMessage', { error_code: 502, description: 'Bad Gateway' }, 20);
    const call = client.telegram.api.sendMessage(CHAT, 'hello');
    const outcome = call.catch((error: unknown) => error);
    await until(async () => client.fake.callsOf('sendMessage').length === 1);
    await sleep(300); // it waits for a second by now
    client.stop.abort();
    expect(await outcome).toBeInstanceOf(Error);
    expect(client.fake.callsOf('sendMessage')).toHaveLength(1);
  });
});
