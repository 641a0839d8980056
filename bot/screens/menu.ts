import { Composer } from 'grammy';
import { chatIdOf, type BotContext } from './context.ts';
import { column, type Kit } from './kit.ts';
import { show } from './tapped.ts';

/** /start, the menu, /help and /cancel. */
export function menuScreens({ requests, photoMaxMb }: Kit): Composer<BotContext> {
  const screens = new Composer<BotContext>();
  const greet = async (ctx: BotContext) => {
    const { say } = ctx;
    await show(
      ctx,
      say('greeting'),
      column([
        [say('button-make'), 'w'],
        [say('button-videos'), 'list:0'],
        [say('button-settings'), 'settings'],
        [say('button-help'), 'help'],
      ]),
    );
  };
  const help = (ctx: BotContext) => show(ctx, ctx.say('help', { megabytes: photoMaxMb }), column([[ctx.say('button-menu'), 'menu']]));

  screens.command('start', greet);
  screens.callbackQuery('menu', greet);
  screens.command('help', help);
  screens.callbackQuery('help', help);
  screens.command('cancel', async (ctx) => {
    const { say } = ctx;
    const count = await requests.cancel(chatIdOf(ctx));
    if (count > 0) await ctx.reply(say('cancel-done', { count }));
    else await ctx.reply(requests.isCancelling(chatIdOf(ctx)) ? say('cancel-already') : say('cancel-nothing'));
  });
  return screens;
}
