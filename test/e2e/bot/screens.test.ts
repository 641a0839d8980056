/** The list of videos, settings, privacy, access, groups, and messages without a photo. */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stack } from '../../support/stack.ts';
import { FakeTelegram } from '../../support/telegram.ts';
import { BOT } from '../../support/telegram-messages.ts';
import type { TelegramUser } from '../../support/telegram-user.ts';
import { until } from '../../support/waiting.ts';

const DENIED = 99_799;
const KEY = 'the-key-of-the-bot-0123456789';
let telegram: FakeTelegram;
let stack: Stack;

beforeAll(async () => {
  telegram = await FakeTelegram.start();
  stack = await Stack.start({ environment: { BOT_API_KEY: KEY, QUEUE_LIMIT: '30', OWNER_LIMIT: '10' } });
  await startBot();
});
afterAll(async () => {
  await stack.stop();
  await telegram.close();
});

const startBot = (environment = {}) => stack.startBot(telegram, { BOT_DENIED_USERS: `5, ${DENIED}`, ...environment });

const jobsOf = (user: TelegramUser) =>
  stack.sql<{ status: string; options: object }>('SELECT status, options FROM job WHERE owner = $1', [`telegram:${user.id}`]);

async function userWithVideos(count: number): Promise<TelegramUser> {
  const user = telegram.user();
  await user.chooses('3 seconds', '360p', 'Pan left');
  user.album(Array<string>(count).fill('cat.jpg'));
  await user.getsVideos(count);
  await until(async () => user.inbox.some(({ text }) => /Done|done\n/.test(text ?? '')));
  return user;
}

describe('/history', () => {
  it('lists the videos page by page, sends one again and deletes one', async () => {
    const user = await userWithVideos(2);
    await stack.cancelledJobs(KEY, `telegram:${user.id}`, 5);
    user.send('/history');
    await user.sees(/1\. 3 seconds · 360p · .*\n.*✋ stopped · [^]*5\. /);
    await user.tap('Older');
    await user.sees(/6\. 3 seconds · 360p · Pan left\n.*✅ ready · /);
    await user.tap('Newer');
    await user.sees(/1\. 3 seconds/);
    await user.tap('Older');
    await user.tap('7');
    await user.sees(/🎬 3 seconds · 360p · Pan left\n🎲 Seed \d+\n🕑 .* ago\n✅ ready/);
    await user.tap('Send again');
    await user.getsVideos(3);
    expect((await user.sees(/✅ Sent/)).history.filter((text) => !/Sending/.test(text))).toEqual([]);
    for (const label of ['Delete', 'No, keep it']) await user.tap(label);
    await user.tapFor(/^list:1$/);
    for (const label of ['7', 'Delete']) await user.tap(label);
    await user.sees(/🗑 Delete this video\?/);
    expect(await jobsOf(user)).toHaveLength(7);
    await user.tap('Yes, delete it');
    await user.sees(/🗑 Deleted/);
    await user.tapFor(/^list:1$/);
    await user.sees(/^6\. 3 seconds · 360p · Pan left\n.*✅ ready · .*$/m);
    expect((await jobsOf(user)).map(({ status }) => status).toSorted()).toEqual([...Array<string>(5).fill('CANCELLED'), 'COMPLETED']);
  });

  it('retries a cancelled video', async () => {
    const user = await userWithVideos(1);
    await stack.cancelledJobs(KEY, `telegram:${user.id}`, 1);
    user.send('/history');
    await user.tap('1');
    await user.sees(/3 seconds · 360p · [^]*✋ stopped/);
    await user.tap('Try again');
    await user.getsVideos(2);
    expect((await jobsOf(user)).map(({ status }) => status).toSorted()).toEqual(['CANCELLED', 'COMPLETED', 'COMPLETED']);
  });

  it('shows the previous page after the last video of a page is deleted', async () => {
    const user = await userWithVideos(1);
    await stack.cancelledJobs(KEY, `telegram:${user.id}`, 5);
    user.send('/history');
    for (const label of ['Older', '6', 'Delete', 'Yes, delete it']) await user.tap(label);
    await user.sees(/🗑 Deleted/);
    await user.tapFor(/^list:1$/);
    const list = await user.sees(/1\. 3 seconds[^]*5\. /);
    expect(list.text).not.toMatch(/6\. /);
    expect(list.buttons.map(({ callback_data: data }) => data).filter((data) => data!.startsWith('list:'))).toEqual([]);
  });

  it('says so if there are no videos', async () => {
    const user = telegram.user();
    user.send('/history');
    expect((await user.sees(/no videos yet/)).buttons).toMatchObject([{ callback_data: 'menu' }]);
  });
});

