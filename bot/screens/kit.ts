/** What every screen works with. */
import { InlineKeyboard, type Context } from 'grammy';
import type { ApiClient } from '../api/client.ts';
import type { Desk } from '../orders/desk.ts';
import type { ChatRecord, Chats } from '../state/chats.ts';
import { isRefused } from '../telegram/errors.ts';
import type { Say, Texts } from '../texts/texts.ts';
import type { MotionExamples } from './examples.ts';

export interface Kit {
  readonly api: ApiClient;
  readonly desk: Desk;
  readonly chats: Chats;
  readonly texts: Texts;
  readonly examples: MotionExamples;
  /** In megabytes. */
  readonly photoMaxMb: number;
  readonly photosAtOnce: number;
}

interface Person {
  /** What is remembered of this chat; saved after every update. */
  record: ChatRecord;
  say: Say;
  /** Who this is to the API. */
  owner: string;
}

/** A message or tap of one person in a private chat. */
export type BotContext = Context & Person;

/** Number of the private chat, which is the person's. */
export const chatIdOf = (ctx: BotContext): number => ctx.chat?.id ?? ctx.from!.id;

/** Shows a screen: in place of the one that was tapped, or as a new message. */
export async function show(ctx: BotContext, text: string, keyboard?: InlineKeyboard): Promise<void> {
  const tapped = ctx.callbackQuery?.message;
  if (tapped && 'text' in tapped) {
    try {
      await ctx.editMessageText(text, { reply_markup: keyboard });
      return;
    } catch (error) {
      if (!isRefused(error)) throw error;
      if (/not modified/i.test(String(error))) return;
    }
  }
  await ctx.reply(text, { reply_markup: keyboard });
}

/** One button a row. */
export function column(rows: readonly (readonly [label: string, data: string])[]): InlineKeyboard {
  return new InlineKeyboard(rows.map(([label, data]) => [InlineKeyboard.text(label, data)]));
}
