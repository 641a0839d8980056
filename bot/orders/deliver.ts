import { InlineKeyboard, InputFile } from 'grammy';
import sharp from 'sharp';
import type { Job, Options } from '../api/answers.ts';
import type { ApiClient } from '../api/client.ts';
import { ApiError } from '../api/error.ts';
import type { Telegram } from '../telegram/client.ts';
import { isTooLarge } from '../telegram/errors.ts';
import type { Say } from '../texts/texts.ts';
import { choiceText } from './wording.ts';

/** Telegram's limits for thumbnails. */
const THUMBNAIL_SIDE = 320;
const THUMBNAIL_QUALITY = 80;
const MEGABYTE = 1_000_000;

export interface Delivery {
  readonly telegram: Telegram;
  readonly api: ApiClient;
  readonly say: Say;
  readonly chatId: number;
  readonly replyTo: number | undefined;
  /** Larger videos are handed over as a link, in bytes. */
  readonly maxBytes: number;
}

/**
 * Sends the video of a completed job with its buttons; where it is too large, a link.
 * @throws ApiError EXPIRED if it is no longer kept; errors of Telegram
 */
export async function deliver({ telegram, api, say, chatId, replyTo, maxBytes }: Delivery, job: Job): Promise<void> {
  const { result } = job;
  if (!result?.video) throw new ApiError('EXPIRED', 'The video is no longer kept.');
  const { video } = result;
  const options = await api.options();
  const common = {
    ...(replyTo === undefined ? {} : { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } }),
    reply_markup: videoKeyboard(say, options, job),
  };
  const sendLink = async () => {
    const megabytes = Math.ceil(result.sizeBytes / MEGABYTE);
    await telegram.api.sendMessage(chatId, say(isPublic(video.url) ? 'too-large-link' : 'too-large', { megabytes }), common);
  };
  if (result.sizeBytes > maxBytes) {
    await sendLink();
    return;
  }
  const thumbnail = result.poster ? await thumbnailOf(await api.download(result.poster.url)) : null;
  // Opened before Telegram is asked, so that the API's refusals are not taken for Telegram's; a second try reads it anew.
  let opened: ReadableStream<Uint8Array> | null = await api.download(video.url);
  const file = new InputFile(async () => {
    const stream = opened ?? (await api.download(video.url));
    opened = null;
    return stream;
  }, `${job.id}.mp4`);
  try {
    await telegram.api.sendVideo(chatId, file, {
      ...common,
      width: result.width, height: result.height, duration: result.durationSeconds, supports_streaming: true,
      caption: captionOf(say, options, job),
      ...(thumbnail && { thumbnail: new InputFile(thumbnail, 'thumbnail.jpg') }),
    });
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    await sendLink();
  }
}

export function captionOf(say: Say, options: Options, { options: rendered }: Job): string {
  return say('caption', { choice: choiceText(say, options, rendered), seed: String(rendered.seed) });
}

export function videoKeyboard(say: Say, options: Options, job: Job): InlineKeyboard {
  const keyboard = new InlineKeyboard().text(say('button-again'), `again:${job.id}`).text(say('button-motion'), `motion:${job.id}`).row();
  if (higherThan(options, job.options.resolution).length > 0) keyboard.text(say('button-higher'), `higher:${job.id}`);
  const link = job.result?.video?.url;
  if (link && isPublic(link)) keyboard.url(say('button-download'), `${link}&download=1`);
  return keyboard;
}

/** Names of the sizes with more pixels than `resolution`, smallest first. */
export function higherThan({ resolutions }: Options, resolution: string): string[] {
  const pixels = ({ width, height }: { width: number; height: number }) => width * height;
  const present = resolutions.find(({ name }) => name === resolution);
  return resolutions.filter((other) => present && pixels(other) > pixels(present)).toSorted((a, b) => pixels(a) - pixels(b)).map(({ name }) => name);
}

/** Whether somebody else than this machine can open it: an API without PUBLIC_URL signs links to itself. */
export function isPublic(link: string): boolean {
  const { hostname } = new URL(link);
  return !/^(localhost|127\..*|\[::1\]|0\.0\.0\.0)$/.test(hostname);
}

async function thumbnailOf(poster: ReadableStream<Uint8Array>): Promise<Buffer> {
  const bytes = await new Response(poster).arrayBuffer();
  return await sharp(bytes).resize({ width: THUMBNAIL_SIDE, height: THUMBNAIL_SIDE, fit: 'inside', withoutEnlargement: true }).jpeg({ quality: THUMBNAIL_QUALITY }).toBuffer();
}
