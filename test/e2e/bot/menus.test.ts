/** Menus that are edited in place: none keeps buttons that do nothing, and none shows an outdated selection. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { adviceFor } from '../../../src/jobs/errors.ts';
import { FlakyProxy } from '../../support/flaky-proxy.ts';
import { Stack } from '../../support/stack.ts';
import { FakeTelegram } from '../../support/telegram.ts';
import type { ChatMessage } from '../../support/telegram-messages.ts';
import type { TelegramUser } from '../../support/telegram-user.ts';
import { until } from '../../support/waiting.ts';

let telegram: FakeTelegram;
let stack: Stack;
let proxy: FlakyProxy;

beforeAll(async () => {
  telegram = await FakeTelegram.start();
  stack = await Stack.start({ environment: { BOT_API_KEY: 'the-key-of-the-bot-0123456789', PUBLIC_URL: 'https://videos.example' } });
  proxy = await FlakyProxy.start(stack.url);
  await stack.startBot(telegram, { BOT_API_URL: proxy.url });
});
afterEach(() => void (proxy.fate = () => 'pass'));
afterAll(async () => {
  await stack.stop();
  await proxy.close();
  await telegram.close();
});

const NO_EDIT = { error_code: 400, description: "Bad Request: message can't be edited" };
const NO_DELETE = { error_code: 400, description: "Bad Request: message can't be deleted for everyone" };

/** A user in front of the menu of motions. */
async function choosing(): Promise<{ user: TelegramUser; menu: ChatMessage }> {
  const user = telegram.user();
  user.send('/start');
  for (const label of ['Photo → video', '3 seconds', '360p']) await user.tap(label);
  return { user, menu: await user.sees(/How should the camera move/) };
}

/** The same with the first example open. */
async function looking(): Promise<{ user: TelegramUser; menu: ChatMessage }> {
  const { user, menu } = await choosing();
  await user.tap('Show me');
  await until(async () => menu.media && !/One moment/.test(menu.caption!));
  return { user, menu };
}

/** Delays createJob until `release`; `asked` resolves once it has been called. */
function holdJobs(): { asked: Promise<void>; release(): void } {
  let release = () => {};
  const held = new Promise<'pass'>((resolve) => (release = () => resolve('pass')));
  const asked = new Promise<void>((resolve) => {
    proxy.fate = (body) => {
      if (!body.includes('createJob(')) return 'pass';
      resolve();
      return held;
    };
  });
  return { asked, release };
}

const isIdle = () => until(async () => telegram.pending === 0);
const dataOf = ({ buttons }: ChatMessage, label: string): string => buttons.find(({ text }) => text === label)!.callback_data!;

