/** Screens, and the message whose button was tapped: changed, or taken away. */
import { GrammyError, type InlineKeyboard } from 'grammy';
import { isNotModified, isRefused } from '../telegram/errors.ts';
import type { BotContext } from './context.ts';

/** What a change of a message comes to: true if it was so already, as after a second tap; null if Telegram refuses it. */
export async function tryEdit<T>(change: Promise<T>): Promise<T | true | null> {
  try {
    return await change;
  } catch (error) {
    if (!isRefused(error)) throw error;
    return isNotModified(error) ? true : null;
  }
}

/** Takes the buttons off the message; one that is gone needs none. */
export const withoutButtons = async (ctx: BotContext): Promise<void> => void (await ctx.editMessageReplyMarkup().catch(() => {}));

/** Deletes the message, or takes its buttons where Telegram keeps it, as after 48 hours. False if it was gone before. */
export async function takeAway(ctx: BotContext): Promise<boolean> {
  try {
    await ctx.deleteMessage();
  } catch (error) {
    if (!isRefused(error)) throw error;
    if (error instanceof GrammyError && /not found/i.test(error.description)) return false;
    await withoutButtons(ctx);
  }
  return true;
}

/**
 * Shows a screen: in place of the one that was tapped, or as a new message. Telegram makes no text of an animation, so that one is
 * taken away. Tapped twice, it is answered once.
 */
export async function show(ctx: BotContext, text: string, keyboard?: InlineKeyboard): Promise<void> {
  const tapped = ctx.callbackQuery?.message;
  if (tapped) {
    const isAnimation = 'animation' in tapped;
    if (!isAnimation && (await tryEdit(ctx.editMessageText(text, { reply_markup: keyboard }))) !== null) return;
    // It may have become an animation meanwhile.
    if (!(await takeAway(ctx)) && isAnimation) return;
  }
  await ctx.reply(text, { reply_markup: keyboard });
}
