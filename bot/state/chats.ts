import { z } from 'zod';
import type { JsonFolder } from './folder.ts';

export const ChoiceRecord = z.object({
  durationSeconds: z.number().optional(),
  resolution: z.string().optional(),
  motion: z.string().optional(),
  fit: z.string().optional(),
});

/** What is remembered of one chat. */
export const ChatRecord = z.object({
  /** A language of ours: chosen, or else as Telegram says. */
  language: z.string().default('en'),
  languageChosen: z.boolean().default(false),
  /** Last choices; what a photo gets that comes without any. */
  choice: ChoiceRecord.default({}),
  /** Ids of the last updates that were handled, oldest first. */
  updates: z.array(z.number()).default([]),
  /** When a photo too many was last refused, in milliseconds since 1970. */
  refusedAt: z.number().default(0),
  /** The last album of which something was refused. */
  refusedAlbum: z.string().default(''),
  /** Cursor after which each page of the list of videos begins. */
  pages: z.array(z.string()).default([]),
});
export type ChatRecord = z.infer<typeof ChatRecord>;

/** Updates that Telegram may still deliver again come within its last few. */
const UPDATES_KEPT = 100;
const CHATS_IN_MEMORY = 5_000;

/** The chats that the bot knows. A record is changed in place and then saved. */
export class Chats {
  readonly #folder: JsonFolder<ChatRecord>;
  readonly #known = new Map<number, Promise<ChatRecord>>();

  constructor(folder: JsonFolder<ChatRecord>) {
    this.#folder = folder;
  }

  /** A chat that is not known yet begins with defaults. */
  async get(chatId: number): Promise<ChatRecord> {
    const record = this.#known.get(chatId) ?? this.#folder.read(String(chatId)).then((found) => found ?? ChatRecord.parse({}));
    // The one that was asked for longest ago comes first.
    this.#known.delete(chatId);
    this.#known.set(chatId, record);
    record.catch(() => this.#known.delete(chatId));
    if (this.#known.size > CHATS_IN_MEMORY) this.#known.delete(this.#known.keys().next().value!);
    return await record;
  }

  async save(chatId: number, record: ChatRecord): Promise<void> {
    await this.#folder.write(String(chatId), record);
  }

  /** Forgets everything but which updates were handled, lest they be taken for new ones. */
  async forget(chatId: number): Promise<void> {
    const record = await this.get(chatId);
    Object.assign(record, ChatRecord.parse({ updates: record.updates }));
    await this.save(chatId, record);
  }
}

/** Whether this update was handled before. */
export const wasHandled = ({ updates }: ChatRecord, updateId: number): boolean => updates.includes(updateId);

export function noteHandled(chat: ChatRecord, updateId: number): void {
  chat.updates.push(updateId);
  chat.updates.splice(0, chat.updates.length - UPDATES_KEPT);
}