describe('examples of motions', () => {
  it('show a placeholder at once, and only the last one requested', async () => {
    const { user, menu } = await choosing();
    const jobs = holdJobs();
    await user.tap('Show me');
    await until(async () => /Gentle drift: [^]*\n\n⏳ One moment/.test(menu.text ?? ''));
    await user.tap('▶️');
    await until(async () => /Pan left: [^]*\n\n⏳ One moment/.test(menu.text ?? ''));
    jobs.release();
    await until(async () => menu.media && /^🎥 Pan left: [^⏳]*$/.test(menu.caption!));
    expect(menu.history.filter((said) => /Gentle drift/.test(said))).toHaveLength(1);
    expect(user.inbox.at(-1)).toBe(menu);
    user.press(dataOf(menu, '▶️'), menu);
    await until(async () => [...menu.history, menu.caption].some((said) => /Pan right: [^]*\n\n⏳ One moment/.test(said!)));
    await until(async () => /^🎥 Pan right: [^⏳]*$/.test(menu.caption!));
  });

  it('do not appear in a menu that has moved on', async () => {
    const { user, menu } = await choosing();
    const jobs = holdJobs();
    user.press('see:w:3:P360:3', menu);
    await until(async () => /One moment/.test(menu.text!));
    await user.tap('Back');
    await until(async () => menu.text === '🎥 How should the camera move?');
    jobs.release();
    await until(
      async () => (await stack.sql("SELECT 1 FROM job WHERE options->>'motion' = 'TILT_UP' AND status = 'COMPLETED'")).length === 1,
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(user.inbox.at(-1)).toBe(menu);
    expect(menu).toMatchObject({ text: '🎥 How should the camera move?' });
    expect(menu.media).toBeUndefined();
  });

  it('that arrive while Back is being handled are removed', async () => {
    const { user, menu } = await choosing();
    const jobs = holdJobs();
    user.press('see:w:3:P360:5', menu);
    await until(async () => /One moment/.test(menu.text!));
    const calls = telegram.hold(user.id);
    jobs.release();
    await until(async () => telegram.callsOf('editMessageMedia').some(({ fields }) => fields['chat_id'] === user.id));
    user.press(dataOf(menu, '◀️ Back'), menu);
    await isIdle();
    calls.release();
    await until(async () => menu.deleted);
    expect((await user.sees(/How should the camera move/)).media).toBeUndefined();
    expect(menu.media).toBeDefined();
  });

  it('that cannot be rendered are replaced by an apology, and the buttons keep working', async () => {
    const { user, menu } = await choosing();
    const fail = () =>
      (proxy.fate = (body) =>
        body.includes('createJob(')
          ? { answer: { errors: [{ message: 'no', extensions: { code: 'INTERNAL', ...adviceFor('INTERNAL') } }] } }
          : 'pass');
    fail();
    user.press('see:w:3:P360:4', menu);
    await until(async () => /🎥 Tilt down: [^]*\n\n🙏 I can't show this example/.test(menu.text!));
    proxy.fate = () => 'pass';
    user.press(dataOf(menu, '◀️'), menu);
    await until(async () => menu.media);
    fail();
    await user.tap('▶️');
    await until(async () => /🎥 Tilt down: [^]*\n\n🙏 I can't show this example/.test(menu.caption!));
    await user.tap('Take this one');
    expect((await user.sees(/Tilt down\n\nNow send/)).media).toBeUndefined();
  });

  it('ignore a second tap on the same button', async () => {
    const { user, menu } = await looking();
    const next = dataOf(menu, '▶️');
    for (let tap = 0; tap < 2; tap++) user.press(next, menu);
    await until(async () => /Pan left/.test(menu.caption!));
    await isIdle();
    const back = dataOf(menu, '◀️ Back');
    for (let tap = 0; tap < 2; tap++) user.press(back, menu);
    await user.sees(/How should the camera move/);
    await isIdle();
    expect(user.inbox.map(({ text }) => text)).toEqual(['🎥 How should the camera move?']);
  });

  it.each([
    ['◀️ Back', /How should the camera move/],
    ['✅ Take this one', /Gentle drift\n\nNow send/],
  ])('are replaced by text on "%s"', async (label, text) => {
    const { user, menu } = await looking();
    await user.tap(label);
    await user.sees(text);
    expect(menu.deleted).toBe(true);
  });

  it('that Telegram no longer deletes lose their buttons', async () => {
    const { user, menu } = await looking();
    telegram.refuse('deleteMessage', NO_DELETE);
    await user.tap('Back');
    await user.sees(/How should the camera move/);
    expect(menu).toMatchObject({ deleted: false, buttons: [] });
  });

  it('replace the menu if they cannot be put into it', async () => {
    const { user, menu } = await choosing();
    telegram.refuse('editMessageMedia', NO_EDIT);
    await user.tap('Show me');
    expect((await user.sees(/^🎥 Gentle drift: [^⏳]*$/)).media).toBeDefined();
    await until(async () => menu.deleted);
  });
});

describe('choices below a video', () => {
  /** A user with one video, and the video. */
  async function watching(): Promise<{ user: TelegramUser; video: ChatMessage; own: ChatMessage['buttons'] }> {
    const user = telegram.user();
    await user.chooses('3 seconds', '360p', 'Pan left');
    user.photo('cat.jpg');
    const [video] = await user.getsVideos(1);
    await user.sees(/Done/);
    return { user, video: video!, own: video!.buttons };
  }

  const looksLike = (video: ChatMessage, buttons: ChatMessage['buttons']) =>
    until(async () => JSON.stringify(withoutSignature(video.buttons)) === JSON.stringify(withoutSignature(buttons)));
  /** A link to the same video has a new signature each time. */
  const withoutSignature = (buttons: ChatMessage['buttons']) => buttons.map((button) => ({ ...button, url: button.url?.split('?')[0] }));

  it('replace its buttons, and Back restores them', async () => {
    const { user, video, own } = await watching();
    const said = user.inbox.length;
    for (const [label, choice] of [
      ['Another motion', 'Tilt up'],
      ['Higher resolution', '1080p'],
    ]) {
      await user.tap(label!);
      await until(async () => video.buttons.some(({ text }) => text.includes(choice!)));
      expect(video.buttons.map(({ text }) => text)).toContain('◀️ Back');
      expect(video.buttons.map(({ text }) => text)).not.toContain('🎥 Another motion');
      await user.tap('Back');
      await looksLike(video, own);
    }
    expect(own.some(({ url }) => url?.startsWith('https://videos.example/'))).toBe(true);
    expect(user.inbox).toHaveLength(said);
  });

  it('restore its buttons when selected, and the new video replies to the old one', async () => {
    const { user, video, own } = await watching();
    await user.tap('Another motion');
    await user.tap('Tilt up');
    await looksLike(video, own);
    const [, second] = await user.getsVideos(2);
    expect(second).toMatchObject({ caption: expect.stringContaining('Tilt up'), replyTo: video.id });
    await until(async () => user.inbox.some(({ text, replyTo }) => /Done/.test(text ?? '') && replyTo === video.id));
  });

  it('are sent as a message if the video can no longer be edited', async () => {
    const { user, video, own } = await watching();
    telegram.refuse('editMessageReplyMarkup', NO_EDIT);
    await user.tap('Another motion');
    const menu = await user.sees(/How should the camera move/);
    await until(async () => user.inbox.at(-1) === menu && menu.buttons.some(({ text }) => text === 'Tilt up'));
    expect(video.buttons).toEqual(own);
    await user.tap('Tilt up');
    expect((await user.getsVideos(2))[1]!.caption).toMatch(/Tilt up/);
  });
});

describe('/cancel', () => {
  it('reports the present state, however often it is repeated', async () => {
    const user = telegram.user();
    await user.chooses('12 seconds', '1080p', 'Move in');
    const jobs = holdJobs();
    user.photo('cat.jpg');
    const status = await user.sees(/⏳ Receiving/);
    const cancel = dataOf(status, '✋ Cancel');
    await jobs.asked;
    user.send('/cancel');
    await user.sees(/Stopping 1 video/);
    user.send('/cancel');
    await user.sees(/✋ Already stopping\./);
    jobs.release();
    await user.sees(/✋ Stopped/);
    user.press(cancel, status);
    await user.sees(/This one has already ended\./);
    user.send('/cancel');
    expect((await user.sees(/No videos are in progress right now\./)).buttons).toEqual([]);
  });
});
