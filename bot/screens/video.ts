/** Buttons below a video, and below the message that tells how it goes. */
import { Composer } from 'grammy';
import type { Job } from '../api/answers.ts';
import type { Choice } from '../api/client.ts';
import { ApiError } from '../api/error.ts';
import { newBatch, newOrder } from '../orders/batch.ts';
import { higherThan } from '../orders/deliver.ts';
import { resolutionText } from '../orders/wording.ts';
import { chatIdOf, column, type BotContext, type Kit } from './kit.ts';
import { motionRows } from './wizard.ts';

const JOB_ID = '([\\w-]{36})';

export function videoScreens({ api, desk, photosAtOnce }: Kit): Composer<BotContext> {
  const screens = new Composer<BotContext>();

  /** @throws ApiError NOT_FOUND if there is none, or it is somebody else's */
  const find = async (ctx: BotContext, id: string): Promise<Job> => {
    const job = await api.job(ctx.owner, id);
    if (!job) throw new ApiError('NOT_FOUND', 'There is no such job.');
    return job;
  };

  /** Orders a video of the photo of `job`, with its choices but for `changes`. */
  const orderAnother = async (ctx: BotContext, { id, options }: Job, changes: Choice = {}) => {
    const chatId = chatIdOf(ctx);
    const count = desk.openCount(chatId);
    if (count >= photosAtOnce) {
      await ctx.reply(ctx.say('too-many', { count }));
      return;
    }
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
    await desk.cancel(chatIdOf(ctx), ctx.match[1]!);
  });
  screens.callbackQuery(/^redo:([\w-]+)$/, async (ctx) => {
    const chatId = chatIdOf(ctx);
    const tap = ctx.callbackQuery.id;
    if (await desk.retry(chatId, ctx.match[1]!, `${chatId}-t${tap}`, `telegram:tap:${tap}`)) await ctx.editMessageReplyMarkup().catch(() => {}); // once is enough
    else await ctx.reply(ctx.say('old-button'));
  });
  return screens;
}

const messageOf = (ctx: BotContext): number | undefined => ctx.callbackQuery?.message?.message_id;
