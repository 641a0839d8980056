/** The line of waiting jobs as users of the bot see it: positions, estimates, the order of service, and refusals. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stack } from '../../support/stack.ts';
import { FakeTelegram } from '../../support/telegram.ts';
import { BOT, type ChatMessage } from '../../support/telegram-messages.ts';
import type { TelegramUser } from '../../support/telegram-user.ts';
import { until } from '../../support/waiting.ts';

const KEY = 'the-key-of-the-bot-0123456789';
const PHOTOS = 14;
const QUEUE_LIMIT = 3;
const BACKLOG_LIMIT = 13;
let telegram: FakeTelegram;
let stack: Stack;

beforeAll(async () => {
  telegram = await FakeTelegram.start();
  stack = await Stack.start({
    environment: { BOT_API_KEY: KEY, QUEUE_LIMIT: String(QUEUE_LIMIT), BACKLOG_LIMIT: String(BACKLOG_LIMIT) },
  });
  await stack.startBot(telegram, { BOT_EDIT_SECONDS: '0.05' });
});
afterAll(async () => {
  await stack.stop();
  await telegram.close();
});

async function newUser(): Promise<TelegramUser> {
  const user = telegram.user();
  await user.chooses('3 seconds', '360p', 'Pan left');
  return user;
}

/** The status message of a photo. */
const statusOf = (user: TelegramUser, photo: number): ChatMessage | undefined =>
  user.inbox.find(({ media, replyTo }) => !media && replyTo === photo);

/** Every position that a status message has shown, oldest first. */
const positionsOf = ({ history, text }: ChatMessage): number[] =>
  [...history, text!].flatMap((shown) => /Position (\d+)/.exec(shown)?.[1] ?? []).map(Number);

const isInLine = (message: ChatMessage | undefined): boolean => /Position \d+|%/.test(message?.text ?? '');

/** Idempotency keys of the given photos' jobs, in the order of `column`. */
async function orderBy(column: 'createdAt' | 'startedAt', keys: readonly string[]): Promise<string[]> {
  const jobs = await stack.sql<{ idempotencyKey: string }>(
    `SELECT "idempotencyKey" FROM job WHERE "idempotencyKey" = ANY($1) AND "${column}" IS NOT NULL ORDER BY "${column}"`,
    [keys],
  );
  return jobs.map(({ idempotencyKey }) => idempotencyKey);
}

const keyOf = (user: TelegramUser, photo: number): string => `telegram:${BOT.id}:${user.id}-${photo}`;

function expectNeverGrows(message: ChatMessage): void {
  const positions = positionsOf(message);
  expect(positions).toEqual(positions.toSorted((a, b) => b - a));
}

describe('14 photos sent at once', () => {
  it('of one chat wait in one line and are rendered in the order in which they were sent', async () => {
    const user = await newUser();
    const brake = await stack.brakeRenderer();
    brake.hold();
    const photos = Array.from({ length: PHOTOS }, () => user.photo('cat.jpg'));
    await until(async () => photos.every((photo) => isInLine(statusOf(user, photo))));
    const messages = photos.map((photo) => statusOf(user, photo)!);
    // The first one is being rendered.
    expect(messages.slice(1).map((message) => positionsOf(message).at(-1))).toEqual(photos.slice(1).map((_photo, index) => index + 1));
    brake.release();
    await user.getsVideos(PHOTOS);
    const keys = photos.map((photo) => keyOf(user, photo));
    expect(await orderBy('startedAt', keys)).toEqual(keys);
    for (const message of messages) expectNeverGrows(message);
    expect(messages.at(-1)!.history.join('\n')).toMatch(/⏳ Position 13 · about \d+ s\n/);
  });

  it('of 14 chats wait in one line, and those sent first are rendered first', async () => {
    const users = await Promise.all(Array.from({ length: PHOTOS }, newUser));
    const brake = await stack.brakeRenderer();
    brake.hold();
    const sent: { user: TelegramUser; photo: number }[] = [];
    const send = async (group: readonly TelegramUser[]) => {
      for (const user of group) sent.push({ user, photo: user.photo('cat.jpg') });
      await until(async () => sent.every(({ user, photo }) => isInLine(statusOf(user, photo))));
    };
    await send(users.slice(0, 4));
    await send(users.slice(4));
    const messages = sent.map(({ user, photo }) => statusOf(user, photo)!);
    brake.release();
    const keys = sent.map(({ user, photo }) => keyOf(user, photo));
    const created = await orderBy('createdAt', keys);
    const served = await until(async () => orderBy('startedAt', keys).then((found) => (found.length < 7 ? null : found)));
    expect(served).toEqual(created.slice(0, served.length));
    expect(served.slice(0, 4).toSorted()).toEqual(keys.slice(0, 4).toSorted());
    for (const user of users) user.send('/cancel');
    await Promise.all(users.map((user) => user.sees(/Done|Stopped/)));
    for (const message of messages) expectNeverGrows(message);
  });
});

describe('a photo that the API refuses because the backlog is full', () => {
  it('fails with the reason and a button to try again, and becomes a video once there is room', async () => {
    const user = await newUser();
    const brake = await stack.brakeRenderer();
    brake.hold();
    const headers = { Authorization: `Bearer ${KEY}`, 'X-Act-As': 'other' };
    for (let job = 0; job < QUEUE_LIMIT + BACKLOG_LIMIT; job++) await stack.create({}, headers);
    user.photo('cat.jpg');
    const refused = await user.sees(/^❌ Too many videos are waiting\.\nPlease try again later\.$/);
    expect(refused.buttons.map(({ text }) => text)).toEqual(['🔁 Try again']);
    brake.release();
    await stack.graphql('mutation { deleteMyData }', {}, headers);
    await user.tap('Try again');
    await user.getsVideos(1);
  });
});
