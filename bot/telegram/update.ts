import type { Update } from 'grammy/types';
import { z } from 'zod';

const Numbered = z.looseObject({ update_id: z.number() });

/** An update as Telegram sends it; only its number is looked at, the rest is grammY's to understand. */
export const AnyUpdate = z.custom<Update>((value) => Numbered.safeParse(value).success);

/** Number of the chat that an update belongs to; of the user where there is none. */
export function chatOf({ message, callback_query: tap, my_chat_member: membership }: Update): number {
  return message?.chat.id ?? tap?.message?.chat.id ?? tap?.from.id ?? membership?.chat.id ?? 0;
}
