import { once, setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownerOf } from '../api.ts';
import { ApiError } from '../../src/client/error.ts';
import type { TelegramSignal } from '../telegram/signal.ts';
import { Editor, wordsOf, type Content, type LiveMessage } from '../telegram/editor.ts';
import { isBlocked, isTelegramAway, retryAfter } from '../telegram/errors.ts';
import { inReplyTo } from '../telegram/reply.ts';
import { failedRequests, isStoppable, openRequests, retryable, type RequestGroup, type VideoRequest } from './group.ts';
import { runRequest, type Outcome } from './run-request.ts';
import type { RequestPorts } from './ports.ts';
import { statusOf, type Progress } from './status.ts';
import { Stop } from './stop.ts';

/** How long `abandon` waits for calls in flight: a little longer than their timeout. */
const ABANDON_MS = 11_000;

/** A running group. */
interface Live {
  readonly group: RequestGroup;
  readonly progress: Map<VideoRequest, Progress>;
  readonly stops: Map<VideoRequest, Stop>;
  message: LiveMessage | null;
  /** The message predates a restart: it is not edited until the state of every job is known again. */
  isUnheard: boolean;
  /** All requests ended and the final state is being shown: no more can be added. */
  finishing: boolean;
}

/** The requests of one chat: submitted one after the other, then followed concurrently. New photos and repeats have separate lines. */
export class ChatRequests {
  readonly #ports: RequestPorts;
  readonly #chatId: number;
  readonly #onEmpty: () => void;
  readonly #lives = new Map<string, Live>();
  readonly #work = new Set<Promise<void>>();
  readonly #abandoned = new AbortController();
  readonly #signal: AbortSignal;
  readonly #editor: Editor;
  /** Dispatches `end` whenever a request ends. */
  readonly #ends = new EventTarget();
  readonly #submitting: Record<'photos' | 'repeats', Promise<void>> = { photos: Promise.resolve(), repeats: Promise.resolve() };

