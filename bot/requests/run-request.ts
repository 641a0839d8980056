import { ApiError, hasCode, type Fault, type Retry } from '../api/error.ts';
import type { Job } from '../api/answers.ts';
import { isBlocked, isTelegramAway } from '../telegram/errors.ts';
import { FileError } from '../telegram/files.ts';
import type { Say } from '../texts/texts.ts';
import type { Batch, Order } from './group.ts';
import { deliver } from './deliver.ts';
import { persist, type Persistence } from './persist.ts';
import { place } from './submit.ts';
import type { DeskPorts } from './ports.ts';
import type { Progress } from './status.ts';
import type { Stop } from './stop.ts';

type Ports = Pick<
  DeskPorts,
  'api' | 'telegram' | 'photos' | 'deliveries' | 'log' | 'metrics' | 'signal' | 'retryMs' | 'patienceMs' | 'videoMaxBytes'
>;

export interface Errand extends Ports {
  readonly owner: string;
  readonly chatId: number;
  readonly batch: Batch;
  readonly order: Order;
  readonly stop: Stop;
  /** Stopping did not work: the wish is taken back, and the order goes on. */
  goesOn(): void;
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
  /** Whether the same request can succeed after `failure`. */
  readonly retry: Retry | null;
}

/** A finished video waits for so long for a Telegram that is away. */
const TELEGRAM_PATIENCE_MS = 3_600_000;

const outcome = (end: Outcome['end']): Outcome => ({ end, failure: null, retry: null });

const failed = (failure: string, retry: Retry): Outcome => ({ end: 'FAILED', failure, retry });

/**
 * Carries an order out: has its job created, follows that to its end, sends the video. Begins where the order stands.
 * @throws the reason of `signal` when that is aborted; Telegram's error if the chat is closed to the bot
 */
export async function carryOut(errand: Errand): Promise<Outcome> {
  const { order, log, chatId, stop } = errand;
  try {
    if (order.jobId === null) await getPlaced(errand);
    errand.placed();
    return await follow(errand);
  } catch (error) {
    errand.signal.throwIfAborted();
    if (isBlocked(error)) throw error;
    // Once asked for, there may be a job that goes on.
    if (stop.isWanted && order.jobId === null && !order.asked) return outcome('CANCELLED');
    const failure = failureOf(error);
    log[failure.fault === 'SERVER' ? 'error' : 'warn']({ err: error, chatId, jobId: order.jobId, code: failure.code }, 'a request failed');
    return failed(failure.code, failure.retry);
  }
}

/** Persistence that no wish to stop ends, and that waits for no place. */
const insisting = ({ retryMs, patienceMs, signal: quit }: Errand): Persistence => ({ retryMs, patienceMs, quit });

async function getPlaced(errand: Errand): Promise<void> {
  const { api, photos, owner, order, keep, before, stop, signal, freed, report } = errand;
  const begin = order.fromJob === undefined ? 'fetching' : 'starting';
  const quit = AbortSignal.any([signal, stop.signal]);
  const waited = new AbortController();
  try {
    await Promise.race([before, stop.wanted(AbortSignal.any([signal, waited.signal]))]).finally(() => waited.abort());
    quit.throwIfAborted();
    report(begin);
    await persist(() => place(api, photos, owner, order, keep, quit), {
      ...insisting(errand),
      quit,
      freed,
      onWait: (error) => report(reasonToWait(error)),
    });
    void clearUpload(errand);
  } catch (error) {
    signal.throwIfAborted();
    if (!stop.isWanted || !order.asked) throw error;
    // There may be a job, of which we have not heard yet; asking again tells which, and then it is cancelled.
    await persist(() => place(api, photos, owner, order, keep, signal), insisting(errand));
  }
}

/** The job has a photo of its own now; the upload would count against the person for an hour. */
async function clearUpload({ api, owner, order: { uploadId }, log }: Errand): Promise<void> {
  if (uploadId === null) return;
  await api.deleteUpload(owner, uploadId).catch((error: unknown) => log.info({ err: error }, 'an upload stays until it expires'));
}

async function follow(errand: Errand): Promise<Outcome> {
  const { api, owner, order, report, signal } = errand;
  const over = new AbortController();
  void cancelWhenWanted(errand, over.signal);
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
    for await (const job of api.follow(owner, order.jobId!, signal)) {
      latest = job;
      switch (job?.status) {
        case 'CANCELLED':
          return outcome('CANCELLED');
        case 'FAILED':
          order.jobFailed = true;
          return failed(job.error?.code ?? 'INTERNAL', job.error?.retry ?? 'SAME_REQUEST');
        case 'COMPLETED':
          order.rendered = true;
          over.abort();
          await send(errand, job);
          return outcome('DELIVERED');
        default:
          report(job ?? 'away');
      }
    }
    throw new Error('a follow-up ended before its job');
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return outcome('GONE');
    throw error;
  } finally {
    clearInterval(looking);
    over.abort();
  }
}

/** Cancels the job when somebody wishes that; where it does not work, the next wish may. */
async function cancelWhenWanted(errand: Errand, over: AbortSignal): Promise<void> {
  const { api, owner, order, stop, goesOn, log } = errand;
  const quit = AbortSignal.any([errand.signal, over]);
  for (let isCancelled = false; !isCancelled;) {
    try {
      await stop.wanted(quit);
      await persist(() => api.cancelJob(owner, order.jobId!), { ...insisting(errand), quit });
      isCancelled = true;
    } catch (error) {
      if (quit.aborted) return;
      log.warn({ err: error, jobId: order.jobId }, 'a job could not be cancelled');
      goesOn();
    }
  }
}

async function send(errand: Errand, job: Job): Promise<void> {
  const { telegram, api, say, chatId, batch, order, videoMaxBytes: maxBytes, metrics, deliveries, log, signal } = errand;
  errand.report('sending');
  const delivery = { telegram, api, say: await say(), chatId, replyTo: order.replyTo ?? batch.replyTo, maxBytes, log, signal };
  await persist(() => deliveries.run(chatId, () => deliver(delivery, job), signal), {
    ...insisting(errand),
    telegramPatienceMs: TELEGRAM_PATIENCE_MS,
  });
  metrics.videos.inc();
}

function reasonToWait(error: unknown): Progress {
  if (!(error instanceof ApiError)) return 'telegram-away';
  switch (error.code) {
    case 'OWNER_LIMIT':
      return 'full-owner';
    case 'QUEUE_FULL':
      return 'full-queue';
    case 'UPLOAD_LIMIT':
      return { roomAt: Date.now() + error.retryAfterMs };
    default:
      return 'away';
  }
}

interface RequestFailure {
  readonly code: string;
  readonly fault: Fault;
  readonly retry: Retry;
}

/** What the user is told: the API's code, or one of the bot's own. */
function failureOf(error: unknown): RequestFailure {
  if (error instanceof ApiError) return error;
  if (error instanceof FileError && error.code !== 'AWAY') return { code: error.code, fault: 'CLIENT', retry: 'NEVER' };
  if (error instanceof FileError || isTelegramAway(error)) return { code: 'TELEGRAM_AWAY', fault: 'OPERATOR', retry: 'LATER' };
  return { code: 'INTERNAL', fault: 'SERVER', retry: 'SAME_REQUEST' };
}
