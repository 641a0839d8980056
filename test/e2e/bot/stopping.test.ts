/** Cancelling and retrying videos while something fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { adviceFor } from '../../../src/jobs/errors.ts';
import { FlakyProxy } from '../../support/flaky-proxy.ts';
import { Stack } from '../../support/stack.ts';
import { FakeTelegram } from '../../support/telegram.ts';
import type { TelegramUser } from '../../support/telegram-user.ts';
import { until } from '../../support/waiting.ts';

const FAILURE = { answer: { errors: [{ message: 'no', extensions: { code: 'INTERNAL', ...adviceFor('INTERNAL') } }] } };
let telegram: FakeTelegram;
let stack: Stack;
let proxy: FlakyProxy;

beforeAll(async () => {
  telegram = await FakeTelegram.start();
  stack = await Stack.start({ environment: { BOT_API_KEY: 'the-key-of-the-bot-0123456789' } });
  proxy = await FlakyProxy.start(stack.url);
  await stack.startBot(telegram, { BOT_API_URL: proxy.url });
});
afterEach(() => void (proxy.fate = () => 'pass'));
afterAll(async () => {
  await stack.stop();
  await proxy.close();
  await telegram.close();
});

const jobsOf = (user: TelegramUser) => stack.sql<{ status: string }>('SELECT status FROM job WHERE owner = $1', [`telegram:${user.id}`]);
const statusOf = async (user: TelegramUser) => (await jobsOf(user)).map(({ status }) => status);

async function quickUser(): Promise<TelegramUser> {
  const user = telegram.user();
  await user.chooses('3 seconds', '360p', 'Pan left');
  return user;
}

async function longRender(): Promise<TelegramUser> {
  const user = telegram.user();
  await user.chooses('12 seconds', '1080p', 'Move in');
  user.photo('galaxies.jpg');
  await user.sees(/\[.*\] [1-9]\d? %/);
  return user;
}

describe('cancelling', () => {
  it('also stops a job whose creation the API could not confirm', async () => {
    const user = telegram.user();
    await user.chooses('12 seconds', '1080p', 'Move in');
    let created = false;
    proxy.fate = (body) => {
      if (created) return 'drop';
      created = body.includes('createJob(');
      return created ? 'lose answer' : 'pass';
    };
    user.photo('galaxies.jpg');
    await user.sees(/is not responding right now/);
    await user.tap('Cancel');
    await user.sees(/Stopping/);
    proxy.fate = () => 'pass';
    await user.sees(/Stopped/);
    await until(async () => (await statusOf(user)).join() !== 'PROCESSING');
    expect(await statusOf(user)).toEqual(['CANCELLED']);
  });

  it('restores the button if it fails, and works the next time', async () => {
    proxy.fate = (body) => (body.includes('cancelJob(') ? FAILURE : 'pass');
    const user = telegram.user();
    await user.chooses('12 seconds', '1080p', 'Move in');
    user.photo('galaxies.jpg');
    const message = await user.sees(/Position|%/);
    await user.tap('Cancel');
    await until(async () => message.history.some((text) => /Stopping/.test(text)));
    proxy.fate = () => 'pass';
    expect(message.buttons.map(({ text }) => text)).toEqual(['✋ Cancel']);
    await user.tap('Cancel');
    await user.sees(/Stopped/);
    expect(await statusOf(user)).toEqual(['CANCELLED']);
  });

  it('of a deleted video gets a reply and removes the button', async () => {
    const user = await longRender();
    const message = await user.sees(/%/);
    const data = message.buttons[0]!.callback_data!;
    user.send('/privacy');
    await user.tap('Delete all my data');
    await user.tap('Yes, delete everything');
    await user.sees(/All your data is deleted/);
    expect(message).toMatchObject({ text: '🗑 This video was deleted.', buttons: [] });
    user.press(data, message);
    await user.sees(/This one has already ended/);
    expect(await jobsOf(user)).toEqual([]);
  });

  it('by deleting all data is not overwritten by an edit in progress', async () => {
    const user = await longRender();
    const message = await user.sees(/%/);
    user.send('/privacy');
    await user.tap('Delete all my data');
    const question = await user.sees(/Delete all your videos/);
    const editsOf = () =>
      telegram.callsOf('editMessageText').filter(({ fields }) => fields['chat_id'] === user.id && fields['message_id'] === message.id);
    const before = editsOf().length;
    const { release } = telegram.hold(user.id);
    await until(async () => editsOf().length > before);
    user.press('delete-all:yes', question);
    await sleep(1_000);
    expect(editsOf().at(-1)!.fields['text']).toMatch(/%/);
    release();
    await user.sees(/All your data is deleted/);
    expect(message.text).toBe('🗑 This video was deleted.');
  });
});

describe('an API that fails internally', () => {
  it.each([
    ['creating a job', 'createJob('],
    ['reading a job', 'query Job('],
  ])('%s is retried, and one video is delivered', async (_what, operation) => {
    let failures = 0;
    proxy.fate = (body) => (body.includes(operation) && ++failures <= 3 ? FAILURE : 'pass');
    const user = await quickUser();
    user.photo('cat.jpg');
    await user.getsVideos(1);
    await user.sees(/Done/);
    expect(failures).toBeGreaterThan(3);
    expect(await statusOf(user)).toEqual(['COMPLETED']);
  });

  it('after creating a job returns the same one when the request is retried', async () => {
    let isLost = false;
    proxy.fate = (body) => {
      if (isLost) return body.includes('createJob(') ? FAILURE : 'pass';
      isLost = body.includes('createJob(');
      return isLost ? 'lose answer' : 'pass';
    };
    const user = await quickUser();
    user.photo('cat.jpg');
    await user.sees(/❌ Something went wrong on our side/);
    proxy.fate = () => 'pass';
    await user.tap('Try again');
    await user.getsVideos(1);
    expect(await statusOf(user)).toEqual(['COMPLETED']);
  });

  it('permanently fails the request, and the user is told', async () => {
    proxy.fate = (body) => (body.includes('createJob(') ? FAILURE : 'pass');
    const user = await quickUser();
    user.photo('cat.jpg');
    expect(await user.sees(/❌ Something went wrong on our side/)).toMatchObject({ buttons: [{ text: '🔁 Try again' }] });
  });
});

describe('deleting all data', () => {
  it('leaves no job of photos that were being submitted', async () => {
    const user = await quickUser();
    for (let photo = 0; photo < 8; photo++) user.photo('cat.jpg');
    user.send('/privacy');
    await user.tap('Delete all my data');
    await user.tap('Yes, delete everything');
    await user.sees(/All your data is deleted/);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await jobsOf(user)).toEqual([]);
  });
});

describe('a video that cannot be sent', () => {
  it('is sent once by trying again, however often that is tapped, and not rendered again', async () => {
    const user = await quickUser();
    telegram.refuse('sendVideo', { error_code: 400, description: 'Bad Request: something about it' });
    user.photo('cat.jpg');
    const failed = await user.sees(/Something went wrong on our side/);
    const { callback_data: data } = failed.buttons.find(({ text }) => text.includes('Try again'))!;
    for (let tap = 0; tap < 3; tap++) user.press(data!, failed);
    await user.getsVideos(1);
    await until(async () => telegram.pending === 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(user.videos).toHaveLength(1);
    expect(failed.buttons).toEqual([]);
    expect(await statusOf(user)).toEqual(['COMPLETED']);
  });

  it('with its poster is sent without a thumbnail', async () => {
    const user = await quickUser();
    proxy.fate = (_body, path) => (path.startsWith('/posters/') ? 'drop' : 'pass');
    user.photo('cat.jpg');
    const [video] = await user.getsVideos(1);
    expect(video!.media!.thumbnail).toBeUndefined();
    expect(await statusOf(user)).toEqual(['COMPLETED']);
  });

  it('with a link that Telegram refuses is sent without that button', async () => {
    await stack.bot!.stop();
    await stack.api.stop();
    const { port } = new URL(stack.url);
    await stack.startApi({ PORT: port, PUBLIC_URL: 'https://videos.example' });
    await stack.startBot(telegram, { BOT_API_URL: proxy.url });
    const user = await quickUser();
    telegram.refuse('sendVideo', {
      error_code: 400,
      description: "Bad Request: inline keyboard button URL 'https://videos.example' is invalid: Wrong HTTP URL",
    });
    user.photo('cat.jpg');
    const [video] = await user.getsVideos(1);
    expect(video!.buttons.map(({ text }) => text)).not.toContain('📥 Download');
    expect(video!.buttons.length).toBeGreaterThan(1);
  });
});
