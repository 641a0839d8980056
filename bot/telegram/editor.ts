import { setTimeout as sleep } from 'node:timers/promises';
import type { Api, InlineKeyboard } from 'grammy';
import { isBlocked, isNotModified, isRefused, retryAfter } from './errors.ts';

export interface Content {
  readonly text: string;
  readonly keyboard?: InlineKeyboard;
}

/** A message's text and buttons as one string, to compare what two messages show. */
export const contentKey = ({ text, keyboard }: Content): string => JSON.stringify([text, keyboard?.inline_keyboard]);

/** A message that shows progress. */
export interface LiveMessage {
  readonly messageId: number;
  /** Its content as of now. */
  render(): Content;
  /** Whether it shows something more important than progress: a final state, or that a cancellation is in progress. */
  isUrgent?(): boolean;
  /** The `contentKey` of what it last showed. */
  shown?: string;
  /** The user deleted it, or its content cannot be built: it is not edited again. */
  gone?: boolean;
}

export interface EditorOptions {
  readonly api: Api;
  readonly chatId: number;
  /** Shortest time between two edits in this chat, in milliseconds. */
  readonly intervalMs: number;
  readonly signal: AbortSignal;
  readonly onEdit: (outcome: 'edited' | 'limited' | 'failed') => void;
  /** The user has blocked the bot. Must abort `signal`. */
  readonly onBlocked: () => void;
  /** `render` of a message failed, which is a bug; the message stays as it is. */
  readonly onRenderError: (error: unknown) => void;
}

/** Delay after a failed edit; doubles up to the maximum. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

/**
 * Keeps the live messages of one chat up to date: one edit at a time, at most one per interval, only when the content changed, and always
 * with the newest content. Intermediate states are skipped. Urgent messages come first.
 */
export class Editor {
  readonly #options: EditorOptions;
  readonly #changed = new Set<LiveMessage>();
  readonly #flushing = new Map<LiveMessage, () => void>();
  #isWorking = false;
  #done: Promise<void> = Promise.resolve();
  #nextEditAt = 0;

  constructor(options: EditorOptions) {
    this.#options = options;
  }

  /** Schedules an edit of `message`, whose content may have changed. */
  touch(message: LiveMessage): void {
    this.#changed.add(message);
    if (!this.#isWorking) this.#done = this.#work();
  }

  /** Resolves once no edit is in progress or pending; after the signal, once the edit in progress has ended. */
  async idle(): Promise<void> {
    await this.#done;
  }

  /** Resolves once `message` shows its present content or is gone. @throws the reason of the signal */
  async flush(message: LiveMessage): Promise<void> {
    const flushed = new Promise<void>((resolve) => this.#flushing.set(message, resolve));
    this.touch(message);
    await flushed;
    this.#options.signal.throwIfAborted();
  }

  /** Edits until no change is pending. */
  async #work(): Promise<void> {
    const { signal } = this.#options;
    this.#isWorking = true;
    for (let retryMs = RETRY_MS; this.#changed.size > 0 && !signal.aborted;) {
      await sleep(Math.max(0, this.#nextEditAt - Date.now()), undefined, { signal }).catch(() => {});
      const [first] = this.#changed;
      const message: LiveMessage = [...this.#changed].find((each) => each.isUrgent?.()) ?? first!;
      this.#changed.delete(message);
      try {
        signal.throwIfAborted();
        await this.#edit(message);
        retryMs = RETRY_MS;
        // Otherwise it changed again during the edit.
        if (!this.#changed.has(message)) this.#release(message);
      } catch (error) {
        this.#changed.add(message);
        this.#onError(error, retryMs);
        retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
      }
    }
    this.#isWorking = false;
    if (signal.aborted) for (const message of this.#flushing.keys()) this.#release(message);
  }

  #release(message: LiveMessage): void {
    this.#flushing.get(message)?.();
    this.#flushing.delete(message);
  }

  #onError(error: unknown, retryMs: number): void {
    const { signal, onBlocked, onEdit } = this.#options;
    if (signal.aborted) return;
    if (isBlocked(error)) {
      onBlocked();
      return;
    }
    const seconds = retryAfter(error);
    onEdit(seconds === null ? 'failed' : 'limited');
    this.#nextEditAt = Date.now() + (seconds === null ? retryMs : seconds * 1000);
  }

  /** @throws errors that call for a retry */
  async #edit(message: LiveMessage): Promise<void> {
    const { api, chatId, intervalMs, onEdit } = this.#options;
    const content = this.#render(message);
    if (!content) return;
    const key = contentKey(content);
    if (key === message.shown) return;
    try {
      await api.editMessageText(chatId, message.messageId, content.text, { reply_markup: content.keyboard });
      onEdit('edited');
    } catch (error) {
      if (isBlocked(error) || !isRefused(error)) throw error;
      message.gone = !isNotModified(error);
    } finally {
      this.#nextEditAt = Date.now() + intervalMs;
    }
    message.shown = key;
  }

  #render(message: LiveMessage): Content | null {
    if (message.gone) return null;
    try {
      return message.render();
    } catch (error) {
      message.gone = true;
      this.#options.onRenderError(error);
      return null;
    }
  }
}
