import { once, setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownerOf } from '../api/client.ts';
import { ApiError } from '../api/error.ts';
import type { TelegramSignal } from '../telegram/client.ts';
import { Editor, wordsOf, type Content, type LiveMessage } from '../telegram/editor.ts';
import { isBlocked, isTelegramAway, retryAfter } from '../telegram/errors.ts';
import { inReplyTo } from '../telegram/reply.ts';
import { failedOrders, isStoppable, openOrders, retryable, type Batch, type Order } from './group.ts';
import { carryOut, type Outcome } from './run-request.ts';
import type { DeskPorts } from './ports.ts';
import { statusOf, type Progress } from './status.ts';
import { Stop } from './stop.ts';

/** How long a request under way is waited for that nobody wants any more: a little longer than it may take. */
const ABANDON_MS = 11_000;

/** A batch at work. */
interface Live {
  readonly batch: Batch;
  readonly progress: Map<Order, Progress>;
  readonly stops: Map<Order, Stop>;
  message: LiveMessage | null;
  /** Its message was sent before a restart, and says more than is known until every job has been heard of. */
  isUnheard: boolean;
  /** All is over and is being shown: it takes no more. */
  finishing: boolean;
}

/** The orders of one chat: placed one after the other, then followed side by side. New photos hold up no repeats of earlier ones. */
export class ChatDesk {
  readonly #ports: DeskPorts;
  readonly #chatId: number;
  readonly #onEmpty: () => void;
  readonly #lives = new Map<string, Live>();
  readonly #work = new Set<Promise<void>>();
  readonly #abandoned = new AbortController();
  readonly #signal: AbortSignal;
  readonly #editor: Editor;
  /** Dispatches `end` whenever an order ends: then a place is free. */
  readonly #ends = new EventTarget();
  readonly #placing: Record<'photos' | 'repeats', Promise<void>> = { photos: Promise.resolve(), repeats: Promise.resolve() };

