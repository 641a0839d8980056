import { InlineKeyboard, InputFile } from 'grammy';
import sharp from 'sharp';
import type { Logger } from '../../src/process/log.ts';
import type { Job, Options } from '../../src/client/client.ts';
import type { BotApi } from '../api.ts';
import { isCropped } from '../../src/client/crop.ts';
import { ApiError } from '../../src/client/error.ts';
import type { Telegram } from '../telegram/client.ts';
import type { TelegramSignal } from '../telegram/signal.ts';
import { isBadLink, isTooLarge } from '../telegram/errors.ts';
import { inReplyTo } from '../telegram/reply.ts';
import type { Say } from '../texts/texts.ts';
import { choiceText } from './wording.ts';

/** Telegram's limits for thumbnails. */
const THUMBNAIL_SIDE = 320;
const THUMBNAIL_QUALITY = 80;
const MEGABYTE = 1_000_000;

export interface Delivery {
  readonly telegram: Telegram;
  readonly api: BotApi;
  readonly say: Say;
  readonly chatId: number;
  readonly replyTo: number | undefined;
  /** Larger videos are handed over as a link, in bytes. */
  readonly maxBytes: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Sends the video of a completed job with its buttons; where it is too large, a link. One try: what may be tried again is the caller's
 * to know, who lets others send meanwhile.
 * @throws ApiError EXPIRED if it is no longer kept; errors of Telegram
 */
export async function deliver(delivery: Delivery, job: Job): Promise<void> {
  const link = job.result?.video && isPublic(job.result.video.url) ? job.result.video.url : null;
  try {
    await handOver(delivery, job, link);
  } catch (error) {
    if (link === null || !isBadLink(error)) throw error;
    delivery.log.warn({ err: error }, 'Telegram does not take links to the API; PUBLIC_URL is to be an address that everybody can open');
    await handOver(delivery, job, null);
  }
}

/** @param link where everybody can download it, null if nowhere */
async function handOver(
  { telegram, api, say, chatId, replyTo, maxBytes, log, signal }: Delivery,
  job: Job,
  link: string | null,
): Promise<void> {
  const { result } = job;
  if (!result?.video) throw new ApiError('EXPIRED', 'The video is no longer kept.');
  const { video } = result;
  const options = await api.options();
  const common = {
    ...inReplyTo(replyTo),
    reply_markup: videoKeyboard(say, options, job, link),
  };
  const sendLink = async () => {
    const megabytes = Math.ceil(result.sizeBytes / MEGABYTE);
    const text = `${say(link === null ? 'too-large' : 'too-large-link', { megabytes })}\n\n${captionOf(say, options, job)}`;
    await telegram.once.sendMessage(chatId, text, common, signal as TelegramSignal);
  };
  if (result.sizeBytes > maxBytes) {
    await sendLink();
    return;
  }
  const thumbnail = await thumbnailOf(api, job).catch((error: unknown) => {
    log.info({ err: error, jobId: job.id }, 'a video goes without its thumbnail');
    return null;
  });
  // Opened before Telegram is asked, so that the API's refusals are not taken for Telegram's.
  const reading = new AbortController();
  const bytes = await api.download(video.url, reading.signal);
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
    reading.abort(); // Telegram may have refused it before it was read
  }
}

function captionOf(say: Say, options: Options, job: Job): string {
  const { options: rendered } = job;
  const caption = say('caption', { choice: choiceText(say, options, rendered), seed: String(rendered.seed) });
  return isCropped(job) ? `${caption}\n${say('caption-cropped')}` : caption;
}

/** @param link where everybody can download it, null if nowhere */
export function videoKeyboard(say: Say, options: Options, job: Job, link: string | null): InlineKeyboard {
  const keyboard = new InlineKeyboard().text(say('button-again'), `again:${job.id}`).text(say('button-motion'), `motion:${job.id}`);
  if (isCropped(job)) keyboard.row().text(say('button-whole'), `whole:${job.id}`);
  const isHighest = higherThan(options, job.options.resolution).length === 0;
  if (!isHighest || link !== null) keyboard.row();
  if (!isHighest) keyboard.text(say('button-higher'), `higher:${job.id}`);
  if (link !== null) keyboard.url(say('button-download'), `${link}&download=1`);
  return keyboard;
}

/** Names of the sizes with more pixels than `resolution`, smallest first. */
export function higherThan({ resolutions }: Options, resolution: string): string[] {
  const pixels = ({ width, height }: { width: number; height: number }) => width * height;
  const present = resolutions.find(({ name }) => name === resolution);
  return resolutions
    .filter((other) => present && pixels(other) > pixels(present))
    .toSorted((a, b) => pixels(a) - pixels(b))
    .map(({ name }) => name);
}

/**
 * Whether somebody else than this machine or those beside it can open it: an API without PUBLIC_URL signs links to itself, and Telegram
 * takes no names without a dot.
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
