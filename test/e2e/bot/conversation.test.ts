/** Conversations with the bot: real API, worker and bot, and a fake Bot API over real HTTP. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFfmpeg } from '../../../src/infra/media/ffmpeg.ts';
import { Stack } from '../../support/stack.ts';
import { FakeTelegram } from '../../support/telegram.ts';
import { BOT, type ChatMessage } from '../../support/telegram-messages.ts';
import type { TelegramUser } from '../../support/telegram-user.ts';
import { findTool } from '../../support/tools.ts';
import { describeStream, frameTable } from '../../support/video.ts';
import { until } from '../../support/waiting.ts';

const KEY = 'the-key-of-the-bot-0123456789';
let telegram: FakeTelegram;
let stack: Stack;

beforeAll(async () => {
  telegram = await FakeTelegram.start();
  stack = await Stack.start({
    environment: { BOT_API_KEY: KEY, PUBLIC_URL: 'https://videos.example', QUEUE_LIMIT: '30' },
  });
  await stack.startBot(telegram);
});
afterAll(async () => {
  await stack.stop();
  await telegram.close();
});

/** A user whose videos render quickly. */
async function quickUser(language?: string): Promise<TelegramUser> {
  const user = telegram.user(language);
  await user.chooses('3 seconds', '360p', 'Pan left');
  return user;
}

const jobsOf = (user: TelegramUser) =>
  stack.sql<{ status: string; options: Record<string, unknown> }>('SELECT status, options FROM job WHERE owner = $1 ORDER BY "createdAt"', [
    `telegram:${user.id}`,
  ]);

describe('the wizard', () => {
  it('leads from duration, resolution and motion to a delivered MP4', async () => {
    const user = telegram.user();
    user.send('/start');
    await user.sees(/Hello/);
    await user.tap('Photo → video');
    await user.tap('6 seconds');
    await user.sees(/Which size/);
    await user.tap('Back');
    await user.sees(/How long/);
    await user.tap('3 seconds');
    await user.tap('480p');
    await user.sees(/How should the camera move/);
    await user.tap('Back');
    await user.sees(/Which size/);
    await user.tap('360p');
    await user.tap('Move in');
    await user.sees(/3 seconds · 360p · Move in\n\nNow send/);
    user.photo('coffee.jpg');
    const media = (await user.getsVideos(1))[0]!.media!;
    expect(media.fields).toMatchObject({ width: 480, height: 360, duration: 3, supports_streaming: true });
    const { width, height } = await sharp(media.thumbnail).metadata();
    expect([width, height]).toEqual([320, 240]);
    const file = path.join(stack.storage, 'delivered.mp4');
    await writeFile(file, media.file);
    const { path: ffmpeg } = await findFfmpeg({ FFMPEG_PATH: undefined });
    expect(await describeStream(ffmpeg, file)).toMatch(/h264.*yuv420p.*480x360.*12 fps/);
    expect(await frameTable(ffmpeg, file, 12)).toHaveLength(36);
  });

  it('offers the last choices as one button', async () => {
    const user = await quickUser();
    user.send('/start');
    await user.tap('Photo → video');
    await user.tap('↩️ 3 s · 360p · Pan left');
    const menu = await until(async () =>
      user.inbox.find(({ text, history }) => /^✅ 3 seconds · 360p · Pan left/.test(text ?? '') && history.length === 2),
    );
    expect(menu.history.at(-1)).toMatch(/How long/);
  });

  it('shows each motion in an animation that is rendered once for all users', async () => {
    const [first, second] = [telegram.user(), telegram.user()];
    for (const user of [first, second]) {
      user.send('/start');
      for (const label of ['Photo → video', '3 seconds', '360p', 'Show me']) await user.tap(label);
      const { media } = await user.sees(/Gentle drift: a slow drift[^⏳]*$/);
      expect(media?.kind).toBe('animation');
      await user.tap('▶️');
      await user.sees(/Pan left: the camera turns left[^⏳]*$/);
      await user.tap('Take this one');
      await user.sees(/Pan left\n\nNow send/);
    }
    expect(await stack.sql('SELECT id FROM job WHERE owner = $1', ['telegram:examples'])).toHaveLength(2);
  });
});