describe('/privacy', () => {
  it('says what is stored for how long, and deletes everything after a confirmation', async () => {
    const user = await userWithVideos(1);
    user.send('/privacy');
    await user.sees(/24 hours[^]*30 days/);
    await user.tap('Delete all my data');
    await user.sees(/cannot be undone/);
    expect(await jobsOf(user)).toHaveLength(1);
    await user.tap('Yes, delete everything');
    await user.sees(/All your data is deleted: 1 video,/);
    expect(await jobsOf(user)).toHaveLength(0);
    user.send('/start');
    await user.tap('Photo → video');
    const menu = await user.sees(/How long/);
    expect(menu.text).not.toMatch(/Same as last time/);
    expect(menu.buttons.some(({ text }) => text.startsWith('↩️'))).toBe(false);
  });
});

describe('/settings', () => {
  it('shows and changes the options of the next photo', async () => {
    const user = telegram.user();
    user.send('/settings');
    await user.sees(/Language: English\n.*6 seconds · 720p · Gentle drift\n.*fills the frame/);
    await user.tap('Show the whole photo instead');
    await user.sees(/The whole photo is shown/);
    user.send('/start');
    await user.tap('Photo → video');
    expect((await user.sees(/How long/)).text).not.toMatch(/Same as last time/);
    await user.chooses('3 seconds', '360p', 'Tilt up');
    user.photo('portrait.jpg');
    await user.getsVideos(1);
    expect(await jobsOf(user)).toMatchObject([{ options: { fit: 'CONTAIN', motion: 'TILT_UP', resolution: 'P360', durationSeconds: 3 } }]);
    user.send('/settings');
    await user.tap('Reset to defaults');
    await user.sees(/6 seconds · 720p · Gentle drift/);
  });
});

describe('the default for a photo', () => {
  it('is chosen in the same steps as a video, which start and end in the settings', async () => {
    const user = telegram.user();
    user.send('/settings');
    const menu = await user.sees(/⚙️ Settings/);
    await user.tap('Length, size, motion');
    await user.sees(/How long/);
    await user.tap('Back');
    await user.sees(/⚙️ Settings/);
    for (const label of ['Length, size, motion', '3 seconds', '360p', 'Pan right']) await user.tap(label);
    await user.sees(/Default for a photo: 3 seconds · 360p · Pan right/);
    for (const label of ['Length, size, motion', '12 seconds', '480p', 'Show me']) await user.tap(label);
    await until(async () => menu.media);
    await user.tap('Take this one');
    await user.sees(/Default for a photo: 12 seconds · 480p · Gentle drift/);
    expect(user.inbox).toHaveLength(1);
    expect(menu.deleted).toBe(true);
  });
});

describe('the language', () => {
  it('is changed by a button, and overrides that of the Telegram client from then on', async () => {
    const user = telegram.user('ru');
    user.send('/settings');
    await user.sees(/Язык: Русский/);
    await user.tap('Язык');
    await user.tap('Deutsch');
    await user.sees(/Sprache: Deutsch/);
    user.send('/help');
    await user.sees(/bis zu 20 MB groß/);
    await stack.bot!.stop();
    await startBot();
    user.send('/start');
    expect((await user.sees(/👋 Hallo!/)).buttons).toHaveLength(4);
  });
});

