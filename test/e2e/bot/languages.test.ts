/** Every screen in every language: conversations, and the texts of progress and failures. */
import { readFileSync } from 'node:fs';
import { buildSchema, type GraphQLEnumType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../../src/client/client.ts';
import { newGroup, newRequest, type RequestGroup, type VideoRequest } from '../../../bot/requests/group.ts';
import { statusOf, type Progress } from '../../../bot/requests/status.ts';
import { Texts, type Say } from '../../../bot/texts/texts.ts';
import { Stack } from '../../support/stack.ts';
import { FakeTelegram } from '../../support/telegram.ts';
import type { TelegramUser } from '../../support/telegram-user.ts';
import { until } from '../../support/waiting.ts';

const KEY = 'the-key-of-the-bot-0123456789';
/** One user without access for each language. */
const DENIED = Object.fromEntries(Texts.load('bot/texts').languages.map((language, index) => [language, 99_811 + index]));
const texts = Texts.load('bot/texts');
const keys = readFileSync('bot/texts/en.ftl', 'utf8')
  .match(/^[a-z][\w-]*(?= =)/gm)!
  .filter((key) => key.includes('-'));
const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
const valuesOf = (type: string) => (schema.getType(type) as GraphQLEnumType).getValues().map(({ name }) => name);
const apiNames = ['JobStatus', 'Stage', 'Motion', 'Fit', 'Resolution', 'ErrorCode'].flatMap(valuesOf);

/** Parts of a text that no user should see. */
function flaws(text: string): string[] {
  const words = text.match(/[\w-]+/g) ?? [];
  return [
    ...words.filter((word) => keys.includes(word) || apiNames.includes(word) || ['undefined', 'null', 'NaN'].includes(word)),
    ...(text.match(/[{}$]|\s$|^\s/g) ?? []),
    ...(text === '' || text.length > 1024 ? [`${text.length} characters`] : []), // less than Telegram's limit, and more than anyone reads
  ];
}

/** Texts and labels of everything that the bot sent to a chat, including edits. */
function saidTo({ id }: TelegramUser, { calls }: FakeTelegram): string[] {
  const fields = calls.map(
    (call) =>
      call.fields as { chat_id?: number; text?: string; caption?: string; reply_markup?: { inline_keyboard: { text: string }[][] } },
  );
  return fields
    .filter(({ chat_id: chat }) => chat === id)
    .flatMap(({ text, caption, reply_markup: markup }) => [
      ...[text, caption].filter((part) => part !== undefined),
      ...(markup?.inline_keyboard ?? []).flat().map((button) => button.text),
    ]);
}

/** Lines with enough words to recognize a language, with digits replaced. */
const linesOf = (said: readonly string[]): Set<string> =>
  new Set(
    said
      .flatMap((text) => text.split('\n'))
      .map((line) => line.replaceAll(/[\d.]+/g, '0'))
      .filter((line) => (line.match(/\p{L}{4,}/gu) ?? []).length >= 2),
  );

describe('conversations', () => {
  let telegram: FakeTelegram;
  let stack: Stack;
  const said = new Map<string, string[]>();

  beforeAll(async () => {
    telegram = await FakeTelegram.start();
    stack = await Stack.start({
      environment: { BOT_API_KEY: KEY, OWNER_LIMIT: '10', QUEUE_LIMIT: '100', PUBLIC_URL: 'https://videos.example' },
    });
    await stack.startBot(telegram, { BOT_DENIED_USERS: Object.values(DENIED).join(), BOT_PHOTOS_AT_ONCE: '1' });
    await Promise.all(texts.languages.map(async (language) => said.set(language, await converse(language))));
  });
  afterAll(async () => {
    await stack.stop();
    await telegram.close();
  });

  /** Visits every screen; everything that the bot said. */
  async function converse(language: string): Promise<string[]> {
    const [user, say] = [telegram.user(language), texts.in(language)];
    const shows = (beginning: string) =>
      until(async () => user.inbox.find(({ text, caption }) => (text ?? caption)!.startsWith(beginning))).catch(() => {
        throw new Error(`In ${language} the bot does not say ${beginning}, but\n${user.transcript()}`);
      });
    user.send('/start');
    for (const [data, key] of [
      [/^w$/, 'choose-duration'],
      [/^w:3$/, 'choose-resolution'],
      [/^w:3:P360$/, 'choose-motion'],
    ] as const) {
      await user.tapFor(data);
      await shows(say(key));
    }
    await user.tapFor(/^w:3:P360:PAN_L$/);
    await shows('✅ ');
    user.send('/start');
    await user.tapFor(/^w$/);
    await shows(`${say('choose-duration')}\n\n↩️`);
    const file = { file_unique_id: 'x', width: 1, height: 1, duration: 1, file_id: 'x' };
    for (const [thing, key] of [
      [{ sticker: file }, 'sticker'],
      [{ video: file }, 'video'],
      [{ voice: file }, 'audio'],
      [{ text: 'ok' }, 'text'],
      [{ location: { latitude: 1, longitude: 1 } }, 'other'],
    ] as const) {
      user.thing(thing);
      await shows(say(`got-${key}`));
    }
    user.file('cat.jpg', 'a.pdf', 'application/pdf');
    user.file('cat.jpg', 'a.png', 'image/png', 21_000_000);
    user.press('no:such');
    await shows(say('old-button'));
    user.photo(Buffer.from('no photo'));
    await shows(say('failure', { code: 'UNSUPPORTED_FORMAT' }));
    user.photo('cat.jpg');
    user.photo('cat.jpg');
    await shows(say('too-many', { count: 1 }));
    await user.getsVideos(1);
    await shows(say('status-done'));
    for (const data of [/^motion:[\w-]+$/, /^video:/, /^higher:[\w-]+$/, /^video:/]) await user.tapFor(data);
    user.press(`cancel:${user.id}-1`);
    await shows(say('cancel-over'));
    user.send('/cancel');
    await shows(say('cancel-nothing'));
    await stack.cancelledJobs(KEY, `telegram:${user.id}`, 5);
    user.send('/history');
    for (const data of [/^list:1$/, /^list:0$/, /^card:/]) await user.tapFor(data);
    await shows('🎬 ');
    await user.tapFor(/^delete:/);
    await shows(say('delete-question'));
    await user.tapFor(/^delete:.*:yes$/);
    await shows(say('deleted'));
    user.send('/settings');
    for (const data of [
      /^languages$/,
      /^settings$/,
      /^fit:CONTAIN$/,
      /^fit:COVER$/,
      /^d$/,
      /^d:6$/,
      /^d:6:P720$/,
      /^see:d:/,
      /^d:6:P720$/,
      /^d:6:P720:PAN_R$/,
      /^reset$/,
    ])
      await user.tapFor(data);
    user.send('/help');
    await shows(say('help', { megabytes: 20 }));
    user.send('/privacy');
    await user.tapFor(/^delete-all$/);
    await shows(say('delete-all-question'));
    await user.tapFor(/^delete-all:yes$/);
    await shows(say('delete-all-done', { count: 5 }));
    user.send('/history');
    await shows(say('history-empty'));
    const stranger = Object.assign(telegram.user(language), { id: DENIED[language]! });
    stranger.send('/start');
    await until(async () => stranger.inbox.some(({ text }) => text === say('not-allowed', { user: String(DENIED[language]) })));
    return [...saidTo(user, telegram), say('not-allowed', { user: String(DENIED[language]) })];
  }

  it.each(texts.languages)('in %s contain no raw keys or names, within the limits of Telegram', (language) => {
    expect(said.get(language)!.length).toBeGreaterThan(120);
    expect(
      said
        .get(language)!
        .map((text) => [text, flaws(text)])
        .filter(([, found]) => found!.length > 0),
    ).toEqual([]);
  });

  it.each(texts.languages.filter((language) => language !== 'en'))('in %s share no line with English', (language) => {
    const english = linesOf(said.get('en')!);
    expect(english.size).toBeGreaterThan(50);
    expect([...linesOf(said.get(language)!)].filter((line) => english.has(line))).toEqual([]);
  });

  it('have buttons whose data is within the limit of Telegram', () => {
    const data = telegram.messages.flatMap(({ buttons }) =>
      buttons.flatMap(({ callback_data: found }) => (found === undefined ? [] : [found])),
    );
    expect(data.filter((text) => Buffer.byteLength(text) > 64)).toEqual([]);
  });

  it('have commands registered in every language', () => {
    const announced = telegram
      .callsOf('setMyCommands')
      .map(({ fields }) => fields as { language_code?: string; commands: { command: string; description: string }[] });
    expect(announced.map(({ language_code: code }) => code)).toEqual([undefined, ...texts.languages]);
    for (const { commands } of announced) {
      expect(commands).toHaveLength(6);
      for (const { command, description } of commands)
        expect([/^[a-z]{1,32}$/.test(command), description.length <= 256, flaws(description)]).toEqual([true, true, []]);
    }
  });
});

describe('progress and results', () => {
  const job = (changes: Partial<Job>): Job => ({
    id: 'j',
    status: 'PROCESSING',
    stage: 'RENDERING',
    percent: 41.7,
    step: 12,
    totalSteps: 25,
    queuePosition: null,
    estimatedSecondsRemaining: 35,
    attempt: 1,
    maxAttempts: 3,
    nextAttemptAt: null,
    clientRef: null,
    retryOf: null,
    photo: { width: 1280, height: 800 },
    createdAt: '2026-01-31T12:00:00.000Z',
    startedAt: '2026-01-31T12:00:01.000Z',
    finishedAt: null,
    expiresAt: null,
    options: {
      engine: 'PREVIEW',
      resolution: 'P720',
      orientation: 'LANDSCAPE',
      fit: 'COVER',
      crop: { x: 0, y: 40, width: 1280, height: 720 },
      motion: 'MICRO',
      durationSeconds: 6,
      seed: 1,
      tuning: null,
    },
    error: null,
    result: null,
    ...changes,
  });
  const progresses: Progress[] = [
    'fetching',
    'starting',
    'away',
    'telegram-away',
    'sending',
    ...[1, 2, 5, 21].flatMap((queuePosition) =>
      [null, 1, 40, 3_000].map((estimatedSecondsRemaining) => job({ status: 'QUEUED', queuePosition, estimatedSecondsRemaining })),
    ),
    ...[...valuesOf('Stage'), null].flatMap((stage) => [1, 2, 3, 4].map((attempt) => job({ stage, attempt }))),
    job({ estimatedSecondsRemaining: null }),
    ...[1, 2, 3, 4].flatMap((attempt) =>
      [null, new Date(Date.now() + 40_000).toISOString()].map((nextAttemptAt) =>
        job({ status: 'RETRYING', attempt, maxAttempts: 6, nextAttemptAt }),
      ),
    ),
  ];
  const request = (changes: Partial<VideoRequest> = {}): VideoRequest => ({
    ...newRequest({ key: 'k', fileId: 'f', choice: {} }),
    ...changes,
  });
  const ended = [
    request({ cancelling: true }),
    ...(['DELIVERED', 'CANCELLED', 'GONE'] as const).map((end) => request({ end })),
    ...[...valuesOf('ErrorCode'), 'UNREACHABLE', 'PHOTO_GONE', 'TELEGRAM_AWAY'].map((failure) => request({ end: 'FAILED', failure })),
  ];
  const groupOf = (requests: VideoRequest[], resend = false): RequestGroup =>
    newGroup({ id: '700-a13000000000000000', chatId: 700, createdAt: 0, resend, requests });

  function render(say: Say, group: RequestGroup, progress: Progress = 'fetching'): string[] {
    const { text, keyboard } = statusOf(say, group, new Map(group.requests.map((each) => [each, progress])));
    const buttons = keyboard?.inline_keyboard.flat() ?? [];
    for (const button of buttons) expect('callback_data' in button && Buffer.byteLength(button.callback_data) <= 64).toBe(true);
    return [text, ...buttons.map((button) => button.text)];
  }

  it('include the steps of the longest stage', () => {
    const [text] = render(texts.in('en'), groupOf([request()]), job({ stage: 'DENOISING' }));
    expect(text).toBe('[████░░░░░░] 41 %\nImagining the motion 12/25 · about 40 s left');
  });

  const rendered = (language: string): string[] => {
    const say = texts.in(language);
    return [
      ...progresses.flatMap((progress) => [
        ...render(say, groupOf([request()]), progress),
        ...render(say, groupOf([request(), request()]), progress),
      ]),
      ...ended.flatMap((each) => [
        ...render(say, groupOf([each])),
        ...render(say, groupOf([each], true)),
        ...render(say, groupOf([each, request()])),
      ]),
      ...render(say, groupOf(Array.from({ length: 10 }, () => request({ end: 'FAILED', failure: 'UNSUPPORTED_FORMAT' })))),
    ];
  };

  it.each(texts.languages)('in %s contain no raw keys or names', (language) => {
    const all = rendered(language);
    expect(all.map((text) => [text, flaws(text)]).filter(([, found]) => found!.length > 0)).toEqual([]);
    expect(new Set(all).size).toBeGreaterThan(60);
  });

  it.each(texts.languages.filter((language) => language !== 'en'))('in %s share no line with English', (language) => {
    const english = linesOf(rendered('en'));
    expect([...linesOf(rendered(language))].filter((line) => english.has(line))).toEqual([]);
  });
});
