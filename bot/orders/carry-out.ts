import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpError } from 'grammy';
import type { Job } from '../api/answers.ts';
import { ApiError, hasCode } from '../api/error.ts';
import { isBlocked, isTelegramAway, retryAfter } from '../telegram/errors.ts';
import { FileError } from '../telegram/files.ts';
import type { Say } from '../texts/texts.ts';
import type { Batch, Order } from './batch.ts';
import { deliver } from './deliver.ts';
import { place } from './place.ts';
import type { DeskPorts } from './ports.ts';
import type { Progress } from './status.ts';

/** Longest wait before we look again whether the API takes another photo. */
const ROOM_LOOK_MS = 30_000;
/** So often an API is asked for a job that fails on its side: it may have created the job all the same, and asking again tells. */
const MOST_FAILURES = 5;

export interface Errand extends DeskPorts {
  readonly owner: string;
  readonly chatId: number;
  readonly batch: Batch;
  readonly order: Order;
  /** Somebody wants the order stopped. */
  readonly stop: AbortSignal;
  /** Stopping did not work, and the order goes on; the signal of the next wish. */
  goesOn(): AbortSignal;
  /** Resolves when it is this order's turn to be placed. */
  readonly before: Promise<void>;
  /** Called when it is the next one's. */
  placed(): void;
  say(): Promise<Say>;
  /** Keeps the order as it is now. */
  keep(): Promise<void>;
  /** Resolves when another order of the chat ends; rejects with `signal`. */
  freed(signal: AbortSignal): Promise<void>;
  report(progress: Progress): void;
}

export interface Outcome {
  readonly end: NonNullable<Order['end']>;
  readonly failure: string | null;
}

const outcome = (end: Outcome['end'], failure: string | null = null): Outcome => ({ end, failure });

/**
 * Carries an order out: has its job created, follows that to its end, sends the video. Begins where the order stands.
 * @throws the reason of `signal` when that is aborted; Telegram's error if the chat is closed to the bot
 */
export async function carryOut(errand: Errand): Promise<Outcome> {
  const { order, log, chatId } = errand;
  try {
    if (order.jobId === null) await getPlaced(errand);
    errand.placed();
    return await follow(errand);
  } catch (error) {
    errand.signal.throwIfAborted();
    if (isBlocked(error)) throw error;
    if (errand.stop.aborted && order.jobId === null) return outcome('CANCELLED');
    const code = codeOf(error);
    if (code === 'INTERNAL' || code === 'UNAUTHENTICATED' || code === 'FORBIDDEN') log.error({ err: error, chatId, jobId: order.jobId }, 'an order failed');
    else log.info({ err: error instanceof FileError ? error : undefined, chatId, jobId: order.jobId, code }, 'an order failed');
    return outcome('FAILED', code);
  }
}

async function getPlaced(errand: Errand): Promise<void> {
  const { api, photos, owner, order, keep, before, stop, signal } = errand;
  const work = (quit: AbortSignal) => place(api, photos, owner, order, keep, quit);
  try {
    await Promise.race([before, aborted(stop)]);
    await persist(errand, work);
  } catch (error) {
    signal.throwIfAborted();
    if (!stop.aborted || !order.asked) throw error;
    // There may be a job, of which we have not heard yet; asking again tells which, and then it is cancelled.
    await persist(errand, work, true);
  }
}

async function follow(errand: Errand): Promise<Outcome> {
  const { api, owner, order, report } = errand;
  let isOver = false;
  const cancelOn = (stop: AbortSignal) => {
    const cancel = () => void persist(errand, () => api.cancelJob(owner, order.jobId!), true).catch((error: unknown) => {
      if (isOver || errand.signal.aborted) return;
      errand.log.warn({ err: error, jobId: order.jobId }, 'a job could not be cancelled');
      cancelOn(errand.goesOn());
    });
    if (stop.aborted) cancel();
    else stop.addEventListener('abort', cancel, { once: true });
  };
  cancelOn(errand.stop);
  let latest: Job | null = null;
  // A place in the queue gets better, and a wait shorter, without any news of the job itself.
  const look = async () => {
    if (latest?.status === 'RETRYING') report(latest);
    if (latest?.status !== 'QUEUED') return;
    const job = await api.job(owner, order.jobId!).catch(() => null);
    if (job?.status === 'QUEUED' && latest?.status === 'QUEUED') report(job);
  };
  const looking = setInterval(() => void look(), errand.retryMs);
  try {
    for await (const job of api.follow(owner, order.jobId!, errand.signal)) {
      latest = job;
      if (job === null) {
        report('away');
        continue;
      }
      if (job.status === 'CANCELLED') return outcome('CANCELLED');
      if (job.status === 'FAILED') return outcome('FAILED', job.error?.code ?? 'INTERNAL');
      if (job.status === 'COMPLETED') {
        order.rendered = true;
        await send(errand, job);
        return outcome('DELIVERED');
      }
      report(job);
    }
    throw new Error('a follow-up ended before its job');
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return outcome('GONE');
    throw error;
  } finally {
    clearInterval(looking);
    isOver = true;
  }
}