  constructor(ports: DeskPorts, chatId: number, onEmpty: () => void) {
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
      onSpeechless: (error) => ports.log.error({ err: error, chatId }, 'no words for how something goes'),
    });
  }

  get isEmpty(): boolean {
    return this.#lives.size === 0;
  }

  get isAbandoned(): boolean {
    return this.#abandoned.signal.aborted;
  }

  get openCount(): number {
    return [...this.#lives.values()].reduce((sum, { batch }) => sum + openOrders(batch).length, 0);
  }

  /** Whether something of a batch, or of all, is being stopped. */
  isStopping(batchId?: string): boolean {
    return this.#livesOf(batchId).some(({ batch }) => openOrders(batch).some(({ cancelling, rendered }) => cancelling && !rendered));
  }

  /** A batch at work; undefined if it is not. */
  find(batchId: string): Batch | undefined {
    return this.#lives.get(batchId)?.batch;
  }

  /** Begins, or goes on with, a batch that is kept already. */
  start(batch: Batch): void {
    const live: Live = {
      batch,
      progress: new Map(),
      stops: new Map(),
      message: null,
      isUnheard: batch.messageId !== null,
      finishing: false,
    };
    this.#lives.set(batch.id, live);
    this.#spawn(this.#tell(live));
    for (const order of openOrders(batch)) this.#carryOut(live, order);
  }

  async add(batchId: string, order: Order): Promise<boolean> {
    const live = this.#lives.get(batchId);
    if (!live || live.finishing) return false;
    if (live.batch.orders.some(({ key }) => key === order.key)) return true;
    live.batch.orders.push(order);
    try {
      await this.#keep(live);
    } catch (error) {
      live.batch.orders.splice(live.batch.orders.indexOf(order), 1);
      throw error;
    }
    this.#carryOut(live, order);
    return true;
  }

  async cancel(batchId?: string): Promise<number> {
    const lives = this.#livesOf(batchId).filter(({ batch }) => batch.orders.some(isStoppable));
    const wanted = lives.flatMap((live) => live.batch.orders.filter(isStoppable).map((order) => ({ live, order })));
    for (const { order } of wanted) order.cancelling = true;
    for (const live of lives) this.#refresh(live);
    try {
      await Promise.all(lives.map((live) => this.#keep(live)));
    } finally {
      for (const { live, order } of wanted) live.stops.get(order)?.want();
    }
    return wanted.length;
  }

  /** Ends all work, and says so where it was told how it goes. What does not notice soon ends on its own. */
  async abandon(): Promise<void> {
    const messages = [...this.#lives.values()].flatMap(({ batch: { messageId } }) => messageId ?? []);
    this.#abandoned.abort();
    await Promise.race([this.idle(), sleep(ABANDON_MS)]);
    this.#lives.clear();
    this.#onEmpty();
    const { telegram, texts, chats } = this.#ports;
    const text = texts.in((await chats.get(this.#chatId)).language)('status-gone');
    // Whoever blocked the bot does not see it, and need not.
    await Promise.allSettled(messages.map((id) => telegram.once.editMessageText(this.#chatId, id, text)));
  }

  async idle(): Promise<void> {
    await Promise.all([...this.#work, this.#editor.idle()]);
  }

  #livesOf(batchId?: string): Live[] {
    return [...this.#lives.values()].filter(({ batch }) => batchId === undefined || batch.id === batchId);
  }

  /** Work that ends with the signal is picked up at the next start. */
  #spawn(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => {
        if (this.#signal.aborted) return;
        if (isBlocked(error)) void this.#blocked();
        else this.#ports.log.error({ err: error, chatId: this.#chatId }, 'an order was left behind; the next start goes on with it');
      })
      .finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  /** Sends the message that tells how it goes, then keeps it up to date until all is over. */
  async #tell(live: Live): Promise<void> {
    const { batch } = live;
    const { chats, texts } = this.#ports;
    await sleep(Math.max(0, batch.openUntil - Date.now()), undefined, { signal: this.#signal });
    const record = await chats.get(this.#chatId);
    const render = () => statusOf(texts.in(record.language), batch, live.progress);
    const isUrgent = () => openOrders(batch).every(({ cancelling }) => cancelling);
    const { messageId } = batch;
    if (messageId === null) {
      live.message = { ...(await this.#send(batch, render)), render, isUrgent };
      batch.messageId = live.message.messageId;
      await this.#keep(live);
    } else {
      live.message = { messageId, render, isUrgent };
    }
    this.#refresh(live);
    while (openOrders(batch).length > 0) await once(this.#ends, 'end', { signal: this.#signal });
    live.finishing = true;
    await this.#finish(live);
  }

  /** Sends what is to be said, however long Telegram is away; the message. */
  async #send({ replyTo }: Batch, render: () => Content): Promise<Pick<LiveMessage, 'messageId' | 'shown'>> {
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

  /** Shows how it ended; only then is it forgotten. */
  async #finish(live: Live): Promise<void> {
    const { batch, message } = live;
    await this.#editor.settle(message!);
    if (message!.gone && failedOrders(batch).length > 0) await this.#send(batch, () => message!.render());
    if (retryable(batch).length > 0) {
      batch.endedAt = Date.now();
      await this.#keep(live);
    } else await this.#ports.batches.remove(batch.id);
    this.#lives.delete(batch.id);
    if (this.#lives.size === 0) this.#onEmpty();
  }

  #carryOut(live: Live, order: Order): void {
    const stop = new Stop();
    live.stops.set(order, stop);
    if (order.cancelling) stop.want();
    const line = order.fromJob === undefined ? 'photos' : 'repeats';
    const before = this.#placing[line];
    let placed = () => {};
    const own = new Promise<void>((resolve) => (placed = resolve));
    this.#placing[line] = before.then(() => own);
    const work = carryOut({
      ...this.#ports,
      owner: ownerOf(this.#chatId),
      chatId: this.#chatId,
      batch: live.batch,
      order,
      signal: this.#signal,
      stop,
      before,
      placed,
      say: async () => this.#ports.texts.in((await this.#ports.chats.get(this.#chatId)).language),
      keep: () => this.#keep(live),
      goesOn: () => {
        order.cancelling = false;
        stop.takeBack();
        this.#spawn(this.#keep(live));
        this.#refresh(live);
      },
      freed: async (signal) => void (await once(this.#ends, 'end', { signal })),
      report: (progress) => {
        live.progress.set(order, progress);
        // As a rule over before it could be read, and each change costs the chat its next.
        if (progress === 'fetching' || progress === 'starting' || progress === 'sending')
          setTimeout(() => this.#refresh(live), this.#ports.editMs).unref();
        else this.#refresh(live);
      },
    });
    this.#spawn(this.#settle(live, order, work).finally(placed));
  }

  async #settle(live: Live, order: Order, work: Promise<Outcome>): Promise<void> {
    const { end, failure, retry } = await work;
    Object.assign(order, { end, failure, retry });
    this.#ports.metrics.orders.inc({ end });
    try {
      await this.#keep(live);
    } finally {
      this.#refresh(live);
      this.#ends.dispatchEvent(new Event('end'));
    }
  }

  #refresh(live: Live): void {
    const { message, batch, progress } = live;
    live.isUnheard &&= openOrders(batch).some((order) => order.jobId !== null && !progress.has(order));
    if (message && !live.isUnheard && !this.#signal.aborted) this.#editor.touch(message);
  }

  async #keep({ batch }: Live): Promise<void> {
    if (!this.#abandoned.signal.aborted) await this.#ports.batches.write(batch.id, batch);
  }

  async #blocked(): Promise<void> {
    if (this.#abandoned.signal.aborted) return;
    this.#ports.log.info({ chatId: this.#chatId }, 'the chat is closed to the bot; what was in the making for it is let go');
    const ids = [...this.#lives.keys()];
    this.#abandoned.abort(new ApiError('FORBIDDEN', 'The chat is closed to the bot.'));
    await this.idle();
    this.#lives.clear();
    this.#onEmpty();
    await Promise.all(ids.map((id) => this.#ports.batches.remove(id))).catch((error: unknown) => {
      this.#ports.log.error({ err: error, chatId: this.#chatId }, 'could not let go of what was in the making');
    });
  }
}
