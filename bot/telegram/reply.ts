/** Part of a message that makes it an answer to another, if there is one and it still stands. */
export function inReplyTo(messageId: number | undefined): { reply_parameters?: { message_id: number; allow_sending_without_reply: true } } {
  return messageId === undefined ? {} : { reply_parameters: { message_id: messageId, allow_sending_without_reply: true } };
}