describe('a photo', () => {
  it('is rendered with the last choices without the wizard, and shows its progress in one message', async () => {
    const user = await quickUser();
    const sent = user.photo('cat.jpg');
    const [video] = await user.getsVideos(1);
    expect(video).toMatchObject({ replyTo: sent, caption: expect.stringMatching(/3 seconds · 360p · Pan left\n.*Seed \d+/) });
    expect(await user.sees(/Done/)).toMatchObject({ replyTo: sent, buttons: [] });
    expect(await stack.sql('SELECT "idempotencyKey" FROM job WHERE owner = $1', [`telegram:${user.id}`])).toEqual([
      { idempotencyKey: `telegram:${BOT.id}:${user.id}-${sent}` },
    ]);
  });

  it.skipIf(!findTool('ffmpeg'))('becomes a video with the properties sent to Telegram, according to ffprobe', async () => {
    const user = await quickUser();
    user.file('portrait.jpg', 'IMG_2.JPG', 'image/jpeg');
    const [{ media }] = (await user.getsVideos(1)) as [ChatMessage];
    const file = path.join(stack.storage, 'probed.mp4');
    await writeFile(file, media!.file);
    const { stdout } = await promisify(execFile)('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', file]);
    const { width, height, duration } = media!.fields;
    expect((JSON.parse(stdout) as { streams: object[] }).streams).toMatchObject([
      {
        codec_name: 'h264',
        pix_fmt: 'yuv420p',
        width,
        height,
        nb_frames: '36',
        avg_frame_rate: '12/1',
        duration: `${String(duration)}.000000`,
      },
    ]);
  });

  it('is rendered with the defaults for a new user', async () => {
    const user = telegram.user();
    user.photo('cat.jpg');
    await until(async () => (await jobsOf(user)).length === 1);
    expect((await jobsOf(user))[0]!.options).toMatchObject({ resolution: 'P720', durationSeconds: 6, motion: 'MICRO' });
    user.send('/cancel');
    await user.sees(/Done|Stopped/);
  });

  it('can be sent as a file, and stays portrait', async () => {
    const user = await quickUser();
    user.file('portrait.jpg', 'IMG_1.JPG', 'image/jpeg');
    const [video] = await user.getsVideos(1);
    expect(video!.media!.fields).toMatchObject({ width: 360, height: 480 });
  });

  it('delivered twice by Telegram creates one job, and so does a tap', async () => {
    const user = await quickUser();
    user.photo('cat.jpg', {}, 2);
    await user.getsVideos(1);
    await user.tap('New variation', 2);
    await user.getsVideos(2);
    await user.sees(/Done/);
    expect(await jobsOf(user)).toHaveLength(2);
    expect(telegram.pending).toBeLessThanOrEqual(1);
  });

  it('that cannot be used gets a reply with the reason and a hint', async () => {
    const user = await quickUser();
    user.photo(Buffer.from('no photo at all'));
    expect(await user.sees(/❌ This file is not a photo in a supported format.\nSend JPEG/)).toMatchObject({ buttons: [] });
    user.file('cat.jpg', 'big.png', 'image/png', 20_000_001);
    await user.sees(/larger than 20 MB/);
    user.file('cat.jpg', 'letter.pdf', 'application/pdf');
    await user.sees(/This file is not a photo/);
    expect(await jobsOf(user)).toHaveLength(0);
  });
});

describe('an album', () => {
  it('of ten is rendered as ten videos with one status message', async () => {
    const user = await quickUser();
    const ids = user.album(Array<string>(10).fill('cat.jpg'));
    const videos = await user.getsVideos(10);
    await user.sees(/10 photos: 10 done/);
    expect(user.inbox.filter(({ text }) => /10 photos/.test(text ?? ''))).toHaveLength(1);
    expect(new Set(videos.map(({ replyTo }) => replyTo))).toEqual(new Set(ids));
    expect(await jobsOf(user)).toHaveLength(10);
  });
});

