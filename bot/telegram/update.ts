import type { MessageEntity, Update, User, UserFromGetMe } from 'grammy/types';
import { z } from 'zod';

const Identified = z.looseObject({ update_id: z.number() });

/** An update as Telegram sends it. Only its id is checked; grammY interprets the rest. */
export const AnyUpdate = z.custom<Update>((value) => Identified.safeParse(value).success);

/** Id of the chat that an update belongs to, or of the user if there is no chat. */
export function chatOf({ message, callback_query: tap, my_chat_member: membership }: Update): number {
  return message?.chat.id ?? tap?.message?.chat.id ?? tap?.from.id ?? membership?.chat.id ?? 0;
}

/** The sender of an update in a private chat; null for other chats. */
export function senderOf({ message, callback_query: tap, my_chat_member: membership }: Update): User | null {
  const { chat, from } = message ?? membership ?? { chat: tap?.message?.chat, from: tap?.from };
  return from && (chat?.type ?? 'private') === 'private' ? from : null;
}

/** Whether a message in a group addresses the bot: with one of `commands`, a mention, or a reply to it. */
export function addressesBot({ message }: Update, me: UserFromGetMe, commands: readonly string[]): boolean {
  if (!message) return false;
  if (message.reply_to_message?.from?.id === me.id) return true;
  const text = message.text ?? message.caption ?? '';
  const isAddress = (entity: MessageEntity): boolean => {
    const words = text.slice(entity.offset, entity.offset + entity.length).toLowerCase();
    const mention = `@${me.username.toLowerCase()}`;
    switch (entity.type) {
      case 'mention':
        return words === mention;
      case 'text_mention':
        return entity.user.id === me.id;
      case 'bot_command':
        return entity.offset === 0 && (words.endsWith(mention) || commands.includes(words.slice(1)));
      default:
        return false;
    }
  };
  return (message.entities ?? message.caption_entities ?? []).some(isAddress);
}
