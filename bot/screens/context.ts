/** Context of an update: grammY's, with the record and language of the chat. */
import type { Context } from 'grammy';
import type { ChatRecord } from '../state/chats.ts';
import type { Say } from '../texts/texts.ts';

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
export const chatIdOf = (ctx: BotContext): number => ctx.chat!.id;
