import { newBatch, newOrder, retryable, type Batch, type Order } from './batch.ts';
import { ChatDesk } from './chat-desk.ts';
import type { DeskPorts } from './ports.ts';

/** A batch with something left to try again is kept for this long after its end. */
const RETRY_KEPT_MS = 24 * 3_600_000;

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
    const { batches, log } = this.#ports;
    const kept = (await Promise.all((await batches.ids()).map((id) => batches.read(id)))).filter((batch) => batch !== null);
    for (const batch of kept.toSorted((a, b) => a.createdAt - b.createdAt)) {
      if (batch.endedAt === null) this.#chat(batch.chatId).start(batch);
      else if (Date.now() - batch.endedAt > RETRY_KEPT_MS) await batches.remove(batch.id);
    }
    const open = kept.filter(({ endedAt }) => endedAt === null).length;
    if (open > 0) log.info({ batches: open }, 'going on with what was in the making');
  }

  /** Takes a batch in; resolves once it is safely kept. False for one that is known, which is left as it is. */
  async take(batch: Batch): Promise<boolean> {
    const { batches } = this.#ports;
    if (this.#chat(batch.chatId).has(batch.id) || (await batches.read(batch.id))) return false;
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

  /** Stops a batch, or all of a chat; how many videos that concerns. Resolves once the wish is safely kept. */
  async cancel(chatId: number, batchId?: string): Promise<number> {
    return (await this.#chats.get(chatId)?.cancel(batchId)) ?? 0;
  }

  /** Tries what failed in a batch once more, as batch `id`; false if nothing of it is kept any more. */
  async retry(chatId: number, batchId: string, id: string, key: string): Promise<boolean> {
    const { batches } = this.#ports;
    const old = await batches.read(batchId);
    if (!old || old.chatId !== chatId || retryable(old).length === 0) return false;
    const orders = retryable(old).map(({ fileId, fromJob, choice, jobId }, index) =>
      newOrder({ key: `${key}:${index}`, fileId, choice, ...(old.resend ? { jobId } : { fromJob: jobId ?? fromJob }) }));
    await this.take(newBatch({ id, chatId, replyTo: old.replyTo, resend: old.resend, createdAt: Date.now(), orders }));
    return true;
  }

  /** Forgets everything of a chat without another word; its jobs are left alone. */
  async forget(chatId: number): Promise<void> {
    const { batches } = this.#ports;
    await this.#chats.get(chatId)?.abandon();
    for (const id of await batches.ids()) if ((await batches.read(id))?.chatId === chatId) await batches.remove(id);
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
