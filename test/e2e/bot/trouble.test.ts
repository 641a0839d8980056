/** Failures of the bot, Telegram, the API and the worker, as users notice them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Brake } from '../../support/brake.ts';
import { Stack } from '../../support/stack.ts';
import { FakeTelegram } from '../../support/telegram.ts';
import type { ChatMessage } from '../../support/telegram-messages.ts';
import type { TelegramUser } from '../../support/telegram-user.ts';
import { until } from '../../support/waiting.ts';

const KEY = 'the-key-of-the-bot-0123456789';
/** BOT_RETRY_SECONDS of the stack's bot, in milliseconds. */
const RETRY_MS = 200;
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

/** A user whose video renders slowly until the brake is released. */
async function slowRender(): Promise<{ user: TelegramUser; brake: Brake }> {
  const user = telegram.user();
  await user.chooses('3 seconds', '360p', 'Move in');
  const brake = await stack.brakeRenderer();
  user.photo('galaxies.jpg');
  await user.sees(/\[.*\] [1-9]\d? %/);
  return { user, brake };
}

const jobsOf = (user: TelegramUser) => stack.sql<{ status: string }>('SELECT status FROM job WHERE owner = $1', [`telegram:${user.id}`]);

describe('a bot that is killed', () => {
  it('continues after a restart with the same status message and the same job', async () => {
    const { user, brake } = await slowRender();
    await stack.bot!.kill();
    await stack.startBot(telegram);
    brake.release();
    await user.getsVideos(1);
    await user.sees(/Done/);
    expect(user.videos).toHaveLength(1);
    const [{ history }, ...others] = user.inbox.filter(({ text }) => /Done|%/.test(text ?? '')) as [ChatMessage, ...ChatMessage[]];
    expect(others).toEqual([]);
    // The message shows no earlier state again.
    expect(history.slice(history.findIndex((text) => text.includes('%'))).filter((text) => !/%|Sending/.test(text))).toEqual([]);
    expect(await jobsOf(user)).toEqual([{ status: 'COMPLETED' }]);
  });

  it('delivers videos that were finished meanwhile, and handles photos that were sent meanwhile', async () => {
    const user = telegram.user();
    await user.chooses('3 seconds', '360p', 'Pan left');
    user.photo('cat.jpg');
    await until(async () => (await jobsOf(user)).length === 1);
    await stack.bot!.kill();
    user.photo('coffee.jpg');
    await until(async () => (await jobsOf(user))[0]!.status === 'COMPLETED');
    await stack.startBot(telegram);
    await user.getsVideos(2);
    expect(await jobsOf(user)).toHaveLength(2);
  });

  it('stops cleanly on SIGTERM and loses nothing', async () => {
    const { user, brake } = await slowRender();
    expect(await stack.bot!.stop()).toBe(0);
    await stack.startBot(telegram);
    brake.release();
    await user.getsVideos(1);
    await user.sees(/Done/);
  });
});

describe('Telegram', () => {
  it('that limits edits is obeyed, and the final state is shown', async () => {
    const user = telegram.user();
    await user.chooses('3 seconds', '360p', 'Pan left');
    telegram.refuse('editMessageText', {
      error_code: 429,
      description: 'Too Many Requests: retry after 1',
      parameters: { retry_after: 1 },
    });
    user.photo('cat.jpg');
    const { id } = await user.sees(/✅ Done/);
    const [refused, next] = telegram
      .callsOf('editMessageText')
      .filter(({ fields }) => fields['chat_id'] === user.id && fields['message_id'] === id);
    expect(next!.at - refused!.at).toBeGreaterThanOrEqual(950);
  });

  it('that limits sending gets the video after the time it asked for', async () => {
    const user = telegram.user();
    await user.chooses('3 seconds', '360p', 'Pan left');
    telegram.refuse('sendVideo', { error_code: 429, description: 'Too Many Requests: retry after 1', parameters: { retry_after: 1 } });
    user.photo('cat.jpg');
    await user.getsVideos(1);
    const [refused, sent] = telegram.callsOf('sendVideo').filter(({ fields }) => fields['chat_id'] === user.id);
    expect(sent!.at - refused!.at).toBeGreaterThanOrEqual(950);
    await user.sees(/Done/);
    expect(user.videos).toHaveLength(1);
  });

  it('gets at most one edit per BOT_EDIT_SECONDS, and never one without a change', async () => {
    await stack.bot!.stop();
    await stack.startBot(telegram, { BOT_EDIT_SECONDS: '0.5' });
    const { user, brake } = await slowRender();
    const { id } = await user.sees(/%/);
    const editsOf = () =>
      telegram.callsOf('editMessageText').filter(({ fields }) => fields['chat_id'] === user.id && fields['message_id'] === id);
    await until(async () => editsOf().length > 3);
    brake.release();
    await user.getsVideos(1);
    await user.sees(/Done/);
    const edits = editsOf();
    const sent = telegram.callsOf('sendMessage').findLast(({ fields }) => fields['chat_id'] === user.id)!;
    for (const [index, edit] of edits.entries()) expect(edit.fields['text']).not.toBe((edits[index - 1] ?? sent).fields['text']);
    for (const [index, edit] of edits.slice(1).entries()) expect(edit.at - edits[index]!.at).toBeGreaterThanOrEqual(450);
    await stack.bot!.stop();
    await stack.startBot(telegram);
  });

  it('that responds "message is not modified" causes no other reaction', async () => {
    const { user, brake } = await slowRender();
    const [edits, sent] = [telegram.callsOf('editMessageText').length, user.inbox.length];
    telegram.refuse(
      'editMessageText',
      {
        error_code: 400,
        description: 'Bad Request: message is not modified: specified new message content and reply markup are exactly the same',
      },
      2,
    );
    await until(async () => telegram.callsOf('editMessageText').length > edits + 2);
    brake.release();
    await user.getsVideos(1);
    await user.sees(/✅ Done/);
    expect(user.inbox).toHaveLength(sent + 1);
  });

  it('that delays one chat delays no other, and no update is lost if the bot is killed then', async () => {
    const [held, other] = [telegram.user(), telegram.user()];
    const { release } = telegram.hold(held.id);
    held.send('/start');
    held.send('/help');
    for (const command of ['/start', '/help']) other.send(command);
    await other.sees(/up to 20 MB/);
    await until(async () => telegram.pending === 0);
    await stack.bot!.kill();
    await until(async () => (await telegram.connections()) === 0);
    release();
    expect(held.inbox).toEqual([]);
    await stack.startBot(telegram);
    await held.sees(/up to 20 MB/);
    expect(held.inbox.map(({ text }) => /Hello/.test(text!))).toEqual([true, false]);
    await until(async () => (await stack.files('bot/4242/updates')).length === 0);
  });

  it('that is unreachable for a while is retried, and nothing is lost', async () => {
    const user = telegram.user();
    await user.chooses('3 seconds', '360p', 'Pan left');
    telegram.isDown = true;
    user.photo('cat.jpg');
    await sleep(500);
    telegram.isDown = false;
    await user.getsVideos(1);
    expect(await jobsOf(user)).toHaveLength(1);
  });
});

