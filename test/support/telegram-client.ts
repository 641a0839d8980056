import { afterEach, beforeEach } from 'vitest';
import { openTelegram, type Telegram } from '../../bot/telegram/client.ts';
import { FakeTelegram } from './telegram.ts';
import { TOKEN } from './token.ts';

/** A chat for tests that need only one. */
export const CHAT = 5;

/** The bot's client of a fake Telegram. Both are new for each test. */
export interface TelegramClient {
  fake: FakeTelegram;
  telegram: Telegram;
  /** Stands for the bot's stop. */
  stop: AbortController;
}

/** Opens a client before each test of the calling file, and closes it after. The fields are set while a test runs. */
export function useTelegramClient(): TelegramClient {
  const client = {} as TelegramClient;
  beforeEach(async () => {
    client.fake = await FakeTelegram.start();
    client.stop = new AbortController();
    client.telegram = openTelegram(TOKEN, client.fake.url, client.stop.signal);
  });
  afterEach(async () => {
    client.stop.abort();
    await client.fake.close();
  });
  return client;
}
