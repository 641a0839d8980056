/** /privacy: what is stored, for how long, and deleting all of it. */
import { Composer } from 'grammy';
import { chatIdOf, type BotContext } from './context.ts';
import { column, type Kit } from './kit.ts';
import { show } from './tapped.ts';

export function privacyScreens({ api, requests, chats }: Kit): Composer<BotContext> {
  const screens = new Composer<BotContext>();
  const privacy = async (ctx: BotContext) => {
    const { say } = ctx;
    const { filesKeptHours: hours, jobsKeptDays: days } = (await api.options()).limits;
    await show(
      ctx,
      say('privacy', { hours, days }),
      column([
        [say('button-delete-all'), 'delete-all'],
        [say('button-menu'), 'menu'],
      ]),
    );
  };

  screens.command('privacy', privacy);
  screens.callbackQuery('privacy', privacy);
  screens.callbackQuery('delete-all', async (ctx) => {
    const { say } = ctx;
    await show(
      ctx,
      say('delete-all-question'),
      column([
        [say('button-delete-all-yes'), 'delete-all:yes'],
        [say('button-delete-all-no'), 'privacy'],
      ]),
    );
  });
  screens.callbackQuery('delete-all:yes', async (ctx) => {
    const chatId = chatIdOf(ctx);
    // If the API is unreachable, nothing is deleted anywhere.
    await api.ping();
    // The bot's requests first: one being submitted would create a job after the deletion.
    await requests.forget(chatId);
    const count = await api.deleteMyData(ctx.owner);
    await chats.forget(chatId);
    await show(ctx, ctx.say('delete-all-done', { count }), column([[ctx.say('button-menu'), 'menu']]));
  });
  return screens;
}
