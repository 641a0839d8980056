import type { MessageEntity, Update, User, UserFromGetMe } from 'grammy/types';
import { z } from 'zod';

const Numbered = z.looseObject({ update_id: z.number() });

/** An update as Telegram sends it; only its number is looked at, the rest is grammY's to understand. */
export const AnyUpdate = z.custom<Update>((value) => Numbered.safeParse(value).success);

/** Number of the chat that an update belongs to; of the user where there is none. */
export function chatOf({ message, callback_query: tap, my_chat_member: membership }: Update): number {
  return message?.chat.id ?? tap?.message?.chat.id ?? tap?.from.id ?? membership?.chat.id ?? 0;
}

/** Who wrote, tapped, or let the bot in or out, in a private chat; null elsewhere. */
export function personOf({ message, callback_query: tap, my_chat_member: membership }: Update): User | null {
  const { chat, from } = message ?? membership ?? { chat: tap?.message?.chat, from: tap?.from };
  return from && (chat?.type ?? 'private') === 'private' ? from : null;
}

/** Whether a message in a group is meant for the bot: a command of ours, a mention, or a reply to it. */
export function isForUs({ message }: Update, me: UserFromGetMe, commands: readonly string[]): boolean {
  if (!message) return false;
  if (message.reply_to_message?.from?.id === me.id) return true;
  const text = message.text ?? message.caption ?? '';
  const isMeant = (entity: MessageEntity): boolean => {
    const words = text.slice(entity.offset, entity.offset + entity.length).toLowerCase();
    const ours = `@${me.username.toLowerCase()}`;
    switch (entity.type) {
      case 'mention':
        return words === ours;
      case 'text_mention':
        return entity.user.id === me.id;
      case 'bot_command':
        return entity.offset === 0 && (words.endsWith(ours) || commands.includes(words.slice(1)));
      default:
        return false;
    }
  };
  return (message.entities ?? message.caption_entities ?? []).some(isMeant);
}
