import { ApiError } from '../../src/client/error.ts';
import type { ErrorFault, ErrorRetry } from '../../src/client/generated.ts';
import { isBlocked, isTelegramAway } from '../telegram/errors.ts';
import { FileError } from '../telegram/files.ts';
import type { RunContext } from './context.ts';
import { follow } from './follow.ts';
import { failed, outcome, type Outcome } from './group.ts';
import { submit } from './submit.ts';

/**
 * Runs a request: creates its job, follows it to its end and sends the video. Resumes at the step the request had reached.
 * @throws the reason of `signal` when that is aborted; Telegram's error if the user blocked the bot
 */
export async function runRequest(context: RunContext): Promise<Outcome> {
  const { request, log, chatId, cancellation } = context;
  try {
    if (request.jobId === null) await submit(context);
    else context.endTurn();
    return await follow(context);
  } catch (error) {
    context.signal.throwIfAborted();
    if (isBlocked(error)) throw error;
    // Once createJob has been sent, a job may exist.
    if (cancellation.isRequested && request.jobId === null && !request.asked) return outcome('CANCELLED');
    const { code, fault, retry } = failureOf(error);
    log[fault === 'SERVER' ? 'error' : 'warn']({ err: error, chatId, jobId: request.jobId, code }, 'a request failed');
    return failed(code, retry);
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
