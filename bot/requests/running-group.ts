import { once, setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownerOf } from '../api.ts';
import { Cancellation } from './cancellation.ts';
import type { ChatScope } from './chat-scope.ts';
import { isStoppable, openRequests, retryable, type Outcome, type RequestGroup, type VideoRequest } from './group.ts';
import { runRequest } from './run-request.ts';
import { StatusMessage } from './status-message.ts';
import { statusOf, type Progress } from './status.ts';

/** A group whose requests are running, with its status message. */
export class RunningGroup {
  readonly group: RequestGroup;
  readonly #scope: ChatScope;
  readonly #onFinish: () => void;
  readonly #progress = new Map<VideoRequest, Progress>();
  readonly #cancellations = new Map<VideoRequest, Cancellation>();
  /** Dispatches `end` whenever a request ends. */
  readonly #ends = new EventTarget();
  #message: StatusMessage | null = null;
  /** The message was sent before a restart. It is not edited until the state of every job is known again. */
  #isRestoring: boolean;
  /** All requests have ended and the final state is being shown: no request can be added. */
  #isFinishing = false;

  constructor(scope: ChatScope, group: RequestGroup, onFinish: () => void) {
    this.#scope = scope;
    this.group = group;
    this.#onFinish = onFinish;
    this.#isRestoring = group.messageId !== null;
    setMaxListeners(0, this.#ends);
  }

  /** Starts the open requests, or resumes them. */
  start(): void {
    this.#scope.spawn(this.#showStatus());
    for (const request of openRequests(this.group)) this.#run(request);
  }

  /** Adds a request; resolves once it is on disk. False if the group is about to end. */
  async add(request: VideoRequest): Promise<boolean> {
    const { requests } = this.group;
    if (this.#isFinishing) return false;
    if (requests.some(({ key }) => key === request.key)) return true;
    requests.push(request);
    try {
      await this.#store();
    } catch (error) {
      requests.splice(requests.indexOf(request), 1);
      throw error;
    }
    this.#run(request);
    return true;
  }

  /** Cancels what is not rendered yet; resolves with the number of videos affected once the cancellation is on disk. */
  async cancel(): Promise<number> {
    const stoppable = this.group.requests.filter(isStoppable);
    if (stoppable.length === 0) return 0;
    for (const request of stoppable) request.cancelling = true;
    this.#refresh();
    try {
      await this.#store();
    } finally {
      for (const request of stoppable) this.#cancellations.get(request)?.request();
    }
    return stoppable.length;
  }

  /** Keeps the status message up to date until all requests have ended. */
  async #showStatus(): Promise<void> {
    const { group } = this;
    const { ports, chatId, signal } = this.#scope;
    await sleep(Math.max(0, group.openUntil - Date.now()), undefined, { signal });
    const record = await ports.chats.get(chatId);
    const message = new StatusMessage(this.#scope, group, () => statusOf(ports.texts.in(record.language), group, this.#progress));
    await message.open();
    this.#message = message;
    this.#refresh();
    while (openRequests(group).length > 0) await once(this.#ends, 'end', { signal });
    this.#isFinishing = true;
    await message.finish();
    await this.#finish();
  }

  /** Removes the group from disk unless it can be retried. */
  async #finish(): Promise<void> {
    if (retryable(this.group).length > 0) {
      this.group.endedAt = Date.now();
      await this.#store();
    } else await this.#scope.ports.groups.remove(this.group.id);
    this.#onFinish();
  }

  #run(request: VideoRequest): void {
    const { ports, chatId, turns, signal, spawn } = this.#scope;
    const cancellation = new Cancellation();
    this.#cancellations.set(request, cancellation);
    if (request.cancelling) cancellation.request();
    const { turn, endTurn } = turns.take(request.fromJob === undefined ? 'photos' : 'repeats');
    const work = runRequest({
      ...ports,
      owner: ownerOf(chatId),
      chatId,
      group: this.group,
      request,
      signal,
      cancellation,
      turn,
      endTurn,
      say: async () => ports.texts.in((await ports.chats.get(chatId)).language),
      store: () => this.#store(),
      continueAfterFailedCancellation: () => {
        request.cancelling = false;
        cancellation.withdraw();
        spawn(this.#store());
        this.#refresh();
      },
      report: (progress) => {
        this.#progress.set(request, progress);
        // Usually too short to read, and every edit delays the next one in the chat.
        if (progress === 'fetching' || progress === 'starting' || progress === 'sending')
          setTimeout(() => this.#refresh(), ports.editMs).unref();
        else this.#refresh();
      },
    });
    spawn(this.#end(request, work));
  }

  async #end(request: VideoRequest, work: Promise<Outcome>): Promise<void> {
    const { end, failure, retry } = await work;
    Object.assign(request, { end, failure, retry });
    this.#scope.ports.metrics.requests.inc({ end });
    try {
      await this.#store();
    } finally {
      this.#refresh();
      this.#ends.dispatchEvent(new Event('end'));
    }
  }

  #refresh(): void {
    this.#isRestoring &&= openRequests(this.group).some((request) => request.jobId !== null && !this.#progress.has(request));
    if (!this.#isRestoring && !this.#scope.signal.aborted) this.#message?.refresh();
  }

  async #store(): Promise<void> {
    await this.#scope.store(this.group);
  }
}
