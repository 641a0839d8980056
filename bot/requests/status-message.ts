import { setTimeout as sleep } from 'node:timers/promises';
import { contentKey, type Content, type LiveMessage } from '../telegram/editor.ts';
import { isTelegramAway, retryAfter } from '../telegram/errors.ts';
import { inReplyTo, type TelegramSignal } from '../telegram/parameters.ts';
import type { ChatScope } from './chat-scope.ts';
import { failedRequests, openRequests, type RequestGroup } from './group.ts';

/** The message that shows the progress of a group. */
export class StatusMessage {
  readonly #scope: ChatScope;
  readonly #group: RequestGroup;
  readonly #render: () => Content;
  #live: LiveMessage | null = null;

  constructor(scope: ChatScope, group: RequestGroup, render: () => Content) {
    this.#scope = scope;
    this.#group = group;
    this.#render = render;
  }

  /** Sends the message, or takes over the one sent before a restart. */
  async open(): Promise<void> {
    const render = this.#render;
    const isUrgent = () => openRequests(this.#group).every(({ cancelling }) => cancelling);
    if (this.#group.messageId !== null) {
      this.#live = { messageId: this.#group.messageId, render, isUrgent };
      return;
    }
    const sent = await this.#send();
    this.#live = { ...sent, render, isUrgent };
    this.#group.messageId = sent.messageId;
    await this.#scope.store(this.#group);
  }

  /** Edits the message if its content has changed. Does nothing before `open`. */
  refresh(): void {
    if (this.#live) this.#scope.editor.touch(this.#live);
  }

  /** Shows the final state. If the user deleted the message, it is sent again only to report a failure. */
  async finish(): Promise<void> {
    const live = this.#live!;
    await this.#scope.editor.flush(live);
    if (live.gone && failedRequests(this.#group).length > 0) await this.#send();
  }

  /** Retries for as long as Telegram is unreachable. */
  async #send(): Promise<Pick<LiveMessage, 'messageId' | 'shown'>> {
    const { ports, chatId, signal } = this.#scope;
    for (;;) {
      const content = this.#render();
      try {
        const extras = { reply_markup: content.keyboard, ...inReplyTo(this.#group.replyTo) };
        const { message_id: messageId } = await ports.telegram.api.sendMessage(chatId, content.text, extras, signal as TelegramSignal);
        return { messageId, shown: contentKey(content) };
      } catch (error) {
        if (signal.aborted || !isTelegramAway(error)) throw error;
        await sleep(Math.max(ports.retryMs, (retryAfter(error) ?? 0) * 1000), undefined, { signal });
      }
    }
  }
}
