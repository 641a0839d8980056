/**
 * Choosing options step by step. The buttons carry the choices made so far, so that a menu works whenever it is tapped:
 *
 *   menu ──▶ w ──▶ w:6 ──▶ w:6:P720 ──▶ w:6:P720:PAN_L ──▶ "send me the photo"
 *   settings ──▶ d ──▶ d:6 ──▶ d:6:P720 ──▶ d:6:P720:PAN_L ──▶ settings
 */
import { Composer, InlineKeyboard } from 'grammy';
import type { Options } from '../../src/client/client.ts';
import type { Choice } from '../api.ts';
import { choiceText, resolutionText, resolveChoice, sizeText } from '../requests/wording.ts';
import type { Say } from '../texts/texts.ts';
import type { BotContext } from './context.ts';
import { column, type Kit } from './kit.ts';
import { showSettings } from './settings.ts';
import { show } from './tapped.ts';

export function wizardScreens(kit: Kit): Composer<BotContext> {
  const { api, examples } = kit;
  const screens = new Composer<BotContext>();

  screens.callbackQuery(/^[wd]\b/, async (ctx, next) => {
    await examples.stopWaiting(ctx);
    await next();
  });

  screens.callbackQuery(/^[wd]$/, async (ctx) => {
    const { say, record } = ctx;
    const { data } = ctx.callbackQuery;
    const options = await api.options();
    const keyboard = new InlineKeyboard();
    const text = [say('choose-duration')];
    // The last choices are offered when making a video; in the settings they are what is being changed.
    if (data === 'w' && wasChosen(record.choice)) {
      const last = resolveChoice(options, record.choice);
      const { durationSeconds: seconds, resolution, motion } = last;
      text.push('', say('same-as-last-time', { choice: choiceText(say, options, last) }));
      const rest = [resolutionText(options, resolution), say('motion', { name: motion })].join(' · ');
      keyboard.text(say('button-same', { seconds, choice: rest }), `w:${seconds}:${resolution}:${motion}`).row();
    }
    for (const { seconds } of options.durations) keyboard.text(say('duration', { seconds }), `${data}:${seconds}`).row();
    await show(ctx, text.join('\n'), keyboard.text(say('button-back'), data === 'w' ? 'menu' : 'settings'));
  });

  screens.callbackQuery(/^([wd]):\d+$/, async (ctx) => {
    const { say } = ctx;
    const { data } = ctx.callbackQuery;
    const options = await api.options();
    const sizes = options.resolutions.map(({ name }) => [sizeText(options, name, 'LANDSCAPE'), `${data}:${name}`] as const);
    const usual = options.resolutions.find(({ isDefault }) => isDefault) ?? options.resolutions[0]!;
    const question = [say('choose-resolution'), '', say('portrait-sizes', { size: sizeText(options, usual.name, 'PORTRAIT') })];
    await show(ctx, question.join('\n'), column([...sizes, [say('button-back'), ctx.match[1]!]]));
  });

  screens.callbackQuery(/^([wd]:\d+):\w+$/, async (ctx) => {
    const { say } = ctx;
    const { data } = ctx.callbackQuery;
    const keyboard = motionRows(say, await api.options(), data)
      .text(say('button-show-motions'), `see:${data}:0`)
      .row();
    await show(ctx, say('choose-motion'), keyboard.text(say('button-back'), ctx.match[1]!));
  });

  screens.callbackQuery(/^(([wd]):(\d+):(\w+)):(\w+)$/, async (ctx) => {
    const { say, record } = ctx;
    const [, before, start, seconds, resolution, motion] = ctx.match;
    const options = await api.options();
    const choice = resolveChoice(options, { ...record.choice, durationSeconds: Number(seconds), resolution, motion });
    record.choice = { ...choice, fit: record.choice.fit };
    if (start === 'd') await showSettings(kit, ctx);
    else await show(ctx, say('send-photo', { choice: choiceText(say, options, choice) }), column([[say('button-back'), before!]]));
  });

  screens.callbackQuery(/^see:([wd]:\d+:\w+):(\d+)$/, async (ctx) => {
    const { say } = ctx;
    const [, chosen, index] = ctx.match;
    const { motions } = await api.options();
    const at = Number(index) % motions.length;
    const { name, description } = motions[at]!;
    const step = (by: number) => `see:${chosen}:${(at + by + motions.length) % motions.length}`;
    const keyboard = new InlineKeyboard()
      .text('◀️', step(-1))
      .text(`${at + 1}/${motions.length}`, step(0))
      .text('▶️', step(1))
      .row()
      .text(say('button-take-motion'), `${chosen}:${name}`)
      .row()
      .text(say('button-back'), chosen!);
    await examples.show(ctx, {
      motion: name,
      caption: `🎥 ${say('motion', { name })}: ${say('motion-about', { name, description })}`,
      keyboard,
    });
  });

  return screens;
}

const wasChosen = ({ durationSeconds, resolution, motion }: Choice): boolean =>
  [durationSeconds, resolution, motion].some((chosen) => chosen !== undefined);

/** Two buttons per row, one for each motion except `but`; a button's data is `prefix` and the motion's name. */
export function motionRows(say: Say, { motions }: Options, prefix: string, but?: string): InlineKeyboard {
  const keyboard = new InlineKeyboard();
  for (const [index, { name }] of motions.filter((motion) => motion.name !== but).entries()) {
    if (index > 0 && index % 2 === 0) keyboard.row();
    keyboard.text(say('motion', { name }), `${prefix}:${name}`);
  }
  return keyboard.row();
}
