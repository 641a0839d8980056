/** Parameters that many calls of the Bot API have in common. */
import type { Api } from 'grammy';

/** grammY's own AbortSignal type, which comes from a polyfill. Cast a native AbortSignal to it when calling Telegram. */
export type TelegramSignal = NonNullable<Parameters<Api['getMe']>[0]>;

/** Makes a message a reply to another one, unless that one is deleted in the meantime. Without `messageId`, it is not a reply. */
export function inReplyTo(messageId: number | undefined): { reply_parameters?: { message_id: number; allow_sending_without_reply: true } } {
  return messageId === undefined ? {} : { reply_parameters: { message_id: messageId, allow_sending_without_reply: true } };
}
