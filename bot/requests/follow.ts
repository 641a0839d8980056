/** The second half of a request: from a job of the API to the video in the chat. */
import type { Job } from '../../src/client/client.ts';
import { hasCode } from '../../src/client/error.ts';
import type { RunContext } from './context.ts';
import { deliver } from './deliver.ts';
import { failed, outcome, type Outcome } from './group.ts';
import { withRetries } from './retries.ts';

/** How long the delivery of a finished video is retried while Telegram is unreachable. */
const TELEGRAM_PATIENCE_MS = 3_600_000;

/**
 * Follows the request's job to its end, cancels it on request, and sends the video.
 * @throws errors of sending the video; the reason of the signal
 */
export async function follow(context: RunContext): Promise<Outcome> {
  const { api, owner, request, report, signal } = context;
  const end = new AbortController();
  void cancelWhenRequested(context, end.signal);
  let latest: { readonly job: Job; readonly receivedAt: number } | null = null;
  // The API sends a waiting job only when its position changes; its remaining time is counted down here.
  const counting = setInterval(() => {
    if (latest && (latest.job.status === 'QUEUED' || latest.job.status === 'RETRYING')) report(countDown(latest.job, latest.receivedAt));
  }, context.retryMs);
  try {
    for await (const job of api.follow(owner, request.jobId!, signal)) {
      latest = job && { job, receivedAt: Date.now() };
      switch (job?.status) {
        case 'CANCELLED':
          return outcome('CANCELLED');
        case 'FAILED':
          request.jobFailed = true;
          return failed(job.error?.code ?? 'INTERNAL', job.error?.retry ?? 'SAME_REQUEST');
        case 'COMPLETED':
          request.rendered = true;
          end.abort();
          await sendVideo(context, job);
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
    clearInterval(counting);
    end.abort();
  }
}

/** The job with the remaining time as of now; null once the estimate has run out. */
function countDown(job: Job, receivedAt: number): Job {
  const seconds = (job.estimatedSecondsRemaining ?? 0) - (Date.now() - receivedAt) / 1000;
  return { ...job, estimatedSecondsRemaining: seconds > 0 ? seconds : null };
}

/** Cancels the job when the user requests it, until `end`. If that fails, the user can request it again. */
async function cancelWhenRequested(context: RunContext, end: AbortSignal): Promise<void> {
  const { api, owner, request, cancellation, retryMs, patienceMs, log } = context;
  const quit = AbortSignal.any([context.signal, end]);
  for (let isCancelled = false; !isCancelled;) {
    try {
      await cancellation.requested(quit);
      await withRetries(() => api.cancelJob(owner, request.jobId!), { retryMs, patienceMs, quit });
      isCancelled = true;
    } catch (error) {
      if (quit.aborted) return;
      log.warn({ err: error, jobId: request.jobId }, 'could not cancel a job');
      context.continueAfterFailedCancellation();
    }
  }
}

async function sendVideo(context: RunContext, job: Job): Promise<void> {
  const { telegram, api, chatId, group, request, videoMaxBytes: maxBytes, log, signal } = context;
  context.report('sending');
  const delivery = { telegram, api, say: await context.say(), chatId, replyTo: request.replyTo ?? group.replyTo, maxBytes, log, signal };
  await withRetries(() => context.deliveries.run(chatId, () => deliver(delivery, job), signal), {
    retryMs: context.retryMs,
    patienceMs: context.patienceMs,
    telegramPatienceMs: TELEGRAM_PATIENCE_MS,
    quit: signal,
  });
  context.metrics.videos.inc();
}
