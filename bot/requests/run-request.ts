import { ApiError, hasCode } from '../../src/client/error.ts';
import type { ErrorFault, ErrorRetry } from '../../src/client/generated.ts';
import type { Job } from '../../src/client/client.ts';
import { isBlocked, isTelegramAway } from '../telegram/errors.ts';
import { FileError } from '../telegram/files.ts';
import type { Say } from '../texts/texts.ts';
import type { RequestGroup, VideoRequest } from './group.ts';
import { deliver } from './deliver.ts';
import { persist, type Persistence } from './persist.ts';
import { submit } from './submit.ts';
import type { RequestPorts } from './ports.ts';
import type { Progress } from './status.ts';
import type { Stop } from './stop.ts';

type Ports = Pick<
  RequestPorts,
  'api' | 'telegram' | 'photos' | 'deliveries' | 'log' | 'metrics' | 'signal' | 'retryMs' | 'patienceMs' | 'videoMaxBytes'
>;

export interface RunContext extends Ports {
  readonly owner: string;
  readonly chatId: number;
  readonly group: RequestGroup;
  readonly request: VideoRequest;
  readonly stop: Stop;
  /** Cancelling failed: clears the cancellation, and the request continues. */
  goesOn(): void;
  /** Resolves when it is this request's turn to be submitted. */
  readonly before: Promise<void>;
  /** Lets the next request be submitted. */
  submitted(): void;
  say(): Promise<Say>;
  /** Stores the request in its current state. */
  keep(): Promise<void>;
  /** Resolves when another request of the chat ends; rejects with `signal`. */
  freed(signal: AbortSignal): Promise<void>;
  report(progress: Progress): void;
}

export interface Outcome {
  readonly end: NonNullable<VideoRequest['end']>;
  readonly failure: string | null;
  /** Whether the same request can succeed after `failure`. */
  readonly retry: ErrorRetry | null;
}

/** How long delivery of a finished video is retried while Telegram is unreachable. */
const TELEGRAM_PATIENCE_MS = 3_600_000;

const outcome = (end: Outcome['end']): Outcome => ({ end, failure: null, retry: null });

const failed = (failure: string, retry: ErrorRetry): Outcome => ({ end: 'FAILED', failure, retry });

/**
 * Runs a request: creates its job, follows it to its end and sends the video. Resumes at the step the request had reached.
 * @throws the reason of `signal` when that is aborted; Telegram's error if the chat is closed to the bot
 */
export async function runRequest(context: RunContext): Promise<Outcome> {
  const { request, log, chatId, stop } = context;
  try {
    if (request.jobId === null) await submitRequest(context);
    context.submitted();
    return await follow(context);
  } catch (error) {
    context.signal.throwIfAborted();
    if (isBlocked(error)) throw error;
    // Once createJob was sent, a job may exist.
    if (stop.isWanted && request.jobId === null && !request.asked) return outcome('CANCELLED');
    const failure = failureOf(error);
    log[failure.fault === 'SERVER' ? 'error' : 'warn'](
      { err: error, chatId, jobId: request.jobId, code: failure.code },
      'a request failed',
    );
    return failed(failure.code, failure.retry);
  }
}

/** Retries regardless of a cancellation, and does not wait for free slots. */
const insisting = ({ retryMs, patienceMs, signal: quit }: RunContext): Persistence => ({ retryMs, patienceMs, quit });

async function submitRequest(context: RunContext): Promise<void> {
  const { api, photos, owner, request, keep, before, stop, signal, freed, report } = context;
  const begin = request.fromJob === undefined ? 'fetching' : 'starting';
  const quit = AbortSignal.any([signal, stop.signal]);
  const waited = new AbortController();
  try {
    await Promise.race([before, stop.wanted(AbortSignal.any([signal, waited.signal]))]).finally(() => waited.abort());
    quit.throwIfAborted();
    report(begin);
    await persist(() => submit(api, photos, owner, request, keep, quit), {
      ...insisting(context),
      quit,
      freed,
      onWait: (error) => report(reasonToWait(error)),
    });
    void clearUpload(context);
  } catch (error) {
    signal.throwIfAborted();
    if (!stop.isWanted || !request.asked) throw error;
    // A job may exist whose id is unknown: the same key returns it, and then it is cancelled.
    await persist(() => submit(api, photos, owner, request, keep, signal), insisting(context));
  }
}

