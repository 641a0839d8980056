/**
 * Choosing, step by step. What was chosen so far stands in the buttons themselves, so that a menu works whenever it is tapped:
 *
 *   w ──▶ w:6 ──▶ w:6:P720 ──▶ w:6:P720:PAN_L ──▶ "send me the photo"
 */
import { Composer, InlineKeyboard } from 'grammy';
import type { Options } from '../api/answers.ts';
import { choiceText, resolutionText, settle } from '../orders/wording.ts';
import type { Say } from '../texts/texts.ts';
import { column, type BotContext, type Kit } from './kit.ts';
import { showText } from './tapped.ts';

export function wizardScreens({ api, examples }: Kit): Composer<BotContext> {
  const screens = new Composer<BotContext>();

  screens.callbackQuery(/^w\b/, async (ctx, next) => {
    await examples.leave(ctx);
    await next();
  });

  screens.callbackQuery('w', async (ctx) => {
    const { say, record } = ctx;
    const options = await api.options();
    const keyboard = new InlineKeyboard();
    if (Object.keys(record.choice).length > 0) {
      const { durationSeconds, resolution, motion } = settle(options, record.choice);
      keyboard.text(say('button-same', { choice: choiceText(say, options, { durationSeconds, resolution, motion }) }), `w:${durationSeconds}:${resolution}:${motion}`).row();
    }
    for (const { seconds } of options.durations) keyboard.text(say('duration', { seconds }), `w:${seconds}`).row();
    await showText(ctx, say('choose-duration'), keyboard.text(say('button-back'), 'menu'));
  });

  screens.callbackQuery(/^w:(\d+)$/, async (ctx) => {
    const { say } = ctx;
    const options = await api.options();
    const sizes = options.resolutions.map(({ name, width, height }) => [`${resolutionText(options, name)} · ${width}×${height}`, `w:${ctx.match[1]}:${name}`] as const);
    await showText(ctx, say('choose-resolution'), column([...sizes, [say('button-back'), 'w']]));
  });

  screens.callbackQuery(/^w:(\d+):(\w+)$/, async (ctx) => {
    const { say } = ctx;
    const { data } = ctx.callbackQuery;
    const keyboard = motionRows(say, await api.options(), data).text(say('button-show-motions'), `see:${data.slice(2)}:0`).row();
    await showText(ctx, say('choose-motion'), keyboard.text(say('button-back'), `w:${ctx.match[1]}`));
  });

  screens.callbackQuery(/^w:(\d+):(\w+):(\w+)$/, async (ctx) => {
    const { say, record } = ctx;
    const [, seconds, resolution, motion] = ctx.match;
    const options = await api.options();
    const choice = settle(options, { ...record.choice, durationSeconds: Number(seconds), resolution, motion });
    record.choice = { ...choice, fit: record.choice.fit };
    await showText(ctx, say('send-photo', { choice: choiceText(say, options, choice) }), column([[say('button-back'), `w:${seconds}:${resolution}`]]));
  });

  screens.callbackQuery(/^see:(\d+:\w+):(\d+)$/, async (ctx) => {
    const { say } = ctx;
    const [, chosen, index] = ctx.match;
    const { motions } = await api.options();
    const at = Number(index) % motions.length;
    const { name, description } = motions[at]!;
    const step = (by: number) => `see:${chosen}:${(at + by + motions.length) % motions.length}`;
    const keyboard = new InlineKeyboard().text('◀️', step(-1)).text(`${at + 1}/${motions.length}`, step(0)).text('▶️', step(1)).row()
      .text(say('button-take-motion'), `w:${chosen}:${name}`).row().text(say('button-back'), `w:${chosen}`);
    await examples.show(ctx, { motion: name, caption: `🎥 ${say('motion', { name })}: ${say('motion-about', { name, description })}`, keyboard });
  });

  return screens;
}

/** A button for each motion, two in a row; the motion's name is added to `prefix`. */
export function motionRows(say: Say, { motions }: Options, prefix: string, but?: string): InlineKeyboard {
  const keyboard = new InlineKeyboard();
  for (const [index, { name }] of motions.filter((motion) => motion.name !== but).entries()) {
    keyboard.text(say('motion', { name }), `${prefix}:${name}`);
    if (index % 2 === 1) keyboard.row();
  }
  return keyboard.row();
}
