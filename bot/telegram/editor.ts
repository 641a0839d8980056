import { setTimeout as sleep } from 'node:timers/promises';
import type { Api, InlineKeyboard } from 'grammy';
import { isBlocked, isNotModified, isRefused, retryAfter } from './errors.ts';

export interface Content {
  readonly text: string;
  readonly keyboard?: InlineKeyboard;
}

/** What a message says, to be compared. */
export const wordsOf = ({ text, keyboard }: Content): string => JSON.stringify([text, keyboard?.inline_keyboard]);

/** A message that tells how something goes. */
export interface LiveMessage {
  readonly messageId: number;
  /** What it should say now. */
  render(): Content;
  /** It says something that people wait for more than for progress: an end, or that their wish was heard. */
  isUrgent?(): boolean;
  /** What it said last, and whether it is to stay so. */
  shown?: string;
  /** The user deleted it, or there are no words for it. */
  gone?: boolean;
}

export interface EditorOptions {
  readonly api: Api;
  readonly chatId: number;
  /** Shortest time between two edits in this chat, in milliseconds. */
  readonly paceMs: number;
  readonly signal: AbortSignal;
  readonly onEdit: (outcome: 'edited' | 'limited' | 'failed') => void;
  /** The user has blocked the bot; is to abort `signal`. */
  readonly onBlocked: () => void;
  /** A message could not be put into words, which is our mistake; it stays as it is. */
  readonly onSpeechless: (error: unknown) => void;
}

const TROUBLE_MS = 1_000;
const TROUBLE_MAX_MS = 30_000;

/**
 * Keeps the live messages of one chat up to date: one edit at a time and at most one in `paceMs`, only when a text changed, each with
 * the newest state. What was skipped meanwhile is never shown. Of several messages the urgent come first.
 */
export class Editor {
  readonly #options: EditorOptions;
  readonly #changed = new Set<LiveMessage>();
  readonly #waiting = new Map<LiveMessage, () => void>();
  #working = false;
  #done: Promise<void> = Promise.resolve();
  #next = 0;

  constructor(options: EditorOptions) {
    this.#options = options;
  }

  /** `message` may have something new to say. */
  touch(message: LiveMessage): void {
    this.#changed.add(message);
    if (!this.#working) this.#done = this.#work();
  }

  /** Resolves once no edit is under way and none is left to make, or once the bot stops and the last one is over. */
  async idle(): Promise<void> {
    await this.#done;
  }

  /** Resolves once `message` says what it is to say now, or nobody can see it any more. Rejects when the bot stops. */
  async settle(message: LiveMessage): Promise<void> {
    const settled = new Promise<void>((resolve) => this.#waiting.set(message, resolve));
    this.touch(message);
    await settled;
    this.#options.signal.throwIfAborted();
  }

  /** Until nothing is left to show. */
  async #work(): Promise<void> {
    const { signal } = this.#options;
    this.#working = true;
    for (let trouble = TROUBLE_MS; this.#changed.size > 0 && !signal.aborted;) {
      await sleep(Math.max(0, this.#next - Date.now()), undefined, { signal }).catch(() => {});
      const [first] = this.#changed;
      const message: LiveMessage = [...this.#changed].find((each) => each.isUrgent?.()) ?? first!;
      this.#changed.delete(message);
      try {
        signal.throwIfAborted();
        await this.#edit(message);
        trouble = TROUBLE_MS;
        // What changed while the edit was under way is yet to be shown.
        if (!this.#changed.has(message)) this.#release(message);
      } catch (error) {
        this.#changed.add(message);
        this.#onTrouble(error, trouble);
        trouble = Math.min(TROUBLE_MAX_MS, trouble * 2);
      }
    }
    this.#working = false;
    if (signal.aborted) for (const message of this.#waiting.keys()) this.#release(message);
  }

  #release(message: LiveMessage): void {
    this.#waiting.get(message)?.();
    this.#waiting.delete(message);
  }

  #onTrouble(error: unknown, troubleMs: number): void {
    const { signal, onBlocked, onEdit } = this.#options;
    if (signal.aborted) return;
    if (isBlocked(error)) {
      onBlocked();
      return;
    }
    const seconds = retryAfter(error);
    onEdit(seconds === null ? 'failed' : 'limited');
    this.#next = Date.now() + (seconds === null ? troubleMs : seconds * 1000);
  }

  /** @throws what should be tried again */
  async #edit(message: LiveMessage): Promise<void> {
    const { api, chatId, paceMs, onEdit } = this.#options;
    const content = this.#render(message);
    if (!content) return;
    const { text, keyboard } = content;
    const said = wordsOf(content);
    if (said === message.shown) return;
    try {
      await api.editMessageText(chatId, message.messageId, text, { reply_markup: keyboard });
      onEdit('edited');
    } catch (error) {
      if (isBlocked(error) || !isRefused(error)) throw error;
      message.gone = !isNotModified(error);
    } finally {
      this.#next = Date.now() + paceMs;
    }
    message.shown = said;
  }

  #render(message: LiveMessage): Content | null {
    if (message.gone) return null;
    try {
      return message.render();
    } catch (error) {
      message.gone = true;
      this.#options.onSpeechless(error);
      return null;
    }
  }
}
