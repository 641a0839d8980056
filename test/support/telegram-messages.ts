/** Messages in chats. */

export const BOT = {
  id: 4242,
  is_bot: true,
  first_name: 'Bot',
  username: 'test_bot',
  can_join_groups: true,
  can_read_all_group_messages: false,
  supports_inline_queries: false,
  can_connect_to_business: false,
  has_main_web_app: false,
};

export interface Button {
  readonly text: string;
  readonly callback_data?: string;
  readonly url?: string;
}

/** The current state of a message in a chat. */
export interface ChatMessage {
  readonly id: number;
  readonly chatId: number;
  readonly fromBot: boolean;
  text?: string;
  caption?: string;
  buttons: Button[];
  /** Id of the message that it replies to. */
  readonly replyTo?: number;
  /** The file and the other fields that the bot sent with it. */
  media?: { kind: 'video' | 'animation'; file: Buffer; thumbnail?: Buffer; fields: Record<string, unknown>; fileId: string };
  /** Its previous texts, oldest first. */
  readonly history: string[];
  deleted: boolean;
}

/** Telegram as users see it. */
export interface TelegramSide {
  /** Messages of all chats, oldest first. */
  readonly messages: ChatMessage[];
  readonly blockedBy: Set<number>;
  nextMessageId(): number;
  /** Adds a file that the bot can download and returns its id. */
  keepFile(data: Buffer): string;
  /** Delivers an update to the bot, `times` times. */
  push(update: Record<string, unknown>, times?: number): void;
}

/** A message as Telegram describes it. */
export function present({ id, chatId, text, caption, media, buttons }: ChatMessage): Record<string, unknown> {
  return {
    message_id: id,
    date: 1,
    chat: { id: chatId, type: 'private', first_name: 'User' },
    from: BOT,
    ...(text !== undefined && { text }),
    ...(caption !== undefined && { caption }),
    ...(media && { [media.kind]: { file_id: media.fileId, file_unique_id: media.fileId, width: 1, height: 1, duration: 1 } }),
    ...(buttons.length > 0 && { reply_markup: { inline_keyboard: [buttons] } }),
  };
}