describe('a message without a photo', () => {
  it.each([
    [
      'a sticker',
      { sticker: { file_id: 's', file_unique_id: 's', type: 'regular', width: 1, height: 1, is_animated: false, is_video: false } },
      /Nice sticker/,
    ],
    ['a video', { video: { file_id: 'v', file_unique_id: 'v', width: 1, height: 1, duration: 1 } }, /already moves/],
    [
      'a GIF',
      {
        animation: { file_id: 'v', file_unique_id: 'v', width: 1, height: 1, duration: 1 },
        document: { file_id: 'v', file_unique_id: 'v', mime_type: 'video/mp4' },
      },
      /already moves/,
    ],
    ['a voice message', { voice: { file_id: 'v', file_unique_id: 'v', duration: 1 } }, /can't listen/],
    ['a place', { location: { latitude: 1, longitude: 1 } }, /can't do anything with that/],
    ['words', { text: 'make me a film' }, /Send me a photo and I'll turn it into a video/],
    ['an unknown command', { text: '/dance', entities: [{ type: 'bot_command', offset: 0, length: 6 }] }, /Send me a photo/],
  ])('such as %s gets a friendly reply', async (_what, content, answer) => {
    const user = telegram.user();
    user.thing(content);
    await user.sees(answer);
    expect(user.inbox).toHaveLength(1);
  });

  it('in an album gets one reply for the whole album', async () => {
    const user = telegram.user();
    const document = { file_id: 'd', file_unique_id: 'd', file_name: 'a.pdf', mime_type: 'application/pdf' };
    for (let count = 0; count < 4; count++) user.thing({ document, media_group_id: '77' });
    user.thing({ document, media_group_id: '78' });
    await until(async () => user.inbox.length === 2);
    await until(async () => telegram.pending === 0);
    expect(user.inbox.map(({ text }) => text)).toEqual(Array(2).fill(expect.stringMatching(/This file is not a photo/)));
  });

  it('such as a tap on an old button gets a reply', async () => {
    const user = telegram.user();
    user.send('/start');
    await user.sees(/Hello/);
    user.press('something:old');
    await user.sees(/no longer works/);
    expect(user.inbox).toHaveLength(2);
  });

  it('is not a forwarded photo, which becomes a video', async () => {
    const user = telegram.user();
    await user.chooses('12 seconds', '1080p', 'Move in');
    user.photo('cat.jpg', { forward_origin: { type: 'hidden_user', sender_user_name: 'x', date: 1 } });
    await user.sees(/Position|%/);
    expect(await jobsOf(user)).toHaveLength(1);
    user.send('/cancel');
    await user.sees(/Stopped/);
  });
});

describe('access', () => {
  it('is limited to BOT_ALLOWED_USERS if that is set, except those in BOT_DENIED_USERS', async () => {
    const [friend, stranger, foe] = [telegram.user(), telegram.user(), Object.assign(telegram.user(), { id: DENIED })];
    await stack.bot!.stop();
    await startBot({ BOT_ALLOWED_USERS: `${friend.id},${DENIED}` });
    for (const user of [friend, stranger, foe]) user.send('/start');
    await friend.sees(/Hello/);
    for (const user of [stranger, foe]) {
      await user.sees(new RegExp(`private. Your Telegram ID is ${user.id}`));
      const kept = async () => (await stack.files(path.join('bot', String(BOT.id), 'chats'))).map((file) => path.basename(file));
      await until(async () => (await kept()).includes(`${friend.id}.json`));
      expect(await kept()).not.toContain(`${user.id}.json`);
      expect(user.inbox).toHaveLength(1);
      user.deletes(user.inbox[0]!);
    }
    await stack.bot!.stop();
    await startBot();
  });

  it('is refused to users in BOT_DENIED_USERS with a reply', async () => {
    const user = Object.assign(telegram.user(), { id: DENIED });
    user.photo('cat.jpg');
    await user.sees(/private. Your Telegram ID is 99799/);
    expect(await jobsOf(user)).toHaveLength(0);
  });
});

describe('a group', () => {
  it('is told that the bot works in private chats when the bot is added', async () => {
    const [group, status] = [{ id: -200, type: 'group', title: 'We' }, (now: string) => ({ status: now, user: BOT })];
    telegram.push({
      my_chat_member: {
        chat: group,
        from: { id: 6, is_bot: false, first_name: 'U', language_code: 'de' },
        date: 1,
        old_chat_member: status('left'),
        new_chat_member: status('member'),
      },
    });
    const said = await until(async () => telegram.messages.find(({ chatId }) => chatId === -200));
    expect(said.text).toMatch(/nur in privaten Chats.*@test_bot/);
  });

  it('is told that the bot works in private chats when the bot is addressed', async () => {
    const [group, from] = [
      { id: -100, type: 'supergroup', title: 'Us' },
      { id: 5, is_bot: false, first_name: 'U', language_code: 'en' },
    ];
    const say = (message: object) =>
      telegram.push({ message: { message_id: telegram.nextMessageId(), date: 1, chat: group, from, ...message } });
    say({ photo: [{ file_id: 'p', file_unique_id: 'p', width: 1, height: 1 }] });
    say({ text: 'hello everybody' });
    say({ text: '/start@another_bot', entities: [{ type: 'bot_command', offset: 0, length: 18 }] });
    say({ text: '/dance', entities: [{ type: 'bot_command', offset: 0, length: 6 }] });
    say({ text: 'as @test_bots do', entities: [{ type: 'mention', offset: 3, length: 10 }] });
    const said = () => telegram.messages.filter(({ chatId }) => chatId === -100);
    for (const [index, message] of [
      { text: '/start@test_bot', entities: [{ type: 'bot_command', offset: 0, length: 15 }] },
      { text: '/start', entities: [{ type: 'bot_command', offset: 0, length: 6 }] },
      {
        photo: [{ file_id: 'p', file_unique_id: 'p', width: 1, height: 1 }],
        caption: 'hey @Test_Bot',
        caption_entities: [{ type: 'mention', offset: 4, length: 9 }],
      },
      { text: 'and this?', reply_to_message: { message_id: 1, date: 1, chat: group, from: BOT } },
    ].entries()) {
      say(message);
      await until(async () => said().length > index);
    }
    say({
      text: '/start@test_bot',
      entities: [{ type: 'bot_command', offset: 0, length: 15 }],
      is_topic_message: true,
      message_thread_id: 77,
    });
    await until(async () => said().length === 5);
    expect(
      telegram
        .callsOf('sendMessage')
        .filter(({ fields }) => fields['chat_id'] === -100)
        .map(({ fields }) => fields['message_thread_id']),
    ).toEqual([...Array<undefined>(4), 77]);
    expect(said().map(({ text }) => text)).toEqual(Array(5).fill('👋 I only work in private chats. Write to me: @test_bot'));
  });
});

describe('taps', () => {
  it('are answered before they are handled', async () => {
    const user = telegram.user();
    user.send('/start');
    const menu = await user.sees(/Hello/);
    const { release } = telegram.hold(user.id);
    const answers = telegram.callsOf('answerCallbackQuery').length;
    await user.tap('Settings');
    await until(async () => telegram.callsOf('answerCallbackQuery').length > answers);
    expect(menu.text).toMatch(/Hello/);
    release();
    await until(async () => /Settings/.test(menu.text!));
  });

  it('are answered within a second', async () => {
    const user = telegram.user();
    user.send('/start');
    const menu = await user.sees(/Hello/);
    const tookMs: number[] = [];
    for (const [label, next] of [
      ['Settings', /Settings/],
      ['Menu', /Hello/],
      ['Settings', /Settings/],
      ['Menu', /Hello/],
    ] as const) {
      const [answers, tapped] = [telegram.callsOf('answerCallbackQuery').length, Date.now()];
      await user.tap(label);
      await until(async () => telegram.callsOf('answerCallbackQuery').length > answers);
      tookMs.push(telegram.callsOf('answerCallbackQuery').at(-1)!.at - tapped);
      await until(async () => next.test(menu.text!));
    }
    // A busy machine may delay one of them.
    expect(Math.min(...tookMs)).toBeLessThan(1_000);
  });
});