  constructor(ports: RequestPorts, chatId: number, onEmpty: () => void) {
    this.#ports = ports;
    this.#chatId = chatId;
    this.#onEmpty = onEmpty;
    this.#signal = AbortSignal.any([ports.signal, this.#abandoned.signal]);
    setMaxListeners(0, this.#signal, this.#ends);
    this.#editor = new Editor({
      api: ports.telegram.once,
      chatId,
      paceMs: ports.editMs,
      signal: this.#signal,
      onEdit: (outcome) => ports.metrics.edits.inc({ outcome }),
      onBlocked: () => void this.#blocked(),
      onSpeechless: (error) => ports.log.error({ err: error, chatId }, 'could not build the status text'),
    });
  }

  get isEmpty(): boolean {
    return this.#lives.size === 0;
  }

  get isAbandoned(): boolean {
    return this.#abandoned.signal.aborted;
  }

  get openCount(): number {
    return [...this.#lives.values()].reduce((sum, { group }) => sum + openRequests(group).length, 0);
  }

  /** Whether any request of a group, or of all groups, is being cancelled. */
  isStopping(groupId?: string): boolean {
    return this.#livesOf(groupId).some(({ group }) => openRequests(group).some(({ cancelling, rendered }) => cancelling && !rendered));
  }

  /** A running group, or undefined. */
  find(groupId: string): RequestGroup | undefined {
    return this.#lives.get(groupId)?.group;
  }

  /** Starts or resumes a stored group. */
  start(group: RequestGroup): void {
    const live: Live = {
      group,
      progress: new Map(),
      stops: new Map(),
      message: null,
      isUnheard: group.messageId !== null,
      finishing: false,
    };
    this.#lives.set(group.id, live);
    this.#spawn(this.#showStatus(live));
    for (const request of openRequests(group)) this.#run(live, request);
  }

  async add(groupId: string, request: VideoRequest): Promise<boolean> {
    const live = this.#lives.get(groupId);
    if (!live || live.finishing) return false;
    if (live.group.requests.some(({ key }) => key === request.key)) return true;
    live.group.requests.push(request);
    try {
      await this.#keep(live);
    } catch (error) {
      live.group.requests.splice(live.group.requests.indexOf(request), 1);
      throw error;
    }
    this.#run(live, request);
    return true;
  }

  async cancel(groupId?: string): Promise<number> {
    const lives = this.#livesOf(groupId).filter(({ group }) => group.requests.some(isStoppable));
    const wanted = lives.flatMap((live) => live.group.requests.filter(isStoppable).map((request) => ({ live, request })));
    for (const { request } of wanted) request.cancelling = true;
    for (const live of lives) this.#refresh(live);
    try {
      await Promise.all(lives.map((live) => this.#keep(live)));
    } finally {
      for (const { live, request } of wanted) live.stops.get(request)?.want();
    }
    return wanted.length;
  }

  /** Stops all work and says so in the status messages. Calls that do not stop in time are left to end by themselves. */
  async abandon(): Promise<void> {
    const messages = [...this.#lives.values()].flatMap(({ group: { messageId } }) => messageId ?? []);
    this.#abandoned.abort();
    await Promise.race([this.idle(), sleep(ABANDON_MS)]);
    this.#lives.clear();
    this.#onEmpty();
    const { telegram, texts, chats } = this.#ports;
    const text = texts.in((await chats.get(this.#chatId)).language)('status-gone');
    // Edits fail in a chat that blocked the bot; that is fine.
    await Promise.allSettled(messages.map((id) => telegram.once.editMessageText(this.#chatId, id, text)));
  }

  async idle(): Promise<void> {
    await Promise.all([...this.#work, this.#editor.idle()]);
  }

  #livesOf(groupId?: string): Live[] {
    return [...this.#lives.values()].filter(({ group }) => groupId === undefined || group.id === groupId);
  }

  /** Work aborted by the signal is resumed at the next start. */
  #spawn(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => {
        if (this.#signal.aborted) return;
        if (isBlocked(error)) void this.#blocked();
        else this.#ports.log.error({ err: error, chatId: this.#chatId }, 'a request stopped unexpectedly; the next start resumes it');
      })
      .finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  /** Sends the status message and updates it until all requests ended. */
  async #showStatus(live: Live): Promise<void> {
    const { group } = live;
    const { chats, texts } = this.#ports;
    await sleep(Math.max(0, group.openUntil - Date.now()), undefined, { signal: this.#signal });
    const record = await chats.get(this.#chatId);
    const render = () => statusOf(texts.in(record.language), group, live.progress);
    const isUrgent = () => openRequests(group).every(({ cancelling }) => cancelling);
    const { messageId } = group;
    if (messageId === null) {
      live.message = { ...(await this.#send(group, render)), render, isUrgent };
      group.messageId = live.message.messageId;
      await this.#keep(live);
    } else {
      live.message = { messageId, render, isUrgent };
    }
    this.#refresh(live);
    while (openRequests(group).length > 0) await once(this.#ends, 'end', { signal: this.#signal });
    live.finishing = true;
    await this.#finish(live);
  }

  /** Sends a message, retrying for as long as Telegram is unreachable. */
  async #send({ replyTo }: RequestGroup, render: () => Content): Promise<Pick<LiveMessage, 'messageId' | 'shown'>> {
    const { telegram, retryMs } = this.#ports;
    for (;;) {
      const content = render();
      try {
        const extras = { reply_markup: content.keyboard, ...inReplyTo(replyTo) };
        const { message_id: messageId } = await telegram.api.sendMessage(
          this.#chatId,
          content.text,
          extras,
          this.#signal as TelegramSignal,
        );
        return { messageId, shown: wordsOf(content) };
      } catch (error) {
        if (this.#signal.aborted || !isTelegramAway(error)) throw error;
        await sleep(Math.max(retryMs, (retryAfter(error) ?? 0) * 1000), undefined, { signal: this.#signal });
      }
    }
  }

  /** Shows the final state, then removes the group unless it can be retried. */
  async #finish(live: Live): Promise<void> {
    const { group, message } = live;
    await this.#editor.settle(message!);
    if (message!.gone && failedRequests(group).length > 0) await this.#send(group, () => message!.render());
    if (retryable(group).length > 0) {
      group.endedAt = Date.now();
      await this.#keep(live);
    } else await this.#ports.groups.remove(group.id);
    this.#lives.delete(group.id);
    if (this.#lives.size === 0) this.#onEmpty();
  }

  #run(live: Live, request: VideoRequest): void {
    const stop = new Stop();
    live.stops.set(request, stop);
    if (request.cancelling) stop.want();
    const line = request.fromJob === undefined ? 'photos' : 'repeats';
    const before = this.#submitting[line];
    let submitted = () => {};
    const own = new Promise<void>((resolve) => (submitted = resolve));
    this.#submitting[line] = before.then(() => own);
    const work = runRequest({
      ...this.#ports,
      owner: ownerOf(this.#chatId),
      chatId: this.#chatId,
      group: live.group,
      request,
      signal: this.#signal,
      stop,
      before,
      submitted,
      say: async () => this.#ports.texts.in((await this.#ports.chats.get(this.#chatId)).language),
      keep: () => this.#keep(live),
      goesOn: () => {
        request.cancelling = false;
        stop.takeBack();
        this.#spawn(this.#keep(live));
        this.#refresh(live);
      },
      freed: async (signal) => void (await once(this.#ends, 'end', { signal })),
      report: (progress) => {
        live.progress.set(request, progress);
        // Usually too short to read, and every edit delays the chat's next one.
        if (progress === 'fetching' || progress === 'starting' || progress === 'sending')
          setTimeout(() => this.#refresh(live), this.#ports.editMs).unref();
        else this.#refresh(live);
      },
    });
    this.#spawn(this.#finishRequest(live, request, work).finally(submitted));
  }

  async #finishRequest(live: Live, request: VideoRequest, work: Promise<Outcome>): Promise<void> {
    const { end, failure, retry } = await work;
    Object.assign(request, { end, failure, retry });
    this.#ports.metrics.requests.inc({ end });
    try {
      await this.#keep(live);
    } finally {
      this.#refresh(live);
      this.#ends.dispatchEvent(new Event('end'));
    }
  }

  #refresh(live: Live): void {
    const { message, group, progress } = live;
    live.isUnheard &&= openRequests(group).some((request) => request.jobId !== null && !progress.has(request));
    if (message && !live.isUnheard && !this.#signal.aborted) this.#editor.touch(message);
  }

  async #keep({ group }: Live): Promise<void> {
    if (!this.#abandoned.signal.aborted) await this.#ports.groups.write(group.id, group);
  }

  async #blocked(): Promise<void> {
    if (this.#abandoned.signal.aborted) return;
    this.#ports.log.info({ chatId: this.#chatId }, 'the chat blocked the bot; its open requests are dropped');
    const ids = [...this.#lives.keys()];
    this.#abandoned.abort(new ApiError('FORBIDDEN', 'The chat is closed to the bot.'));
    await this.idle();
    this.#lives.clear();
    this.#onEmpty();
    await Promise.all(ids.map((id) => this.#ports.groups.remove(id))).catch((error: unknown) => {
      this.#ports.log.error({ err: error, chatId: this.#chatId }, 'could not remove the requests of a chat that blocked the bot');
    });
  }
}
