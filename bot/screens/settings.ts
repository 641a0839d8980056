/** /settings: the language, and the options for photos sent without choosing any. */
import { Composer, InlineKeyboard } from 'grammy';
import { choiceText, resolveChoice } from '../requests/wording.ts';
import type { BotContext } from './context.ts';
import type { Kit } from './kit.ts';
import { show } from './tapped.ts';

export async function showSettings({ api }: Kit, ctx: BotContext): Promise<void> {
  const { say, record } = ctx;
  const options = await api.options();
  const choice = resolveChoice(options, record.choice);
  const fit = options.fits.findIndex(({ name }) => name === choice.fit);
  const other = options.fits[(fit + 1) % options.fits.length]!;
  const text = say('settings', {
    language: say('language-name'),
    choice: choiceText(say, options, choice),
    fit: say('fit', { name: choice.fit, description: options.fits[fit]!.description }),
  });
  const keyboard = new InlineKeyboard()
    .text(say('button-language'), 'languages')
    .row()
    .text(say('button-defaults'), 'd')
    .row()
    .text(say('button-fit', { name: other.name }), `fit:${other.name}`)
    .row();
  if (Object.values(record.choice).some((chosen) => chosen !== undefined)) keyboard.text(say('button-reset'), 'reset').row();
  await show(ctx, text, keyboard.text(say('button-menu'), 'menu'));
}

export function settingsScreens(kit: Kit): Composer<BotContext> {
  const { api, texts } = kit;
  const screens = new Composer<BotContext>();
  const settings = (ctx: BotContext) => showSettings(kit, ctx);

  screens.command('settings', settings);
  screens.callbackQuery('settings', settings);
  screens.callbackQuery('languages', async (ctx) => {
    const keyboard = new InlineKeyboard();
    for (const language of texts.languages) keyboard.text(texts.in(language)('language-name'), `language:${language}`).row();
    await show(ctx, ctx.say('choose-language'), keyboard.text(ctx.say('button-back'), 'settings'));
  });
  screens.callbackQuery(/^language:(\w+)$/, async (ctx) => {
    ctx.record.language = texts.in(ctx.match[1]!).language;
    ctx.record.languageChosen = true;
    ctx.say = texts.in(ctx.record.language);
    await settings(ctx);
  });
  screens.callbackQuery(/^fit:(\w+)$/, async (ctx) => {
    const { fits } = await api.options();
    if (fits.some(({ name }) => name === ctx.match[1])) ctx.record.choice = { ...ctx.record.choice, fit: ctx.match[1]! };
    await settings(ctx);
  });
  screens.callbackQuery('reset', async (ctx) => {
    ctx.record.choice = {};
    await settings(ctx);
  });
  return screens;
}
