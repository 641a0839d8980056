/** The context of an update: grammY's, extended by the chat's record and language. */
import type { Context } from 'grammy';
import type { ChatRecord } from '../state/chats.ts';
import type { Say } from '../texts/texts.ts';

interface ChatContext {
  /** The chat's stored state; saved after every update. */
  record: ChatRecord;
  say: Say;
  /** The user's owner name in the API. */
  owner: string;
}

/** A message or tap in a private chat. */
export type BotContext = Context & ChatContext;

/** Id of the private chat; equal to the user's id. */
export const chatIdOf = (ctx: BotContext): number => ctx.chat!.id;
