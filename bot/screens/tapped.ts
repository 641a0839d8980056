/** Edits and removes the message whose button was tapped. */
import { GrammyError, type InlineKeyboard } from 'grammy';
import { isNotModified, isRefused } from '../telegram/errors.ts';
import type { BotContext } from './context.ts';

/** The result of an edit; true if nothing changed, for example after a second tap; null if Telegram refuses the edit. */
export async function tryEdit<T>(edit: Promise<T>): Promise<T | true | null> {
  try {
    return await edit;
  } catch (error) {
    if (!isRefused(error)) throw error;
    return isNotModified(error) ? true : null;
  }
}

/** Removes the buttons of the message; ignores errors, for example if the message was deleted. */
export const withoutButtons = async (ctx: BotContext): Promise<void> => void (await ctx.editMessageReplyMarkup().catch(() => {}));

/** Deletes the message, or only its buttons if Telegram refuses, as it does after 48 hours. False if it was deleted before. */
export async function removeMessage(ctx: BotContext): Promise<boolean> {
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
 * Shows a screen in place of the tapped message, or as a new message. Telegram cannot turn an animation into text, so a tapped animation is
 * deleted and a new message sent. A second tap on the same button has no effect.
 */
export async function show(ctx: BotContext, text: string, keyboard?: InlineKeyboard): Promise<void> {
  const tapped = ctx.callbackQuery?.message;
  if (tapped) {
    const isAnimation = 'animation' in tapped;
    if (!isAnimation && (await tryEdit(ctx.editMessageText(text, { reply_markup: keyboard }))) !== null) return;
    // The message may have become an animation since it was tapped.
    if (!(await removeMessage(ctx)) && isAnimation) return;
  }
  await ctx.reply(text, { reply_markup: keyboard });
}