describe('thirty photos in a second', () => {
  it('become twenty jobs and one refusal', async () => {
    const user = telegram.user();
    await user.chooses('12 seconds', '1080p', 'Move in');
    for (let count = 0; count < 30; count++) user.photo('cat.jpg');
    await user.sees(/I am already working on 20 of your photos/);
    await until(async () => telegram.pending === 0);
    user.send('/cancel');
    await user.sees(/Stopping 20 videos/);
    await until(async () => user.inbox.filter(({ text }) => /Stopped/.test(text ?? '')).length === 20);
    expect((await jobsOf(user)).length).toBeLessThanOrEqual(20);
    expect(user.inbox.filter(({ text }) => /I am already working on/.test(text ?? ''))).toHaveLength(1);
  });
});

describe('the buttons below a video', () => {
  it('render the same photo again: as a new variation, with another motion, in a higher resolution', async () => {
    const user = await quickUser();
    user.photo('cat.jpg');
    const [video] = await user.getsVideos(1);
    expect(video!.buttons.find(({ url }) => url)?.url).toMatch(/^https:\/\/videos\.example\/videos\/.*&download=1$/);
    await user.tap('New variation');
    await user.getsVideos(2);
    await user.tap('Another motion');
    await user.tap('Tilt up');
    await user.getsVideos(3);
    await user.tap('Higher resolution');
    await user.tap('480p');
    await user.getsVideos(4);
    const jobs = (await jobsOf(user)).map(({ options }) => options);
    expect(jobs).toMatchObject([
      { motion: 'PAN_L', resolution: 'P360' },
      { motion: 'PAN_L', resolution: 'P360' },
      { motion: 'TILT_UP', resolution: 'P360' },
      { motion: 'TILT_UP', resolution: 'P480' },
    ]);
    expect(jobs[1]!['seed']).not.toBe(jobs[0]!['seed']);
  });
});

describe('a photo of another aspect', () => {
  it('that was cropped says so and offers the same video of the whole photo', async () => {
    const user = await quickUser();
    user.photo('cat.jpg'); // 3:2, in a frame of 4:3
    const [cropped] = await user.getsVideos(1);
    expect(cropped!.caption).toMatch(/\n✂️ Cropped to fill the frame$/);
    await user.tap('🖼 Whole photo');
    const [, whole] = await user.getsVideos(2);
    expect(whole).toMatchObject({ replyTo: cropped!.id, caption: expect.not.stringContaining('Cropped') });
    expect(whole!.buttons.map(({ text }) => text)).not.toContain('🖼 Whole photo');
    const [before, after] = (await jobsOf(user)).map(({ options }) => options);
    expect(before).toMatchObject({ fit: 'COVER', crop: { y: 0, width: 400, height: 300 } });
    expect(after).toEqual({ ...before, fit: 'CONTAIN', crop: null });
  });

  it('is not cropped by a higher resolution of another aspect', async () => {
    const user = await quickUser();
    user.photo(await sharp(path.join('test/fixtures/photos', 'coffee.jpg')).resize(400, 300, { fit: 'cover' }).jpeg().toBuffer());
    const [video] = await user.getsVideos(1);
    expect(video!.caption).not.toContain('Cropped');
    await user.tap('Higher resolution');
    await user.tap('⬆️ 720p · 1280×720');
    await user.getsVideos(2);
    expect((await jobsOf(user)).map(({ options }) => options)).toMatchObject([
      { resolution: 'P360', fit: 'COVER' },
      { resolution: 'P720', fit: 'CONTAIN' },
    ]);
  });

  it('in portrait is offered portrait sizes', async () => {
    const user = telegram.user();
    user.send('/start');
    for (const label of ['Photo → video', '3 seconds']) await user.tap(label);
    await user.sees(/Which size\?\n\n.*portrait video, such as 720p · 720×1280\./);
    for (const label of ['360p', 'Pan left']) await user.tap(label);
    user.photo('portrait.jpg');
    const [video] = await user.getsVideos(1);
    await user.tap('Higher resolution');
    await until(async () => video!.buttons.some(({ text }) => text.startsWith('⬆️ 480p')));
    expect(video!.buttons.map(({ text }) => text)).toEqual(['⬆️ 480p · 480×640', '⬆️ 720p · 720×1280', '⬆️ 1080p · 1080×1920', '◀️ Back']);
  });
});

