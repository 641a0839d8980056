/** Buttons below a video, and below the message that tells how it goes. */
import { Composer } from 'grammy';
import type { Job } from '../api/answers.ts';
import type { Choice } from '../api/client.ts';
import { ApiError } from '../api/error.ts';
import { newBatch, newOrder, retryable } from '../orders/batch.ts';
import { higherThan } from '../orders/deliver.ts';
import { resolutionText } from '../orders/wording.ts';
import { chatIdOf, column, hasRoom, type BotContext, type Kit } from './kit.ts';
import { motionRows } from './wizard.ts';

const JOB_ID = '([\\w-]{36})';

export function videoScreens(kit: Kit): Composer<BotContext> {
  const { api, desk } = kit;
  const screens = new Composer<BotContext>();

  /** @throws ApiError NOT_FOUND if there is none, or it is somebody else's */
  const find = async (ctx: BotContext, id: string): Promise<Job> => {
    const job = await api.job(ctx.owner, id);
    if (!job) throw new ApiError('NOT_FOUND', 'There is no such job.');
    return job;
  };

  /** Orders a video of the photo of `job`, with its choices but for `changes`. */
  const orderAnother = async (ctx: BotContext, { id, options }: Job, changes: Choice = {}) => {
    if (!(await hasRoom(kit, ctx))) return;
    const chatId = chatIdOf(ctx);
    const { durationSeconds, resolution, motion, fit } = options;
    const choice = { durationSeconds, resolution, motion, fit, ...changes };
    const tap = ctx.callbackQuery!.id;
    const order = newOrder({ key: `telegram:tap:${tap}`, fromJob: id, choice });
    await desk.take(newBatch({ id: `${chatId}-t${tap}`, chatId, replyTo: messageOf(ctx), createdAt: Date.now(), orders: [order] }));
  };

  screens.callbackQuery(new RegExp(`^again:${JOB_ID}$`), async (ctx) => {
    await orderAnother(ctx, await find(ctx, ctx.match[1]!));
  });

  screens.callbackQuery(new RegExp(`^motion:${JOB_ID}$`), async (ctx) => {
    const { options } = await find(ctx, ctx.match[1]!);
    await ctx.reply(ctx.say('choose-motion'), { reply_markup: motionRows(ctx.say, await api.options(), ctx.callbackQuery.data, options.motion) });
  });
  screens.callbackQuery(new RegExp(`^motion:${JOB_ID}:(\\w+)$`), async (ctx) => {
    await orderAnother(ctx, await find(ctx, ctx.match[1]!), { motion: ctx.match[2]! });
  });

  screens.callbackQuery(new RegExp(`^higher:${JOB_ID}$`), async (ctx) => {
    const job = await find(ctx, ctx.match[1]!);
    const options = await api.options();
    const [only, ...more] = higherThan(options, job.options.resolution);
    if (only === undefined) await ctx.reply(ctx.say('highest-already'));
    else if (more.length === 0) await orderAnother(ctx, job, { resolution: only });
    else await ctx.reply(ctx.say('choose-higher'), { reply_markup: column([only, ...more].map((name) => [resolutionText(options, name), `${ctx.callbackQuery.data}:${name}`])) });
  });
  screens.callbackQuery(new RegExp(`^higher:${JOB_ID}:(\\w+)$`), async (ctx) => {
    await orderAnother(ctx, await find(ctx, ctx.match[1]!), { resolution: ctx.match[2]! });
  });

  screens.callbackQuery(/^cancel:([\w-]+)$/, async (ctx) => {
    const [chatId, batchId] = [chatIdOf(ctx), ctx.match[1]!];
    if ((await desk.cancel(chatId, batchId)) > 0 || desk.has(chatId, batchId)) return;
    await withoutButtons(ctx);
    await ctx.reply(ctx.say('cancel-nothing'));
  });
  screens.callbackQuery(/^redo:([\w-]+)$/, async (ctx) => {
    const [chatId, tap] = [chatIdOf(ctx), ctx.callbackQuery.id];
    const id = `${chatId}-t${tap}`;
    const old = await desk.ended(chatId, ctx.match[1]!);
    if (!old) {
      await ctx.reply(ctx.say('old-button'));
      return;
    }
    // Tapped twice, it is tried again once.
    if (old.retriedAs === null && !(await hasRoom(kit, ctx, retryable(old).length))) return;
    await desk.retry(old, id, `telegram:tap:${tap}`);
    await withoutButtons(ctx);
  });
  return screens;
}

/** Takes the buttons off the message that was tapped; one that is gone needs none. */
const withoutButtons = async (ctx: BotContext): Promise<void> => void (await ctx.editMessageReplyMarkup().catch(() => {}));

const messageOf = (ctx: BotContext): number | undefined => ctx.callbackQuery?.message?.message_id;
