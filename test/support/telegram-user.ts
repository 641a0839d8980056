import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PHOTOS } from './stack.ts';
import { BOT, present, type Button, type ChatMessage, type TelegramSide } from './telegram-messages.ts';
import { until } from './waiting.ts';

/** A user in a private chat with the bot. */
export class TelegramUser {
  readonly id: number;
  readonly languageCode: string;
  readonly #telegram: TelegramSide;
  #taps = 0;

  constructor(telegram: TelegramSide, id: number, languageCode: string) {
    this.#telegram = telegram;
    this.id = id;
    this.languageCode = languageCode;
  }

  /** Messages of the bot to this user, oldest first. */
  get inbox(): ChatMessage[] {
    return this.#telegram.messages.filter(({ chatId, fromBot, deleted }) => chatId === this.id && fromBot && !deleted);
  }

  get videos(): ChatMessage[] {
    return this.inbox.filter(({ media }) => media?.kind === 'video');
  }

  /** Sends text or a command, delivered `times` times. */
  send(text: string, times = 1): number {
    const entities = text.startsWith('/') ? [{ type: 'bot_command', offset: 0, length: text.split(' ')[0]!.length }] : undefined;
    return this.#say({ text, entities }, times);
  }

  /** Sends a photo of the fixtures, or bytes, as a Telegram photo. */
  photo(photo: string | Buffer = 'cat.jpg', more: object = {}, times = 1): number {
    const data = bytesOf(photo);
    const fileId = this.#telegram.keepFile(data);
    const size = { file_unique_id: fileId, width: 90, height: 60 };
    return this.#say(
      {
        photo: [
          { file_id: 'thumbnail', ...size },
          { file_id: fileId, file_size: data.length, ...size },
        ],
        ...more,
      },
      times,
    );
  }

  /** Sends a photo as a file. */
  file(photo: string | Buffer, name: string, type: string, sizeBytes?: number): number {
    const data = bytesOf(photo);
    const fileId = this.#telegram.keepFile(data);
    return this.#say({
      document: { file_id: fileId, file_unique_id: fileId, file_name: name, mime_type: type, file_size: sizeBytes ?? data.length },
    });
  }

  album(photos: readonly string[]): number[] {
    const group = String(13_000_000_000_000_000 + this.#telegram.nextMessageId());
    return photos.map((photo) => this.photo(photo, { media_group_id: group }));
  }

  /** Sends another kind of message. */
  thing(content: object): number {
    return this.#say(content);
  }

  /** Waits for a button with this text and taps the newest one; delivered `times` times. */
  async tap(label: string | RegExp, times = 1): Promise<ChatMessage> {
    return await this.#tap((button) => (typeof label === 'string' ? button.text.includes(label) : label.test(button.text)), label, times);
  }

  /** Like `tap`, by the button's action, which does not depend on the language. */
  async tapFor(data: RegExp): Promise<ChatMessage> {
    return await this.#tap((button) => data.test(button.callback_data ?? ''), data);
  }

  /** Delivers a tap, also on a button of another user's message. */
  press(data: string, message = this.inbox.at(-1)!, times = 1): void {
    this.#telegram.push(
      { callback_query: { id: `${this.id}${++this.#taps}`, from: this.#from(), chat_instance: '1', data, message: present(message) } },
      times,
    );
  }

  /** Goes through the wizard, by the texts of its buttons. */
  async chooses(duration: string, resolution: string, motion: string): Promise<void> {
    this.send('/start');
    for (const label of ['Photo → video', duration, resolution, motion]) await this.tap(label);
    await this.sees(/Now send me the photo/);
  }

  /** Waits for a matching message of the bot and returns the newest one. */
  async sees(what: RegExp, timeoutMs?: number): Promise<ChatMessage> {
    return await until(async () => this.inbox.findLast(({ text, caption }) => what.test(text ?? caption ?? '')), timeoutMs).catch(() => {
      throw new Error(`The bot does not say ${String(what)}, but\n${this.transcript()}`);
    });
  }

  /** Waits for `count` videos and returns them. */
  async getsVideos(count: number, timeoutMs?: number): Promise<ChatMessage[]> {
    return await until(async () => (this.videos.length >= count ? this.videos : null), timeoutMs).catch(() => {
      throw new Error(`There are ${this.videos.length} videos and not ${count} in\n${this.transcript()}`);
    });
  }

  blocks(): void {
    this.#telegram.blockedBy.add(this.id);
  }

  /** Blocks the bot, which Telegram reports to it. */
  leaves(): void {
    this.blocks();
    const status = (now: string) => ({ status: now, user: BOT });
    this.#telegram.push({
      my_chat_member: {
        chat: { id: this.id, type: 'private', first_name: 'User' },
        from: this.#from(),
        date: 1,
        old_chat_member: status('member'),
        new_chat_member: { ...status('kicked'), until_date: 0 },
      },
    });
  }

  unblocks(): void {
    this.#telegram.blockedBy.delete(this.id);
  }

  deletes(message: ChatMessage): void {
    message.deleted = true;
  }

  /** The chat as text, for error messages. */
  transcript(): string {
    return this.inbox
      .map(({ text, caption, buttons }) => `— ${text ?? caption}\n  ${buttons.map((button) => `[${button.text}]`).join(' ')}`)
      .join('\n');
  }

  async #tap(fits: (button: Button) => boolean, what: unknown, times = 1): Promise<ChatMessage> {
    const { message, button } = await until(async () => this.#findButton(fits)).catch(() => {
      throw new Error(`There is no button ${String(what)} in\n${this.transcript()}`);
    });
    this.press(button.callback_data!, message, times);
    return message;
  }

  #findButton(fits: (button: Button) => boolean): { message: ChatMessage; button: Button } | null {
    for (const message of this.inbox.toReversed()) {
      const button = message.buttons.find(fits);
      if (button) return { message, button };
    }
    return null;
  }

  #say(content: object, times = 1): number {
    const id = this.#telegram.nextMessageId();
    this.#telegram.push(
      { message: { message_id: id, date: 1, chat: { id: this.id, type: 'private', first_name: 'User' }, from: this.#from(), ...content } },
      times,
    );
    return id;
  }

  #from(): object {
    return { id: this.id, is_bot: false, first_name: 'User', language_code: this.languageCode };
  }
}

const bytesOf = (photo: string | Buffer): Buffer => (typeof photo === 'string' ? readFileSync(path.join(PHOTOS, photo)) : photo);
