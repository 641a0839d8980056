import { again, newBatch, openOrders, retryable, type Batch, type Order } from './group.ts';
import { ChatDesk } from './chat-requests.ts';
import type { DeskPorts } from './ports.ts';

/** A batch with something left to try again is kept for this long after its end. */
const RETRY_KEPT_MS = 24 * 3_600_000;
const SWEEP_MS = 3_600_000;

/** Everything that people wait for: kept on disk until it is done, and taken up again after a restart. */
export class Desk {
  readonly #ports: DeskPorts;
  readonly #chats = new Map<number, ChatDesk>();

  constructor(ports: DeskPorts) {
    this.#ports = ports;
    ports.metrics.observeOpenOrders(() => [...this.#chats.values()].reduce((sum, chat) => sum + chat.openCount, 0));
  }

  /** Goes on with what was kept when the bot last ended. */
  async resume(): Promise<void> {
    const { batches, log, signal } = this.#ports;
    const kept = await this.#sweep(await batches.ids());
    const open = kept.filter(({ endedAt }) => endedAt === null).toSorted((a, b) => a.createdAt - b.createdAt);
    for (const batch of open) this.#chat(batch.chatId).start(batch);
    if (open.length > 0) log.info({ batches: open.length }, 'going on with what was in the making');
    const sweeping = setInterval(
      () =>
        void batches
          .ids()
          .then((ids) => this.#sweep(ids))
          .catch((error: unknown) => {
            log.warn({ err: error }, 'could not clear away what is over');
          }),
      SWEEP_MS,
    );
    signal.addEventListener('abort', () => clearInterval(sweeping), { once: true });
  }

  /** Removes what ended long ago; the rest. */
  async #sweep(ids: readonly string[]): Promise<Batch[]> {
    const { batches } = this.#ports;
    const rest: Batch[] = [];
    for (const id of ids) {
      const batch = await batches.read(id);
      if (batch?.endedAt != null && Date.now() - batch.endedAt > RETRY_KEPT_MS) await batches.remove(id);
      else if (batch) rest.push(batch);
    }
    return rest;
  }

  /** Takes a batch in; resolves once it is safely kept. False for one that is known, which is left as it is. */
  async take(batch: Batch): Promise<boolean> {
    const { batches } = this.#ports;
    if (this.#chat(batch.chatId).find(batch.id) || (await batches.read(batch.id))) return false;
    await batches.write(batch.id, batch);
    this.#chat(batch.chatId).start(batch);
    return true;
  }

  /** Adds to a batch that is still in the making; false if there is none. Resolves once it is safely kept. */
  async add(chatId: number, batchId: string, order: Order): Promise<boolean> {
    return await this.#chat(chatId).add(batchId, order);
  }

  /** Videos of this chat that are not done yet. */
  openCount(chatId: number): number {
    return this.#chats.get(chatId)?.openCount ?? 0;
  }

  /** Whether something of a batch, or of all of a chat, is being stopped. */
  isStopping(chatId: number, batchId?: string): boolean {
    return this.#chats.get(chatId)?.isStopping(batchId) ?? false;
  }

  /** Stops a batch, or all of a chat; how many videos that concerns. Resolves once the wish is safely kept. */
  async cancel(chatId: number, batchId?: string): Promise<number> {
    return (await this.#chats.get(chatId)?.cancel(batchId)) ?? 0;
  }

  /** Whether a batch of this chat has videos that are not rendered yet. */
  isInTheMaking(chatId: number, batchId: string): boolean {
    const batch = this.#chats.get(chatId)?.find(batchId);
    return batch !== undefined && openOrders(batch).some(({ rendered }) => !rendered);
  }

  /** A batch of this chat that has ended, with something left to try again; null if there is none. */
  async ended(chatId: number, batchId: string): Promise<Batch | null> {
    const batch = this.#chats.get(chatId)?.find(batchId) ?? (await this.#ports.batches.read(batchId));
    return batch?.chatId === chatId && openOrders(batch).length === 0 && retryable(batch).length > 0 ? batch : null;
  }

  /** Tries what failed in a batch once more, as batch `id`. A batch is tried again once, however often that is asked for. */
  async retry(old: Batch, id: string, key: string): Promise<void> {
    old.retriedAs ??= id;
    if (old.retriedAs !== id) return;
    await this.#ports.batches.write(old.id, old);
    const { chatId, replyTo, resend } = old;
    const orders = retryable(old).map((order, index) => again(order, `${key}:${index}`));
    await this.take(newBatch({ id, chatId, replyTo, resend, createdAt: Date.now(), orders }));
  }

  /** Forgets everything of a chat; its jobs are left alone. */
  async forget(chatId: number): Promise<void> {
    const { batches } = this.#ports;
    await this.#chats.get(chatId)?.abandon();
    for (const id of await batches.ids()) if (id.startsWith(`${chatId}-`)) await batches.remove(id);
  }

  /** Until all work has noticed the signal. */
  async idle(): Promise<void> {
    await Promise.all([...this.#chats.values()].map((chat) => chat.idle()));
  }

  #chat(chatId: number): ChatDesk {
    const known = this.#chats.get(chatId);
    if (known && !known.isAbandoned) return known;
    const chat = new ChatDesk(this.#ports, chatId, () => this.#retire(chatId, chat));
    this.#chats.set(chatId, chat);
    return chat;
  }

  /** Not at once: it knows when the chat may be edited next. */
  #retire(chatId: number, chat: ChatDesk): void {
    setTimeout(() => {
      if (chat.isEmpty && this.#chats.get(chatId) === chat) this.#chats.delete(chatId);
    }, this.#ports.editMs).unref();
  }
}
