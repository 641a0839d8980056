/** A conversation with the bot, recorded as messages to draw. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PHOTOS } from '../../test/support/stack.ts';
import type { FakeTelegram } from '../../test/support/telegram.ts';
import type { Button } from '../../test/support/telegram-messages.ts';
import type { TelegramUser } from '../../test/support/telegram-user.ts';
import { until } from '../../test/support/waiting.ts';

/** A message as it looks at one moment. */
export interface Bubble {
  readonly from: 'user' | 'bot';
  readonly text?: string;
  /** Photos that the user sent. */
  readonly photos?: readonly Buffer[];
  readonly video?: { readonly thumbnail: Buffer; readonly seconds: number };
  /** Row by row. */
  readonly buttons?: readonly (readonly Button[])[];
}

/** The visible part of a chat, oldest message first. */
export type Panel = readonly Bubble[];

/** Fields of a call that sends or changes a message. */
interface Sent {
  readonly chat_id: number;
  readonly text?: string;
  readonly caption?: string;
  readonly reply_markup?: { readonly inline_keyboard: Button[][] };
}

const TIMEOUT_MS = 60_000;

export class Chat {
  readonly user: TelegramUser;
  readonly #telegram: FakeTelegram;

  constructor(telegram: FakeTelegram, languageCode?: string) {
    this.#telegram = telegram;
    this.user = telegram.user(languageCode);
  }

  /** The bot's first message after `act`. */
  async answerTo(act: () => unknown): Promise<Bubble> {
    const before = this.#said.length;
    await act();
    return await until(async () => this.#said[before]);
  }

  /** Sends text or a command and returns the answer. */
  async exchange(text: string, send: () => unknown = () => this.user.send(text)): Promise<Bubble[]> {
    return [{ from: 'user', text }, await this.answerTo(send)];
  }

  /** Goes through the wizard from the menu and returns the message of each of its four steps. */
  async chooses(seconds: number, resolution: string, motion: string): Promise<Bubble[]> {
    const steps: Bubble[] = [];
    for (const data of ['w', `w:${seconds}`, `w:${seconds}:${resolution}`, `w:${seconds}:${resolution}:${motion}`]) {
      steps.push(await this.answerTo(() => this.user.tapFor(new RegExp(`^${data}$`))));
    }
    return steps;
  }

  /** Sends a photo, or several as an album. */
  sends(...photos: readonly string[]): Bubble {
    if (photos.length === 1) this.user.photo(photos[0]);
    else this.user.album(photos);
    return { from: 'user', photos: photos.map((photo) => readFileSync(path.join(PHOTOS, photo))) };
  }

  /** Waits for and returns the `nth` matching message of the bot. */
  async says(matches: (bubble: Bubble) => boolean, nth = 1): Promise<Bubble> {
    return await until(async () => this.#said.filter(matches)[nth - 1], TIMEOUT_MS).catch(() => {
      throw new Error(`The bot has not sent the expected message:\n${this.user.transcript()}`);
    });
  }

  /** Waits for and returns the first video. */
  async getsVideo(): Promise<Bubble> {
    const { media } = (await this.user.getsVideos(1, TIMEOUT_MS))[0]!;
    const { caption, reply_markup: markup } = this.#sent('sendVideo')[0]!;
    return {
      from: 'bot',
      text: caption,
      buttons: markup?.inline_keyboard,
      video: { thumbnail: media!.thumbnail!, seconds: Number(media!.fields['duration']) },
    };
  }

  /** All texts of the bot, oldest first, including every edit of a message. */
  get #said(): Bubble[] {
    return this.#sent('sendMessage', 'editMessageText').map(({ text, reply_markup: markup }) => ({
      from: 'bot',
      text,
      buttons: markup?.inline_keyboard,
    }));
  }

  #sent(...methods: string[]): Sent[] {
    return this.#telegram
      .callsOf(...methods)
      .map(({ fields }) => fields as unknown as Sent)
      .filter(({ chat_id: chat }) => chat === this.user.id);
  }
}