describe('cancelling', () => {
  it('stops a job that is rendering', async () => {
    const user = telegram.user();
    await user.chooses('12 seconds', '1080p', 'Move in');
    user.photo('galaxies.jpg');
    await user.sees(/\[.*\] [1-9]\d? %/);
    await user.tap('Cancel');
    await until(async () => telegram.callsOf('answerCallbackQuery').some(({ fields }) => fields['text'] === '✋ Stopping…'));
    await user.sees(/✋ Stopped/);
    expect(await jobsOf(user)).toMatchObject([{ status: 'CANCELLED' }]);
    expect(user.videos).toHaveLength(0);
  });

  it('stops a job that is waiting in the queue', async () => {
    const [busy, user] = [telegram.user(), await quickUser()];
    await busy.chooses('12 seconds', '1080p', 'Move in');
    busy.photo('galaxies.jpg');
    await busy.sees(/\[.*\]/);
    user.photo('cat.jpg');
    await user.sees(/Position 1 · about/);
    await user.tap('Cancel');
    await user.sees(/✋ Stopped/);
    expect(await jobsOf(user)).toMatchObject([{ status: 'CANCELLED' }]);
    busy.send('/cancel');
    await busy.sees(/✋ Stopped/);
  });

  it('moves later jobs up in the queue, and their status messages show that', async () => {
    const [busy, first, second] = [telegram.user(), await quickUser(), await quickUser()];
    await busy.chooses('12 seconds', '1080p', 'Move in');
    busy.photo('galaxies.jpg');
    await busy.sees(/\[.*\]/);
    first.photo('cat.jpg');
    await first.sees(/Position 1/);
    second.photo('cat.jpg');
    await second.sees(/Position 2/);
    first.send('/cancel');
    expect(await second.sees(/Position 1/)).toMatchObject({ history: expect.arrayContaining([expect.stringMatching(/Position 2/)]) });
    for (const user of [busy, second]) user.send('/cancel');
    await Promise.all([busy, second].map((user) => user.sees(/✋ Stopped/)));
  });

  it('says so if no job is open', async () => {
    const user = telegram.user();
    user.send('/cancel');
    expect((await user.sees(/in progress/)).text).toBe('No videos are in progress right now.');
  });
});

describe('two users at once', () => {
  it('get their own videos, and have no access to those of the other', async () => {
    const [first, second] = await Promise.all([quickUser(), quickUser()]);
    first.photo('cat.jpg');
    second.photo('portrait.jpg');
    await Promise.all([first.getsVideos(1), second.getsVideos(1)]);
    expect(first.videos[0]!.media!.fields).toMatchObject({ width: 480, height: 360 });
    expect(second.videos[0]!.media!.fields).toMatchObject({ width: 360, height: 480 });
    const stolen = first.videos[0]!.buttons.find(({ text }) => text.includes('New variation'))!;
    second.press(stolen.callback_data!);
    await second.sees(/This video no longer exists/);
    second.press(stolen.callback_data!.replace('again', 'send'));
    await second.sees(/🗑 This video was deleted/);
    expect(second.videos).toHaveLength(1);
  });
});

describe('a video too large for Telegram', () => {
  it('is sent as a link', async () => {
    await stack.bot!.stop();
    await stack.startBot(telegram, { BOT_VIDEO_MAX_MB: '0.01' });
    const user = await quickUser();
    user.photo('cat.jpg');
    const { buttons } = await user.sees(
      /too large to send here; use the button to download it[^]*3 seconds · 360p · Pan left\n🎲 Seed \d+/,
    );
    expect(buttons.find(({ text }) => text.includes('Download'))?.url).toMatch(/^https:\/\/videos\.example\/videos\//);
    expect(user.videos).toHaveLength(0);
  });
});
