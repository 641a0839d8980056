/** What the screens share. */
import { InlineKeyboard } from 'grammy';
import type { BotApi } from '../api.ts';
import type { Requests } from '../requests/requests.ts';
import type { Chats } from '../state/chats.ts';
import { inReplyTo } from '../telegram/parameters.ts';
import type { Texts } from '../texts/texts.ts';
import { chatIdOf, type BotContext } from './context.ts';
import type { MotionExamples } from './examples.ts';

export interface Kit {
  readonly api: BotApi;
  readonly requests: Requests;
  readonly chats: Chats;
  readonly texts: Texts;
  readonly examples: MotionExamples;
  /** In megabytes. */
  readonly photoMaxMb: number;
  readonly photosAtOnce: number;
}

/** Photos refused within this time after a refusal are refused without another message. */
const FLOOD_MS = 5_000;

/**
 * Whether the chat has room for `wanted` more videos in progress; replies with the reason if not.
 * @param replyTo the message that asks for them; absent for a tap on a button, which always gets a reply
 */
export async function hasRoom({ requests, photosAtOnce }: Kit, ctx: BotContext, wanted = 1, replyTo?: number): Promise<boolean> {
  const { say, record } = ctx;
  const count = requests.openCount(chatIdOf(ctx));
  // An album that was accepted under a higher limit can still be retried.
  if (count + wanted <= photosAtOnce || (count === 0 && wanted > 1)) return true;
  if (replyTo !== undefined) {
    if (Date.now() - record.refusedAt < FLOOD_MS) return false;
    record.refusedAt = Date.now();
  }
  await ctx.reply(say('too-many', { count }), inReplyTo(replyTo));
  return false;
}

/** Pattern of a job id in a button's data. */
export const JOB_ID = '([\\w-]{36})';

/** One button per row. */
export function column(rows: readonly (readonly [label: string, data: string])[]): InlineKeyboard {
  return new InlineKeyboard(rows.map(([label, data]) => [InlineKeyboard.text(label, data)]));
}