describe('a user', () => {
  it('who blocks the bot gets nothing more, and other users are still served', async () => {
    const { user, brake } = await slowRender();
    user.blocks();
    brake.release();
    const other = telegram.user();
    await other.chooses('3 seconds', '360p', 'Pan left');
    other.photo('cat.jpg');
    await other.getsVideos(1);
    await until(async () => (await jobsOf(user)).every(({ status }) => status === 'COMPLETED'));
    user.unblocks();
    user.send('/history');
    await user.sees(/3 seconds · 360p · Move in\n.*ready/);
    expect(user.videos).toHaveLength(0);
  });

  it('who stops the bot while a video renders has the request dropped at once', async () => {
    const { user, brake } = await slowRender();
    user.leaves();
    await until(async () => (await stack.files('bot/4242/groups')).length === 0);
    brake.release();
    await until(async () => (await jobsOf(user)).every(({ status }) => status === 'COMPLETED'));
    user.unblocks();
    user.send('/start');
    await user.sees(/Hello/);
    expect(user.videos).toHaveLength(0);
  });

  it('who deletes the status message still gets the video', async () => {
    const { user, brake } = await slowRender();
    user.deletes(await user.sees(/%/));
    brake.release();
    await user.getsVideos(1);
    expect(user.inbox.some(({ text }) => /%/.test(text ?? ''))).toBe(false);
  });
});

describe('the API', () => {
  it('that is unreachable for ten tries is retried while users are told; open videos are delivered, and nothing is deleted', async () => {
    const user = telegram.user();
    await user.chooses('3 seconds', '360p', 'Pan left');
    const { user: early, brake } = await slowRender();
    early.send('/privacy');
    await early.tap('Delete all my data');
    const { port } = new URL(stack.url);
    await stack.api.kill();
    user.photo('cat.jpg');
    await user.sees(/is not responding right now. I'll keep trying/);
    await early.tap('Yes, delete everything');
    await early.sees(/❌ The video service is not responding/);
    user.send('/history');
    await user.sees(/❌ The video service is not responding/);
    await sleep(10 * RETRY_MS);
    expect([user.videos, early.videos]).toEqual([[], []]);
    await stack.startApi({ PORT: port });
    brake.release();
    for (const person of [user, early]) {
      await person.getsVideos(1);
      expect(await jobsOf(person)).toHaveLength(1);
    }
  });

  it('that is unreachable for too long fails the request, with a button to try again', async () => {
    await stack.bot!.stop();
    await stack.startBot(telegram, { BOT_PATIENCE_SECONDS: '0.5' });
    const user = telegram.user();
    await user.chooses('3 seconds', '360p', 'Pan left');
    const { port } = new URL(stack.url);
    await stack.api.kill();
    user.photo('cat.jpg');
    await user.sees(/❌ The video service is not responding.\n[^]*This does not count against your limit/);
    await stack.startApi({ PORT: port });
    await user.tap('Try again');
    await user.getsVideos(1);
    expect(await jobsOf(user)).toEqual([{ status: 'COMPLETED' }]);
  });
});

describe('a killed worker', () => {
  it('is shown as another attempt, and the video is delivered', async () => {
    const { user, brake } = await slowRender();
    await stack.worker!.kill();
    brake.release();
    await stack.startWorker();
    await user.getsVideos(1);
    const told = user.inbox.flatMap(({ history }) => history).join('\n');
    expect(told).toMatch(/\nThis is the second attempt of 3\.$|🔁 That attempt failed\. The second attempt of 3 starts/m);
  });
});
