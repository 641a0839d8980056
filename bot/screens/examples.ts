/** What each motion does, shown on an example photo: rendered by the API's own PREVIEW when first asked for, then known to Telegram. */
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { InputFile, type InlineKeyboard } from 'grammy';
import { z } from 'zod';
import type { Logger } from '../../src/infra/log.ts';
import { ROOT } from '../../src/infra/version.ts';
import type { ApiClient } from '../api/client.ts';
import { ApiError } from '../api/error.ts';
import type { JsonFolder } from '../state/folder.ts';
import type { BotContext } from './kit.ts';

const OWNER = 'telegram:examples';
/** Launch of DSCOVR, by SpaceX; public domain. */
const PHOTO = path.join(ROOT, 'bot', 'example.jpg');
/** Changes with photo or choices. */
const VERSION = 1;

/** Nobody waits for an example longer than that. */
const RENDER_MS = 120_000;

/** A file at Telegram by motion. */
export const ExampleFiles = z.record(z.string(), z.string());
type ExampleFiles = z.infer<typeof ExampleFiles>;

export class MotionExamples {
  readonly #api: ApiClient;
  readonly #folder: JsonFolder<ExampleFiles>;
  readonly #record: string;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  /** Files at Telegram, once they were looked up. */
  #files: Promise<ExampleFiles> | null = null;
  /** Links to the videos that are being made, by motion. */
  readonly #making = new Map<string, Promise<string>>();
  /** One after the other, within the limits of one owner. */
  #lastMade: Promise<unknown> = Promise.resolve();

  /** @param botId files at Telegram are known to one bot only */
  constructor(api: ApiClient, folder: JsonFolder<ExampleFiles>, botId: number, log: Logger, signal: AbortSignal) {
    this.#api = api;
    this.#folder = folder;
    this.#record = `${botId}-v${VERSION}`;
    this.#log = log;
    this.#signal = signal;
  }

  /**
   * Shows the example of `motion`: in place of the one that was tapped, or as a new message. Resolves at once; one that has to be
   * rendered first comes a little later.
   */
  async show(ctx: BotContext, motion: string, caption: string, keyboard: InlineKeyboard): Promise<void> {
    const known = (await this.#known())[motion];
    if (known) await send(ctx, known, caption, keyboard);
    else void this.#showOnceMade(ctx, motion, caption, keyboard);
  }

  async #showOnceMade(ctx: BotContext, motion: string, caption: string, keyboard: InlineKeyboard): Promise<void> {
    try {
      const link = await this.#make(motion);
      const files = await this.#known();
      // Who waited for the same may have been sent it by now.
      const fileId = await send(ctx, files[motion] ?? new InputFile(() => this.#api.download(link), `${motion}.mp4`), caption, keyboard);
      if (!fileId || files[motion] === fileId) return;
      files[motion] = fileId;
      await this.#folder.write(this.#record, files);
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#log.warn({ err: error, motion }, 'could not show an example of a motion');
      await ctx.reply(caption, { reply_markup: keyboard }).catch(() => {});
    }
  }

  /** One video for all who wait for it. */
  #make(motion: string): Promise<string> {
    const under = this.#making.get(motion);
    if (under) return under;
    const made = this.#lastMade.catch(() => {}).then(() => this.#render(motion)).finally(() => this.#making.delete(motion));
    this.#making.set(motion, made);
    this.#lastMade = made;
    return made;
  }

  async #known(): Promise<ExampleFiles> {
    const files = (this.#files ??= this.#folder.read(this.#record).then((found) => found ?? {}));
    files.catch(() => (this.#files = null));
    return await files;
  }

  async #render(motion: string): Promise<string> {
    // Videos are kept for a while only; a new day makes a new one.
    const today = new Date().toISOString().slice(0, 10);
    const uploadId = await this.#api.upload(OWNER, async () => createReadStream(PHOTO));
    const { id } = await this.#api.createJob(OWNER, {
      image: { uploadId }, idempotencyKey: `example:${VERSION}:${motion}:${today}`, engine: 'PREVIEW', resolution: 'P360', durationSeconds: 3, motion, tuning: { seed: 1 },
    });
    for await (const job of this.#api.follow(OWNER, id, AbortSignal.any([this.#signal, AbortSignal.timeout(RENDER_MS)]))) {
      if (job?.error) throw new ApiError(job.error.code, job.error.message);
      if (job?.result?.video) return job.result.video.url;
    }
    throw new ApiError('EXPIRED', 'The example is no longer kept.');
  }
}

/** The file's id at Telegram. */
async function send(ctx: BotContext, media: string | InputFile, caption: string, keyboard: InlineKeyboard): Promise<string | undefined> {
  const tapped = ctx.callbackQuery?.message;
  const sent = tapped && 'animation' in tapped
    ? await ctx.editMessageMedia({ type: 'animation', media, caption }, { reply_markup: keyboard })
    : await ctx.replyWithAnimation(media, { caption, reply_markup: keyboard });
  return typeof sent === 'object' ? sent.animation?.file_id : undefined;
}
