import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../src/client/error.ts';
import { Editor } from '../telegram/editor.ts';
import { isBlocked } from '../telegram/errors.ts';
import type { ChatScope } from './chat-scope.ts';
import type { RequestPorts } from './context.ts';
import { openRequests, type RequestGroup, type VideoRequest } from './group.ts';
import { RunningGroup } from './running-group.ts';
import { Turns } from './turns.ts';

/** How long `abandon` waits for calls in progress: a little longer than their timeout. */
const ABANDON_MS = 11_000;

/** The running groups of one chat. */
export class ChatRequests {
  readonly #ports: RequestPorts;
  readonly #chatId: number;
  readonly #onEmpty: () => void;
  readonly #scope: ChatScope;
  readonly #running = new Map<string, RunningGroup>();
  readonly #work = new Set<Promise<void>>();
  readonly #abandoned = new AbortController();

  /** @param onEmpty called whenever the last group has ended */
  constructor(ports: RequestPorts, chatId: number, onEmpty: () => void) {
    this.#ports = ports;
    this.#chatId = chatId;
    this.#onEmpty = onEmpty;
    const signal = AbortSignal.any([ports.signal, this.#abandoned.signal]);
    setMaxListeners(0, signal);
    const editor = new Editor({
      api: ports.telegram.once,
      chatId,
      intervalMs: ports.editMs,
      signal,
      onEdit: (outcome) => ports.metrics.edits.inc({ outcome }),
      onBlocked: () => void this.#drop(),
      onRenderError: (error) => ports.log.error({ err: error, chatId }, 'could not build the status text'),
    });
    this.#scope = {
      ports,
      chatId,
      editor,
      turns: new Turns(),
      signal,
      store: async (group) => {
        if (!this.isAbandoned) await ports.groups.write(group.id, group);
      },
      spawn: (work) => this.#spawn(work),
    };
  }

  get isEmpty(): boolean {
    return this.#running.size === 0;
  }

  get isAbandoned(): boolean {
    return this.#abandoned.signal.aborted;
  }

  get openCount(): number {
    return [...this.#running.values()].reduce((sum, { group }) => sum + openRequests(group).length, 0);
  }

  /** Whether any request of a group, or of all groups, is being cancelled. */
  isCancelling(groupId?: string): boolean {
    return this.#select(groupId).some(({ group }) => openRequests(group).some(({ cancelling, rendered }) => cancelling && !rendered));
  }

  /** A running group, or undefined. */
  find(groupId: string): RequestGroup | undefined {
    return this.#running.get(groupId)?.group;
  }

  /** Starts or resumes a stored group. */
  start(group: RequestGroup): void {
    const running = new RunningGroup(this.#scope, group, () => {
      this.#running.delete(group.id);
      if (this.isEmpty) this.#onEmpty();
    });
    this.#running.set(group.id, running);
    running.start();
  }

  /** Adds a request to a running group; resolves once it is on disk. False if the group is not running. */
  async add(groupId: string, request: VideoRequest): Promise<boolean> {
    return (await this.#running.get(groupId)?.add(request)) ?? false;
  }

  /** Cancels a group, or all groups; resolves with the number of videos affected once the cancellation is on disk. */
  async cancel(groupId?: string): Promise<number> {
    const counts = await Promise.all(this.#select(groupId).map((running) => running.cancel()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Stops all work and shows that in the status messages. Calls that do not stop in time keep running; their results are ignored. */
  async abandon(): Promise<void> {
    const messageIds = [...this.#running.values()].flatMap(({ group }) => group.messageId ?? []);
    this.#abandoned.abort();
    await Promise.race([this.idle(), sleep(ABANDON_MS)]);
    this.#clear();
    const { telegram, texts, chats } = this.#ports;
    const text = texts.in((await chats.get(this.#chatId)).language)('status-gone');
    // Fails in a chat that blocked the bot, where it does not matter.
    await Promise.allSettled(messageIds.map((id) => telegram.once.editMessageText(this.#chatId, id, text)));
  }

  /** Resolves once no work is in progress. */
  async idle(): Promise<void> {
    await Promise.all([...this.#work, this.#scope.editor.idle()]);
  }

  #select(groupId?: string): RunningGroup[] {
    return [...this.#running.values()].filter(({ group }) => groupId === undefined || group.id === groupId);
  }

  #clear(): void {
    this.#running.clear();
    this.#onEmpty();
  }

  #spawn(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => {
        if (this.#scope.signal.aborted) return;
        if (isBlocked(error)) void this.#drop();
        else this.#ports.log.error({ err: error, chatId: this.#chatId }, 'a request stopped unexpectedly; the next start resumes it');
      })
      .finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  /** The user blocked the bot: stops all work and deletes the groups. The jobs continue. */
  async #drop(): Promise<void> {
    if (this.isAbandoned) return;
    this.#ports.log.info({ chatId: this.#chatId }, 'the user blocked the bot; dropping the open requests');
    const ids = [...this.#running.keys()];
    this.#abandoned.abort(new ApiError('FORBIDDEN', 'The user blocked the bot.'));
    await this.idle();
    this.#clear();
    await Promise.all(ids.map((id) => this.#ports.groups.remove(id))).catch((error: unknown) => {
      this.#ports.log.error({ err: error, chatId: this.#chatId }, 'could not delete the requests of a user who blocked the bot');
    });
  }
}
