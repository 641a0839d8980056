import { newGroup, newRetry, openRequests, retryable, type RequestGroup, type VideoRequest } from './group.ts';
import { ChatRequests } from './chat-requests.ts';
import type { RequestPorts } from './context.ts';

/** How long a group with retryable failures is kept after it ended. */
const RETRY_KEPT_MS = 24 * 3_600_000;
const SWEEP_MS = 3_600_000;

/** All open requests of all chats: stored on disk until done, resumed after a restart. */
export class Requests {
  readonly #ports: RequestPorts;
  readonly #chats = new Map<number, ChatRequests>();

  constructor(ports: RequestPorts) {
    this.#ports = ports;
    ports.metrics.observeOpenRequests(() => [...this.#chats.values()].reduce((sum, chat) => sum + chat.openCount, 0));
  }

  /** Resumes the stored requests at startup. */
  async resume(): Promise<void> {
    const { groups, log, signal } = this.#ports;
    const kept = await this.#sweep(await groups.ids());
    const open = kept.filter(({ endedAt }) => endedAt === null).toSorted((a, b) => a.createdAt - b.createdAt);
    for (const group of open) this.#chat(group.chatId).start(group);
    if (open.length > 0) log.info({ groups: open.length }, 'resuming stored requests');
    const sweeping = setInterval(
      () =>
        void groups
          .ids()
          .then((ids) => this.#sweep(ids))
          .catch((error: unknown) => {
            log.warn({ err: error }, 'could not remove ended request groups');
          }),
      SWEEP_MS,
    );
    signal.addEventListener('abort', () => clearInterval(sweeping), { once: true });
  }

  /** Removes groups that ended long ago and returns the others. */
  async #sweep(ids: readonly string[]): Promise<RequestGroup[]> {
    const { groups } = this.#ports;
    const rest: RequestGroup[] = [];
    for (const id of ids) {
      const group = await groups.read(id);
      if (group?.endedAt != null && Date.now() - group.endedAt > RETRY_KEPT_MS) await groups.remove(id);
      else if (group) rest.push(group);
    }
    return rest;
  }

  /** Stores and starts a group; resolves once it is on disk. Returns false, and changes nothing, if the group is already known. */
  async take(group: RequestGroup): Promise<boolean> {
    const { groups } = this.#ports;
    if (this.#chat(group.chatId).find(group.id) || (await groups.read(group.id))) return false;
    await groups.write(group.id, group);
    this.#chat(group.chatId).start(group);
    return true;
  }

  /** Adds a request to a running group; resolves once it is on disk. Returns false if the group is not running. */
  async add(chatId: number, groupId: string, request: VideoRequest): Promise<boolean> {
    return await this.#chat(chatId).add(groupId, request);
  }

  /** Number of unfinished videos of this chat. */
  openCount(chatId: number): number {
    return this.#chats.get(chatId)?.openCount ?? 0;
  }

  /** Whether any request of a group, or of the whole chat, is being cancelled. */
  isCancelling(chatId: number, groupId?: string): boolean {
    return this.#chats.get(chatId)?.isCancelling(groupId) ?? false;
  }

  /** Cancels a group, or the whole chat; resolves with the number of videos affected once the cancellation is on disk. */
  async cancel(chatId: number, groupId?: string): Promise<number> {
    return (await this.#chats.get(chatId)?.cancel(groupId)) ?? 0;
  }

  /** Whether a group of this chat still has videos to render. */
  isRendering(chatId: number, groupId: string): boolean {
    const group = this.#chats.get(chatId)?.find(groupId);
    return group !== undefined && openRequests(group).some(({ rendered }) => !rendered);
  }

  /** The ended group of this chat if it has retryable failures, else null. */
  async ended(chatId: number, groupId: string): Promise<RequestGroup | null> {
    const group = this.#chats.get(chatId)?.find(groupId) ?? (await this.#ports.groups.read(groupId));
    return group?.chatId === chatId && openRequests(group).length === 0 && retryable(group).length > 0 ? group : null;
  }

  /** Retries the failed requests of a group as group `id`. Repeated calls retry a group only once. */
  async retry(old: RequestGroup, id: string, key: string): Promise<void> {
    old.retriedAs ??= id;
    if (old.retriedAs !== id) return;
    await this.#ports.groups.write(old.id, old);
    const { chatId, replyTo, resend } = old;
    const requests = retryable(old).map((request, index) => newRetry(request, `${key}:${index}`));
    await this.take(newGroup({ id, chatId, replyTo, resend, createdAt: Date.now(), requests }));
  }

  /** Deletes all stored requests of a chat; its jobs are not touched. */
  async forget(chatId: number): Promise<void> {
    const { groups } = this.#ports;
    await this.#chats.get(chatId)?.abandon();
    for (const id of await groups.ids()) if (id.startsWith(`${chatId}-`)) await groups.remove(id);
  }

  /** Resolves once all work has stopped after the signal. */
  async idle(): Promise<void> {
    await Promise.all([...this.#chats.values()].map((chat) => chat.idle()));
  }

  #chat(chatId: number): ChatRequests {
    const known = this.#chats.get(chatId);
    if (known && !known.isAbandoned) return known;
    const chat = new ChatRequests(this.#ports, chatId, () => this.#retire(chatId, chat));
    this.#chats.set(chatId, chat);
    return chat;
  }

  /** Delayed, because the object also rate-limits the chat's edits. */
  #retire(chatId: number, chat: ChatRequests): void {
    setTimeout(() => {
      if (chat.isEmpty && this.#chats.get(chatId) === chat) this.#chats.delete(chatId);
    }, this.#ports.editMs).unref();
  }
}