/** The job has its own copy of the photo; until deleted, the upload counts against its owner's limit for an hour. */
async function clearUpload({ api, owner, request: { uploadId }, log }: RunContext): Promise<void> {
  if (uploadId === null) return;
  await api
    .as(owner)
    .deleteUpload(uploadId)
    .catch((error: unknown) => log.info({ err: error }, 'an upload stays until it expires'));
}

async function follow(context: RunContext): Promise<Outcome> {
  const { api, owner, request, report, signal } = context;
  const over = new AbortController();
  void cancelWhenWanted(context, over.signal);
  let latest: Job | null = null;
  // Queue position and estimate change without a change of the job.
  const look = async () => {
    if (latest?.status === 'RETRYING') report(latest);
    if (latest?.status !== 'QUEUED') return;
    const job = await api
      .as(owner)
      .job(request.jobId!)
      .catch(() => null);
    if (job?.status === 'QUEUED' && latest?.status === 'QUEUED') report(job);
  };
  const looking = setInterval(() => void look(), context.retryMs);
  try {
    for await (const job of api.follow(owner, request.jobId!, signal)) {
      latest = job;
      switch (job?.status) {
        case 'CANCELLED':
          return outcome('CANCELLED');
        case 'FAILED':
          request.jobFailed = true;
          return failed(job.error?.code ?? 'INTERNAL', job.error?.retry ?? 'SAME_REQUEST');
        case 'COMPLETED':
          request.rendered = true;
          over.abort();
          await send(context, job);
          return outcome('DELIVERED');
        default:
          report(job ?? 'away');
      }
    }
    throw new Error('the subscription ended before its job');
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return outcome('GONE');
    throw error;
  } finally {
    clearInterval(looking);
    over.abort();
  }
}

/** Cancels the job on request. A failed cancellation can be requested again. */
async function cancelWhenWanted(context: RunContext, over: AbortSignal): Promise<void> {
  const { api, owner, request, stop, goesOn, log } = context;
  const quit = AbortSignal.any([context.signal, over]);
  for (let isCancelled = false; !isCancelled;) {
    try {
      await stop.wanted(quit);
      await persist(() => api.cancelJob(owner, request.jobId!), { ...insisting(context), quit });
      isCancelled = true;
    } catch (error) {
      if (quit.aborted) return;
      log.warn({ err: error, jobId: request.jobId }, 'a job could not be cancelled');
      goesOn();
    }
  }
}

async function send(context: RunContext, job: Job): Promise<void> {
  const { telegram, api, say, chatId, group, request, videoMaxBytes: maxBytes, metrics, deliveries, log, signal } = context;
  context.report('sending');
  const delivery = { telegram, api, say: await say(), chatId, replyTo: request.replyTo ?? group.replyTo, maxBytes, log, signal };
  await persist(() => deliveries.run(chatId, () => deliver(delivery, job), signal), {
    ...insisting(context),
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
  readonly fault: ErrorFault;
  readonly retry: ErrorRetry;
}

/** The failure shown to the user: the API's code, or one of the bot's own. */
function failureOf(error: unknown): RequestFailure {
  if (error instanceof ApiError) return error;
  if (error instanceof FileError && error.code !== 'AWAY') return { code: error.code, fault: 'CLIENT', retry: 'NEVER' };
  if (error instanceof FileError || isTelegramAway(error)) return { code: 'TELEGRAM_AWAY', fault: 'OPERATOR', retry: 'LATER' };
  return { code: 'INTERNAL', fault: 'SERVER', retry: 'SAME_REQUEST' };
}
