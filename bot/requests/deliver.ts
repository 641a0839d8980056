import { InlineKeyboard, InputFile } from 'grammy';
import sharp from 'sharp';
import type { Logger } from '../../src/process/log.ts';
import type { Job, Options } from '../../src/client/client.ts';
import type { BotApi } from '../api.ts';
import { isCropped } from '../../src/client/crop.ts';
import { ApiError } from '../../src/client/error.ts';
import type { Telegram } from '../telegram/client.ts';
import { isBadLink, isTooLarge } from '../telegram/errors.ts';
import { inReplyTo, type TelegramSignal } from '../telegram/parameters.ts';
import type { Say } from '../texts/texts.ts';
import { megabytes } from '../units.ts';
import { choiceText } from './wording.ts';

/** Telegram's limit for thumbnails, in pixels. */
const THUMBNAIL_SIDE = 320;
const THUMBNAIL_QUALITY = 80;

export interface Delivery {
  readonly telegram: Telegram;
  readonly api: BotApi;
  readonly say: Say;
  readonly chatId: number;
  readonly replyTo: number | undefined;
  /** Larger videos are sent as a link, in bytes. */
  readonly maxBytes: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Sends the video of a completed job with its buttons; a link if it is too large. One try, since the caller lets other deliveries run
 * before the next one.
 * @throws ApiError EXPIRED if the video is deleted; errors of Telegram
 */
export async function deliver(delivery: Delivery, job: Job): Promise<void> {
  const link = job.result?.video && isPublic(job.result.video.url) ? job.result.video.url : null;
  try {
    await send(delivery, job, link);
  } catch (error) {
    if (link === null || !isBadLink(error)) throw error;
    delivery.log.warn(
      { err: error },
      'Telegram refuses links to the API; set PUBLIC_URL to an address that is reachable from the internet',
    );
    await send(delivery, job, null);
  }
}

/** @param link for downloading the video; null if the API has no public address */
async function send(delivery: Delivery, job: Job, link: string | null): Promise<void> {
  const { telegram, api, say, chatId, log, signal } = delivery;
  const { result } = job;
  if (!result?.video) throw new ApiError('EXPIRED', 'The video is no longer kept.');
  const options = await api.options();
  const common = { ...inReplyTo(delivery.replyTo), reply_markup: videoKeyboard(say, options, job, link) };
  const sendLink = async () => {
    const notice = say(link === null ? 'too-large' : 'too-large-link', { megabytes: Math.ceil(result.sizeBytes / megabytes(1)) });
    await telegram.once.sendMessage(chatId, `${notice}\n\n${captionOf(say, options, job)}`, common, signal as TelegramSignal);
  };
  if (result.sizeBytes > delivery.maxBytes) {
    await sendLink();
    return;
  }
  const thumbnail = await thumbnailOf(api, job).catch((error: unknown) => {
    log.info({ err: error, jobId: job.id }, 'sending a video without a thumbnail');
    return null;
  });
  // Opened before the call of Telegram, so that an error of the API is not mistaken for one of Telegram.
  const reading = new AbortController();
  const bytes = await api.download(result.video.url, reading.signal);
  try {
    await telegram.once.sendVideo(
      chatId,
      new InputFile(bytes, `${job.id}.mp4`),
      {
        ...common,
        width: result.width,
        height: result.height,
        duration: result.durationSeconds,
        supports_streaming: true,
        caption: captionOf(say, options, job),
        ...(thumbnail && { thumbnail: new InputFile(thumbnail, 'thumbnail.jpg') }),
      },
      signal as TelegramSignal,
    );
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    await sendLink();
  } finally {
    reading.abort(); // Telegram may have refused the video without reading it
  }
}

function captionOf(say: Say, options: Options, job: Job): string {
  const { options: rendered } = job;
  const caption = say('caption', { choice: choiceText(say, options, rendered), seed: String(rendered.seed) });
  return isCropped(job) ? `${caption}\n${say('caption-cropped')}` : caption;
}

/** The buttons below a video. @param link for downloading it; null if the API has no public address */
export function videoKeyboard(say: Say, options: Options, job: Job, link: string | null): InlineKeyboard {
  const keyboard = new InlineKeyboard().text(say('button-again'), `again:${job.id}`).text(say('button-motion'), `motion:${job.id}`);
  if (isCropped(job)) keyboard.row().text(say('button-whole'), `whole:${job.id}`);
  const isHighest = higherThan(options, job.options.resolution).length === 0;
  if (!isHighest || link !== null) keyboard.row();
  if (!isHighest) keyboard.text(say('button-higher'), `higher:${job.id}`);
  if (link !== null) keyboard.url(say('button-download'), `${link}&download=1`);
  return keyboard;
}

/** Names of the resolutions with more pixels than `resolution`, smallest first. */
export function higherThan({ resolutions }: Options, resolution: string): string[] {
  const pixels = ({ width, height }: { width: number; height: number }) => width * height;
  const present = resolutions.find(({ name }) => name === resolution);
  return resolutions
    .filter((other) => present && pixels(other) > pixels(present))
    .toSorted((a, b) => pixels(a) - pixels(b))
    .map(({ name }) => name);
}

/**
 * Whether a link can be opened from other networks. Without PUBLIC_URL, the API signs links to its own local address; Telegram refuses
 * host names without a dot.
 */
export function isPublic(link: string): boolean {
  const { hostname } = new URL(link);
  if (hostname.startsWith('[')) return hostname !== '[::1]' && hostname !== '[::]';
  return hostname.includes('.') && !hostname.endsWith('.localhost') && !/^(127\..*|0\.0\.0\.0)$/.test(hostname);
}

async function thumbnailOf(api: BotApi, { result }: Job): Promise<Buffer | null> {
  if (!result?.poster) return null;
  const bytes = await new Response(await api.download(result.poster.url)).arrayBuffer();
  return await sharp(bytes)
    .resize({ width: THUMBNAIL_SIDE, height: THUMBNAIL_SIDE, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: THUMBNAIL_QUALITY })
    .toBuffer();
}
