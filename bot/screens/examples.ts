/** What each motion does, shown on an example photo: rendered by the API's own PREVIEW when first asked for, then known to Telegram. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputFile, type InlineKeyboard } from 'grammy';
import { z } from 'zod';
import type { Logger } from '../../src/process/log.ts';
import { ROOT } from '../../src/process/version.ts';
import type { BotApi } from '../api.ts';
import { ApiError } from '../../src/client/error.ts';
import type { JsonFolder } from '../state/folder.ts';
import type { BotContext } from './context.ts';
import { isBlocked, isRefused } from '../telegram/errors.ts';
import { tryEdit, takeAway } from './tapped.ts';

const OWNER = 'telegram:examples';
/** Launch of DSCOVR, by SpaceX; public domain. */
const PHOTO = path.join(ROOT, 'bot', 'example.jpg');
/** Changes with photo or choices. */
const VERSION = 1;

/** Nobody waits for an example longer than that. */
const RENDER_MS = 120_000;

/** Longest wait for an example that is just being put into a message which is to show something else. */
const LEAVE_MS = 5_000;

/** A file at Telegram by motion. */
export const ExampleFiles = z.record(z.string(), z.string());
type ExampleFiles = z.infer<typeof ExampleFiles>;

interface Example {
  readonly motion: string;
  readonly caption: string;
  readonly keyboard: InlineKeyboard;
}

/** A message that is to show an example which is still being made. */
interface Wait {
  /** Set while the example is being put there. */
  arrival?: Promise<unknown>;
}

export class MotionExamples {
  readonly #api: BotApi;
  readonly #folder: JsonFolder<ExampleFiles>;
  readonly #record: string;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  /** Files at Telegram, once they were looked up. */
  #files: Promise<ExampleFiles> | null = null;
  /** Links to the videos that are being made, by motion. */
  readonly #making = new Map<string, Promise<string>>();
  /** By message: the newest only, what was asked for before it is not shown any more. */
  readonly #waits = new Map<string, Wait>();
  /** One after the other, within the limits of one owner. */
  #lastMade: Promise<unknown> = Promise.resolve();

  /** @param botId files at Telegram are known to one bot only */
  constructor(api: BotApi, folder: JsonFolder<ExampleFiles>, botId: number, log: Logger, signal: AbortSignal) {
    this.#api = api;
    this.#folder = folder;
    this.#record = `${botId}-v${VERSION}`;
    this.#log = log;
    this.#signal = signal;
  }

  /** Shows an example in the tapped message. Resolves at once; one that has to be rendered first comes a little later. */
  async show(ctx: BotContext, example: Example): Promise<void> {
    await this.leave(ctx);
    if (await this.#showKnown(ctx, example)) return;
    await showNote(ctx, 'example-making', example);
    void this.#showOnceMade(ctx, example);
  }

  /** False if Telegram does not know the example, or not any more. */
  async #showKnown(ctx: BotContext, example: Example): Promise<boolean> {
    const files = await this.#known();
    const fileId = files[example.motion];
    if (fileId === undefined) return false;
    try {
      await replaceMedia(ctx, fileId, example);
      return true;
    } catch (error) {
      if (!isRefused(error) || isBlocked(error)) throw error;
      delete files[example.motion];
      return false;
    }
  }

  /** The tapped message is to show something else: what it waits for does not come there any more. */
  async leave(ctx: BotContext): Promise<void> {
    const spot = spotOf(ctx);
    const wait = this.#waits.get(spot);
    this.#waits.delete(spot);
    await Promise.race([wait?.arrival?.catch(() => {}), sleep(LEAVE_MS, undefined, { ref: false })]);
  }

  async #showOnceMade(ctx: BotContext, example: Example): Promise<void> {
    const { motion } = example;
    const spot = spotOf(ctx);
    const wait: Wait = {};
    this.#waits.set(spot, wait);
    const isOutdated = () => this.#signal.aborted || this.#waits.get(spot) !== wait;
    try {
      const link = await this.#make(motion);
      const files = await this.#known();
      if (isOutdated()) return;
      // Who waited for the same may have been sent it by now.
      const arrival = replaceMedia(ctx, files[motion] ?? new InputFile(() => this.#api.download(link), `${motion}.mp4`), example);
      wait.arrival = arrival;
      const fileId = await arrival;
      if (fileId && files[motion] !== fileId) await this.#remember(files, motion, fileId);
    } catch (error) {
      if (isOutdated()) return;
      this.#log.warn({ err: error, motion }, 'could not show an example of a motion');
      await (wait.arrival = showNote(ctx, 'example-failed', example)).catch(() => {});
    } finally {
      if (this.#waits.get(spot) === wait) this.#waits.delete(spot);
    }
  }

  async #remember(files: ExampleFiles, motion: string, fileId: string): Promise<void> {
    files[motion] = fileId;
    await this.#folder
      .write(this.#record, files)
      .catch((error: unknown) => this.#log.warn({ err: error, motion }, 'could not remember an example of a motion'));
  }

  /** One video for all who wait for it. */
  #make(motion: string): Promise<string> {
    const under = this.#making.get(motion);
    if (under) return under;
    const made = this.#lastMade
      .catch(() => {})
      .then(() => this.#render(motion))
      .finally(() => this.#making.delete(motion));
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
    const uploadId = await this.#api.upload(OWNER, async () => createReadStream(PHOTO));
    const { id } = await this.#api.as(OWNER).createJob({
      image: { uploadId },
      idempotencyKey: randomUUID(),
      engine: 'PREVIEW',
      resolution: 'P360',
      durationSeconds: 3,
      motion,
      seed: 1,
    });
    for await (const job of this.#api.follow(OWNER, id, AbortSignal.any([this.#signal, AbortSignal.timeout(RENDER_MS)]))) {
      if (job?.error) throw new ApiError(job.error.code, job.error.message, job.error);
      if (job?.result?.video) return job.result.video.url;
    }
    throw new ApiError('EXPIRED', 'The example is no longer kept.');
  }
}

const spotOf = ({ chat, msgId }: BotContext): string => `${chat?.id}:${msgId}`;

/** Puts the animation in place of the tapped message; its file's id at Telegram. */
async function replaceMedia(ctx: BotContext, media: string | InputFile, { caption, keyboard }: Example): Promise<string | undefined> {
  const edited = await tryEdit(ctx.editMessageMedia({ type: 'animation', media, caption }, { reply_markup: keyboard }));
  if (edited !== null) return edited === true ? undefined : edited.animation?.file_id;
  const sent = await ctx.replyWithAnimation(media, { caption, reply_markup: keyboard });
  await takeAway(ctx);
  return sent.animation.file_id;
}

/** Says below the caption, or in the text that stands for it, how it is about the example. */
async function showNote(ctx: BotContext, key: string, { caption, keyboard }: Example): Promise<void> {
  const text = `${caption}\n\n${ctx.say(key)}`;
  const markup = { reply_markup: keyboard };
  if ((await tryEdit(ctx.editMessageText(text, markup))) !== null) return;
  if ((await tryEdit(ctx.editMessageCaption({ caption: text, ...markup }))) === null) await ctx.reply(text, markup);
}
