/** Friendly replies to everything that no other screen handles. */
import { Composer } from 'grammy';
import type { BotContext } from './context.ts';

const REPLIES = [
  ['message:sticker', 'got-sticker'],
  [['message:video', 'message:animation', 'message:video_note'], 'got-video'],
  [['message:audio', 'message:voice'], 'got-audio'],
  ['message:text', 'got-text'],
] as const;

/** Messages sent by users. Service messages, such as "pinned a message", get no reply. */
const OTHER_KINDS = [
  'message:contact',
  'message:location',
  'message:venue',
  'message:poll',
  'message:dice',
  'message:game',
  'message:story',
  'message:paid_media',
] as const;

export function otherScreens(): Composer<BotContext> {
  const screens = new Composer<BotContext>();
  for (const [kinds, key] of REPLIES) screens.on(kinds as 'message:text', async (ctx) => void (await ctx.reply(ctx.say(key))));
  screens.on([...OTHER_KINDS], async (ctx) => void (await ctx.reply(ctx.say('got-other'))));
  screens.on('callback_query', async (ctx) => void (await ctx.reply(ctx.say('old-button'))));
  return screens;
}
