import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Update } from 'grammy/types';
import { afterAll, describe, expect, it } from 'vitest';
import { JsonFolder } from '../../../bot/state/folder.ts';
import { Inbox } from '../../../bot/telegram/inbox.ts';
import { AnyUpdate, chatOf } from '../../../bot/telegram/update.ts';
import { createLog } from '../../../src/process/log.ts';
import { until } from '../../support/waiting.ts';

const parent = mkdtempSync(path.join(tmpdir(), 'fm-inbox-'));
let count = 0;
afterAll(() => rm(parent, { recursive: true }));

/** An inbox whose handler delays updates of chat 1 until `release`. */
async function slowWithChatOne() {
  const stored = await JsonFolder.open(path.join(parent, String(++count)), AnyUpdate);
  const handled: Update[] = [];
  const floods: Update[] = [];
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const inbox = new Inbox({
    stored,
    log: createLog('test', 'silent'),
    onArrival: () => {},
    onFlood: (update) => floods.push(update),
    handle: async (update) => {
      if (chatOf(update) === 1) await released;
      handled.push(update);
    },
  });
  return { inbox, stored, handled, floods, release };
}

const message = (id: number, chatId: number) =>
  ({ update_id: id, message: { message_id: id, chat: { id: chatId, type: 'private' } } }) as unknown as Update;
const burst = (first: number, length: number, chatId: number) => Array.from({ length }, (_, index) => message(first + index, chatId));

describe('a chat that floods the bot while its first message is being handled', () => {
  it('has fifty updates stored, is told once, and does not delay other chats', async () => {
    const { inbox, stored, handled, floods, release } = await slowWithChatOne();
    await Promise.all(burst(1, 50, 1).map((update) => inbox.take(update)));
    await Promise.all(burst(51, 70, 1).map((update) => inbox.take(update)));
    await inbox.take(message(200, 2));
    expect(handled.map(({ update_id: id }) => id)).toEqual([200]);
    expect(floods.map(({ update_id: id }) => id)).toEqual([51]);
    expect(await stored.ids()).toHaveLength(50);
    release();
    await inbox.idle();
    await inbox.take(message(300, 1));
    expect(handled).toHaveLength(52);
    await until(async () => (await stored.ids()).length === 0);
  });
});
