import { z } from 'zod';
import type { JsonFolder } from './folder.ts';

export const ChoiceRecord = z.object({
  durationSeconds: z.number().optional(),
  resolution: z.string().optional(),
  motion: z.string().optional(),
  fit: z.string().optional(),
});

/** What the bot remembers of one chat. */
export const ChatRecord = z.object({
  /** One of the bot's languages: chosen by the user, or the closest to that of their Telegram client. */
  language: z.string().default('en'),
  languageChosen: z.boolean().default(false),
  /** Last choices, which apply to the next photo. */
  choice: ChoiceRecord.default({}),
  /** Ids of the last handled updates, oldest first. */
  updates: z.array(z.number()).default([]),
  /** When photos were last refused because too many are open, in milliseconds since 1970. */
  refusedAt: z.number().default(0),
  /** The last album with a refused file. */
  refusedAlbum: z.string().default(''),
  /** Cursor at which each page of the list of videos starts, from the second page on. */
  pages: z.array(z.string()).default([]),
});
export type ChatRecord = z.infer<typeof ChatRecord>;

/** Telegram delivers only recent updates again. */
const MAX_UPDATES = 100;
const CHATS_IN_MEMORY = 5_000;

/** The records of all chats, with those used last in memory. A record is changed in place and then saved. */
export class Chats {
  readonly #folder: JsonFolder<ChatRecord>;
  readonly #known = new Map<number, Promise<ChatRecord>>();

  constructor(folder: JsonFolder<ChatRecord>) {
    this.#folder = folder;
  }

  /** A new chat starts with the defaults. */
  async get(chatId: number): Promise<ChatRecord> {
    const record = this.#known.get(chatId) ?? this.#folder.read(String(chatId)).then((found) => found ?? ChatRecord.parse({}));
    // Moves it to the end: the first one is the least recently used.
    this.#known.delete(chatId);
    this.#known.set(chatId, record);
    record.catch(() => this.#known.delete(chatId));
    if (this.#known.size > CHATS_IN_MEMORY) this.#known.delete(this.#known.keys().next().value!);
    return await record;
  }

  async save(chatId: number, record: ChatRecord): Promise<void> {
    await this.#folder.write(String(chatId), record);
  }

  /** Resets everything except the handled updates, which would otherwise be handled again if redelivered. */
  async forget(chatId: number): Promise<void> {
    const record = await this.get(chatId);
    Object.assign(record, ChatRecord.parse({ updates: record.updates }));
    await this.save(chatId, record);
  }
}

/** Whether this update has been handled already. */
export const wasHandled = ({ updates }: ChatRecord, updateId: number): boolean => updates.includes(updateId);

export function noteHandled(chat: ChatRecord, updateId: number): void {
  chat.updates.push(updateId);
  chat.updates.splice(0, chat.updates.length - MAX_UPDATES);
}
