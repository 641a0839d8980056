/** What every screen works with. */
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

/** A refusal of photos is said once; those that follow within this time belong to the same flood. */
const FLOOD_MS = 5_000;

/**
 * Whether so many more videos may be made for this chat at once; says so if not.
 * @param replyTo message that asks for them; absent where a button was tapped, which is always answered
 */
export async function hasRoom({ requests, photosAtOnce }: Kit, ctx: BotContext, wanted = 1, replyTo?: number): Promise<boolean> {
  const { say, record } = ctx;
  const count = requests.openCount(chatIdOf(ctx));
  // An album that was begun under a higher limit can still be tried again.
  if (count + wanted <= photosAtOnce || (count === 0 && wanted > 1)) return true;
  if (replyTo !== undefined) {
    if (Date.now() - record.refusedAt < FLOOD_MS) return false;
    record.refusedAt = Date.now();
  }
  await ctx.reply(say('too-many', { count }), inReplyTo(replyTo));
  return false;
}

/** The id of a job, in the data of a button. */
export const JOB_ID = '([\\w-]{36})';

/** One button a row. */
export function column(rows: readonly (readonly [label: string, data: string])[]): InlineKeyboard {
  return new InlineKeyboard(rows.map(([label, data]) => [InlineKeyboard.text(label, data)]));
}
