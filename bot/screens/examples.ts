/**
 * Example animations of the motions. Each is rendered from an example photo when it is first requested, by an engine that follows the
 * motion exactly; afterwards Telegram has the file.
 */
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
import { tryEdit, removeMessage } from './tapped.ts';

const OWNER = 'telegram:examples';
/** Launch of DSCOVR; photo by SpaceX, public domain. */
const PHOTO = path.join(ROOT, 'bot', 'example.jpg');
/** Changes whenever the photo or the options of the examples change. */
const VERSION = 1;

/** Timeout for rendering an example. */
const RENDER_MS = 120_000;

/** Longest wait for an edit in progress that shows an example in a message that is about to show something else. */
const EDIT_MS = 5_000;

/** Telegram's file ids, by motion. */
export const ExampleFiles = z.record(z.string(), z.string());
type ExampleFiles = z.infer<typeof ExampleFiles>;

interface Example {
  readonly motion: string;
  readonly caption: string;
  readonly keyboard: InlineKeyboard;
}

/** A message that waits for an example being rendered. */
interface Wait {
  /** The edit that shows the example in the message, once it has started. */
  edit?: Promise<unknown>;
}

export class MotionExamples {
  readonly #api: BotApi;
  readonly #folder: JsonFolder<ExampleFiles>;
  readonly #record: string;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  /** Telegram's file ids, once they have been read. */
  #files: Promise<ExampleFiles> | null = null;
  /** Links to the videos being rendered, by motion. */
  readonly #rendering = new Map<string, Promise<string>>();
  /** The newest wait of each message; an older one is not shown any more. */
  readonly #waits = new Map<string, Wait>();
  /** Examples are rendered one at a time, to stay within one owner's limit. */
  #lastRender: Promise<unknown> = Promise.resolve();

  /** @param botId Telegram's file ids are valid for this bot only */
  constructor(api: BotApi, folder: JsonFolder<ExampleFiles>, botId: number, log: Logger, signal: AbortSignal) {
    this.#api = api;
    this.#folder = folder;
    this.#record = `${botId}-v${VERSION}`;
    this.#log = log;
    this.#signal = signal;
  }

  /** Shows an example in the tapped message. If it has to be rendered first, resolves early and shows it later. */
  async show(ctx: BotContext, example: Example): Promise<void> {
    await this.stopWaiting(ctx);
    if (await this.#showKnown(ctx, example)) return;
    await showNote(ctx, 'example-making', example);
    void this.#showOnceRendered(ctx, example);
  }

  /** False if Telegram does not have the example, or no longer has it. */
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

  /** Call before the tapped message shows something else: an example that it waits for is then not shown there. */
  async stopWaiting(ctx: BotContext): Promise<void> {
    const message = messageKey(ctx);
    const wait = this.#waits.get(message);
    this.#waits.delete(message);
    await Promise.race([wait?.edit?.catch(() => {}), sleep(EDIT_MS, undefined, { ref: false })]);
  }

  async #showOnceRendered(ctx: BotContext, example: Example): Promise<void> {
    const { motion } = example;
    const message = messageKey(ctx);
    const wait: Wait = {};
    this.#waits.set(message, wait);
    const isOutdated = () => this.#signal.aborted || this.#waits.get(message) !== wait;
    try {
      const link = await this.#renderOnce(motion);
      const files = await this.#known();
      if (isOutdated()) return;
      // Another chat that waited for the same example may have received it by now.
      const edit = replaceMedia(ctx, files[motion] ?? new InputFile(() => this.#api.download(link), `${motion}.mp4`), example);
      wait.edit = edit;
      const fileId = await edit;
      if (fileId && files[motion] !== fileId) await this.#remember(files, motion, fileId);
    } catch (error) {
      if (isOutdated()) return;
      this.#log.warn({ err: error, motion }, 'could not show the example of a motion');
      await (wait.edit = showNote(ctx, 'example-failed', example)).catch(() => {});
    } finally {
      if (this.#waits.get(message) === wait) this.#waits.delete(message);
    }
  }

  async #remember(files: ExampleFiles, motion: string, fileId: string): Promise<void> {
    files[motion] = fileId;
    await this.#folder
      .write(this.#record, files)
      .catch((error: unknown) => this.#log.warn({ err: error, motion }, 'could not store the file id of an example'));
  }

  /** A link to the example; concurrent calls for a motion share one render. */
  #renderOnce(motion: string): Promise<string> {
    const running = this.#rendering.get(motion);
    if (running) return running;
    const render = this.#lastRender
      .catch(() => {})
      .then(() => this.#render(motion))
      .finally(() => this.#rendering.delete(motion));
    this.#rendering.set(motion, render);
    this.#lastRender = render;
    return render;
  }

  async #known(): Promise<ExampleFiles> {
    const files = (this.#files ??= this.#folder.read(this.#record).then((found) => found ?? {}));
    files.catch(() => (this.#files = null));
    return await files;
  }

  async #render(motion: string): Promise<string> {
    const { engines } = await this.#api.options();
    const uploadId = await this.#api.upload(OWNER, async () => createReadStream(PHOTO));
    const { id } = await this.#api.as(OWNER).createJob({
      image: { uploadId },
      idempotencyKey: randomUUID(),
      engine: engines.find(({ followsMotion }) => followsMotion)?.name,
      resolution: 'P360',
      durationSeconds: 3,
      motion,
      seed: 1,
    });
    for await (const job of this.#api.follow(OWNER, id, AbortSignal.any([this.#signal, AbortSignal.timeout(RENDER_MS)]))) {
      if (job?.error) throw new ApiError(job.error.code, job.error.message, job.error);
      if (job?.result?.video) return job.result.video.url;
    }
    throw new ApiError('EXPIRED', 'The example has been deleted.');
  }
}

const messageKey = ({ chat, msgId }: BotContext): string => `${chat?.id}:${msgId}`;

/** Replaces the tapped message by the animation; returns Telegram's file id. */
async function replaceMedia(ctx: BotContext, media: string | InputFile, { caption, keyboard }: Example): Promise<string | undefined> {
  const edited = await tryEdit(ctx.editMessageMedia({ type: 'animation', media, caption }, { reply_markup: keyboard }));
  if (edited !== null) return edited === true ? undefined : edited.animation?.file_id;
  const sent = await ctx.replyWithAnimation(media, { caption, reply_markup: keyboard });
  await removeMessage(ctx);
  return sent.animation.file_id;
}

/** Adds a note about the example below the caption, or below the text that replaces the caption. */
async function showNote(ctx: BotContext, key: string, { caption, keyboard }: Example): Promise<void> {
  const text = `${caption}\n\n${ctx.say(key)}`;
  const markup = { reply_markup: keyboard };
  if ((await tryEdit(ctx.editMessageText(text, markup))) !== null) return;
  if ((await tryEdit(ctx.editMessageCaption({ caption: text, ...markup }))) === null) await ctx.reply(text, markup);
}