async function send(errand: Errand, job: Job): Promise<void> {
  const { telegram, api, say, chatId, batch, videoMaxBytes: maxBytes, metrics, deliveries, log, signal } = errand;
  errand.report('sending');
  const words = await say();
  const delivery = { telegram, api, say: words, chatId, replyTo: batch.replyTo, maxBytes, log, signal };
  await persist(errand, () => deliveries.run(() => deliver(delivery, job), signal), true);
  metrics.videos.inc();
}

/**
 * Does `work` until it succeeds or fails for good: where there is no free place it waits for one, where Telegram asks to wait it does,
 * and where API or Telegram are away it comes back for as long as patience lasts; a few times only where the API fails.
 * @param work is to end with `quit`
 * @param evenStopped goes on although somebody wants the order stopped, but does not wait for a place then
 */
async function persist(errand: Errand, work: (quit: AbortSignal) => Promise<void>, evenStopped = false): Promise<void> {
  const { patienceMs, signal, stop, report } = errand;
  const quit = evenStopped ? signal : AbortSignal.any([signal, stop]);
  quit.throwIfAborted();
  if (!evenStopped) report('fetching');
  for (let awaySince: number | null = null, failures = 0; ; ) {
    try {
      await work(quit);
      return;
    } catch (error) {
      quit.throwIfAborted();
      const isFull = error instanceof ApiError && error.isFull;
      const isPassing = isAway(error) || (!evenStopped && hasCode(error, 'INTERNAL') && ++failures < MOST_FAILURES);
      if (isFull ? stop.aborted : !isPassing) throw unwrap(error);
      const isAsked = isFull || retryAfter(unwrap(error)) !== null;
      awaySince = isAsked ? null : (awaySince ?? Date.now());
      if (awaySince !== null && Date.now() - awaySince >= patienceMs) throw error;
      if (!evenStopped) report(reasonToWait(error));
      await wait(errand, quit, error);
    }
  }
}

function reasonToWait(error: unknown): Progress {
  if (!(error instanceof ApiError)) return 'away';
  switch (error.code) {
    case 'OWNER_LIMIT': return 'full-owner';
    case 'QUEUE_FULL': return 'full-queue';
    case 'UPLOAD_LIMIT': return { roomAt: Date.now() + retryAfterMs(error) };
    default: return 'away';
  }
}

const retryAfterMs = ({ retryAfterSeconds = 0 }: ApiError): number => retryAfterSeconds * 1000;

/** A while; where places are full, no longer than until one is free. @throws the reason of `quit` */
async function wait({ retryMs, freed }: Errand, quit: AbortSignal, error: unknown): Promise<void> {
  const enough = new AbortController();
  const signal = AbortSignal.any([quit, enough.signal]);
  const forUploads = hasCode(error, 'UPLOAD_LIMIT') && error instanceof ApiError;
  const asked = forUploads ? Math.min(retryAfterMs(error), ROOM_LOOK_MS) : (retryAfter(unwrap(error)) ?? 0) * 1000;
  const ms = Math.max(retryMs, asked);
  const forPlace = hasCode(error, 'OWNER_LIMIT', 'QUEUE_FULL');
  try {
    await Promise.race([sleep(ms, undefined, { signal }), ...(forPlace ? [freed(signal)] : [])]);
  } finally {
    enough.abort();
  }
}

async function aborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

/** What a stream broke with that was being sent to Telegram. */
const unwrap = (error: unknown): unknown => (error instanceof HttpError && error.error instanceof ApiError ? error.error : error);

function isAway(error: unknown): boolean {
  const cause = unwrap(error);
  if (cause instanceof ApiError) return cause.isAway;
  return cause instanceof FileError ? cause.code === 'AWAY' : isTelegramAway(cause);
}

/** What the user is told: the API's own code, or ours. */
function codeOf(error: unknown): string {
  if (error instanceof ApiError) return error.code;
  if (error instanceof FileError) return error.code === 'AWAY' ? 'UNREACHABLE' : error.code;
  return 'INTERNAL';
}
