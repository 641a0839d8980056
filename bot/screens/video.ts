/** The buttons under a video and under a status message. */
import { Composer, InlineKeyboard } from 'grammy';
import type { Job } from '../../src/client/client.ts';
import type { Choice } from '../api.ts';
import { ApiError } from '../../src/client/error.ts';
import { newGroup, newRequest, retryable, type VideoRequest } from '../requests/group.ts';
import { higherThan, isPublic, videoKeyboard } from '../requests/deliver.ts';
import { sizeText } from '../requests/wording.ts';
import { chatIdOf, type BotContext } from './context.ts';
import { hasRoom, JOB_ID, type Kit } from './kit.ts';
import { tryEdit, withoutButtons } from './tapped.ts';
import { motionRows } from './wizard.ts';

export function videoScreens(kit: Kit): Composer<BotContext> {
  const { api, requests } = kit;
  const screens = new Composer<BotContext>();

  /** @throws ApiError NOT_FOUND if it does not exist or belongs to another user */
  const find = async (ctx: BotContext, id: string): Promise<Job> => {
    const job = await api.as(ctx.owner).job(id);
    if (!job) throw new ApiError('NOT_FOUND', 'Not found, or not yours.');
    return job;
  };

  /**
   * Requests another video of the photo of `job`, with its options except for `changes`.
   * @param pinned the engine and seed to keep; without them the video is a new variation
   */
  const requestAnother = async (
    ctx: BotContext,
    { id, options }: Job,
    changes: Choice = {},
    pinned: Pick<VideoRequest, 'engine' | 'seed'> = {},
  ) => {
    if (!(await hasRoom(kit, ctx))) return;
    const chatId = chatIdOf(ctx);
    const { durationSeconds, resolution, motion, fit } = options;
    const choice = { durationSeconds, resolution, motion, fit, ...changes };
    const tap = ctx.callbackQuery!.id;
    const request = newRequest({ key: `telegram:tap:${tap}`, fromJob: id, choice, ...pinned });
    await requests.take(newGroup({ id: `${chatId}-t${tap}`, chatId, replyTo: messageOf(ctx), createdAt: Date.now(), requests: [request] }));
  };

  /** Replaces the video's buttons by choices; sends them with a question if the video can no longer be edited. */
  const offerChoices = async (ctx: BotContext, id: string, question: string, choices: InlineKeyboard) => {
    const keyboard = choices.text(ctx.say('button-back'), `video:${id}`);
    if ((await tryEdit(ctx.editMessageReplyMarkup({ reply_markup: keyboard }))) === null)
      await ctx.reply(ctx.say(question), { reply_markup: keyboard });
  };

  /** Restores the video's buttons, without the download link if Telegram rejects that. */
  const showOwnButtons = async (ctx: BotContext, job: Job) => {
    const options = await api.options();
    const url = job.result?.video?.url;
    for (const link of url && isPublic(url) ? [url, null] : [null]) {
      if ((await tryEdit(ctx.editMessageReplyMarkup({ reply_markup: videoKeyboard(ctx.say, options, job, link) }))) !== null) return;
    }
  };

  screens.callbackQuery(new RegExp(`^again:${JOB_ID}$`), async (ctx) => {
    await requestAnother(ctx, await find(ctx, ctx.match[1]!));
  });

  screens.callbackQuery(new RegExp(`^whole:${JOB_ID}$`), async (ctx) => {
    const job = await find(ctx, ctx.match[1]!);
    const { engine, seed } = job.options;
    await requestAnother(ctx, job, { fit: 'CONTAIN' }, { engine, seed });
  });

  screens.callbackQuery(new RegExp(`^motion:${JOB_ID}$`), async (ctx) => {
    const { id, options } = await find(ctx, ctx.match[1]!);
    await offerChoices(ctx, id, 'choose-motion', motionRows(ctx.say, await api.options(), ctx.callbackQuery.data, options.motion));
  });
  screens.callbackQuery(new RegExp(`^higher:${JOB_ID}$`), async (ctx) => {
    const job = await find(ctx, ctx.match[1]!);
    const options = await api.options();
    const [only, ...more] = higherThan(options, job.options.resolution);
    if (only === undefined) {
      await ctx.reply(ctx.say('highest-already'));
      return;
    }
    if (more.length === 0) {
      await requestAnother(ctx, job, atResolution(ctx, job, only));
      return;
    }
    const keyboard = new InlineKeyboard();
    for (const name of [only, ...more])
      keyboard.text(`⬆️ ${sizeText(options, name, job.options.orientation)}`, `${ctx.callbackQuery.data}:${name}`).row();
    await offerChoices(ctx, job.id, 'choose-higher', keyboard);
  });
  screens.callbackQuery(new RegExp(`^(motion|higher):${JOB_ID}:(\\w+)$`), async (ctx) => {
    const [, what, id, name] = ctx.match;
    const job = await find(ctx, id!);
    await requestAnother(ctx, job, what === 'motion' ? { motion: name } : atResolution(ctx, job, name!));
    await showOwnButtons(ctx, job);
  });
  screens.callbackQuery(new RegExp(`^video:${JOB_ID}$`), async (ctx) => {
    await showOwnButtons(ctx, await find(ctx, ctx.match[1]!));
  });

  screens.callbackQuery(/^cancel:([\w-]+)$/, async (ctx) => {
    const [chatId, groupId] = [chatIdOf(ctx), ctx.match[1]!];
    if ((await requests.cancel(chatId, groupId)) > 0 || requests.isCancelling(chatId, groupId)) return;
    await withoutButtons(ctx);
    await ctx.reply(ctx.say('cancel-over'));
  });
  screens.callbackQuery(/^redo:([\w-]+)$/, async (ctx) => {
    const [chatId, tap] = [chatIdOf(ctx), ctx.callbackQuery.id];
    const id = `${chatId}-t${tap}`;
    const old = await requests.ended(chatId, ctx.match[1]!);
    if (!old) {
      await ctx.reply(ctx.say('old-button'));
      return;
    }
    // A second tap does not retry again.
    if (old.retriedAs === null && !(await hasRoom(kit, ctx, retryable(old).length))) return;
    await requests.retry(old, id, `telegram:tap:${tap}`);
    await withoutButtons(ctx);
  });
  return screens;
}

/**
 * Another resolution may have another aspect ratio, at which COVER would crop more. So the fit is resolved again, according to the chat's
 * settings, unless `job` shows the whole photo.
 */
const atResolution = ({ record }: BotContext, { options: { fit } }: Job, resolution: string): Choice => ({
  resolution,
  fit: fit === 'CONTAIN' ? fit : record.choice.fit,
});

const messageOf = (ctx: BotContext): number | undefined => ctx.callbackQuery?.message?.message_id;
