/** Failed jobs, limits of the API, and state that is out of date. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stack } from '../../support/stack.ts';
import { FakeTelegram } from '../../support/telegram.ts';
import { BOT } from '../../support/telegram-messages.ts';
import type { TelegramUser } from '../../support/telegram-user.ts';
import { until } from '../../support/waiting.ts';

const KEY = 'the-key-of-the-bot-0123456789';
let telegram: FakeTelegram;
let stack: Stack;

beforeAll(async () => {
  telegram = await FakeTelegram.start();
  stack = await Stack.start({
    environment: { BOT_API_KEY: KEY, UPLOADS_PER_OWNER: '2', MAX_ATTEMPTS: '1' },
  });
  await stack.startBot(telegram);
});
afterAll(async () => {
  await stack.stop();
  await telegram.close();
});

const uploadsOf = (user: TelegramUser) => stack.sql('SELECT id FROM upload WHERE owner = $1', [`telegram:${user.id}`]);

describe('a failed job', () => {
  it('has a button to try again, which uses the photo that the API has', async () => {
    const user = telegram.user();
    await user.chooses('3 seconds', '360p', 'Move in');
    const brake = await stack.brakeRenderer();
    user.photo('galaxies.jpg');
    await user.sees(/\[.*\] [1-9]\d? %/);
    await stack.worker!.kill();
    brake.release();
    await stack.startWorker();
    const failed = await user.sees(/❌ [^]*This does not count against your limit/);
    expect(failed.buttons.map(({ text }) => text)).toEqual(['🔁 Try again']);
    expect(await uploadsOf(user)).toEqual([]);
    const fetched = telegram.callsOf('getFile').length;
    await user.tap('Try again');
    await user.getsVideos(1);
    expect(telegram.callsOf('getFile')).toHaveLength(fetched);
    expect(await uploadsOf(user)).toEqual([]);
  });
});

describe('a remembered choice that the API no longer offers', () => {
  it('is replaced by the default', async () => {
    const user = telegram.user();
    await user.chooses('3 seconds', '360p', 'Pan left');
    const file = path.join(stack.storage, 'bot', String(BOT.id), 'chats', `${user.id}.json`);
    await until(async () => (await readFile(file, 'utf8')).includes('PAN_L'));
    await stack.bot!.stop();
    await writeFile(file, (await readFile(file, 'utf8')).replace('PAN_L', 'SOMERSAULT'));
    await stack.startBot(telegram);
    user.photo('cat.jpg');
    const [video] = await user.getsVideos(1);
    expect(video!.caption).toMatch(/3 seconds · 360p · Gentle drift/);
  });
});

describe('a failed request', () => {
  it('is deleted by the first start more than a day later', async () => {
    const user = telegram.user();
    user.photo(Buffer.alloc(0));
    await user.sees(/❌/);
    const groups = path.join('bot', String(BOT.id), 'groups');
    const kept = async () =>
      (await stack.files(groups)).map((file) => path.basename(file)).filter((name) => name.startsWith(String(user.id)));
    await until(async () => (await kept()).length === 0);
    await stack.bot!.stop();
    const folder = path.join(stack.storage, groups);
    const group = (id: string, hoursAgo: number) => {
      const endedAt = Date.now() - hoursAgo * 3_600_000;
      const requests = [{ key: id, choice: {}, fileId: 'f', end: 'FAILED', failure: 'TIMEOUT' }];
      return writeFile(
        path.join(folder, `${user.id}-${id}.json`),
        JSON.stringify({ id: `${user.id}-${id}`, chatId: user.id, createdAt: endedAt, endedAt, requests }),
      );
    };
    await Promise.all([group('old', 25), group('new', 23)]);
    await stack.startBot(telegram);
    expect(await kept()).toEqual([`${user.id}-new.json`]);
  });
});

describe('uploaded photos', () => {
  it('are deleted once their jobs exist, so that an album may exceed UPLOADS_PER_OWNER', async () => {
    const user = telegram.user();
    await user.chooses('3 seconds', '360p', 'Pan left');
    user.album(['cat.jpg', 'coffee.jpg', 'portrait.jpg', 'cat.jpg']);
    await user.getsVideos(4);
    await user.sees(/4 photos: 4 done/);
    expect(await uploadsOf(user)).toEqual([]);
  });

  it('beyond UPLOADS_PER_OWNER are refused with a button to try again, which works once there is room', async () => {
    const user = telegram.user();
    await user.chooses('3 seconds', '360p', 'Pan left');
    const headers = { Authorization: `Bearer ${KEY}`, 'X-Act-As': `telegram:${user.id}` };
    const uploads = [await stack.upload('coffee.jpg', headers), await stack.upload('coffee.jpg', headers)];
    user.photo('cat.jpg');
    const refused = await user.sees(/^❌ You have too many videos in progress\.\nPlease try again later\.$/);
    expect(refused.buttons.map(({ text }) => text)).toEqual(['🔁 Try again']);
    for (const id of uploads) await fetch(`${stack.url}/uploads/${id}`, { method: 'DELETE', headers });
    await user.tap('Try again');
    await user.getsVideos(1);
  });
});
