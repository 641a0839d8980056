/** The status message of a group: its text and buttons. */
import { InlineKeyboard } from 'grammy';
import type { Job } from '../../src/client/client.ts';
import type { Content } from '../telegram/editor.ts';
import type { Say } from '../texts/texts.ts';
import { isFinal, isStoppable, openRequests, retryable, type RequestGroup, type VideoRequest } from './group.ts';

/** What an open request is doing: its job as the API reports it, or a step before or after the job. */
export type Progress = Job | 'fetching' | 'starting' | 'away' | 'telegram-away' | 'sending';

/** Failures because of a limit, which get no note that they do not count against the limit. */
const LIMITS: readonly (string | null)[] = ['QUEUE_FULL', 'OWNER_LIMIT'];

const BAR_CELLS = 10;

function bar(percent: number): string {
  const filled = Math.min(BAR_CELLS, Math.max(0, Math.floor((percent / 100) * BAR_CELLS)));
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
}

/** A duration, rounded so that it does not change every second. */
function eta(say: Say, seconds: number): string {
  if (seconds >= 90) return say('eta-minutes', { minutes: Math.round(seconds / 60) });
  const step = seconds > 20 ? 10 : seconds > 10 ? 5 : 1;
  return say('eta-seconds', { seconds: Math.max(1, Math.ceil(seconds / step) * step) });
}

export function statusOf(say: Say, group: RequestGroup, progress: ReadonlyMap<VideoRequest, Progress>): Content {
  const [first] = group.requests;
  const text =
    group.requests.length === 1
      ? single(say, group, first!, progress.get(first!) ?? initialProgress(group, first!))
      : album(say, group, progress);
  const open = openRequests(group);
  if (open.some(isStoppable)) {
    return {
      text,
      keyboard: new InlineKeyboard().text(say(group.requests.length === 1 ? 'button-cancel' : 'button-cancel-all'), `cancel:${group.id}`),
    };
  }
  if (open.length === 0 && group.retriedAs === null && retryable(group).length > 0)
    return { text, keyboard: new InlineKeyboard().text(say('button-retry'), `redo:${group.id}`) };
  return { text };
}

/** What went wrong, and what to do about it. */
export function failureText(say: Say, code: string): string {
  return `${say('failure', { code })}\n${say('hint', { code })}`;
}

function single(say: Say, group: RequestGroup, request: VideoRequest, progress: Progress): string {
  switch (request.end) {
    case 'DELIVERED':
      return say(group.resend ? 'status-resent' : 'status-done');
    case 'CANCELLED':
      return say('status-cancelled');
    case 'GONE':
      return say('status-gone');
    case 'FAILED':
      return isFinal(request) || LIMITS.includes(request.failure)
        ? failureText(say, request.failure ?? 'INTERNAL')
        : `${failureText(say, request.failure ?? 'INTERNAL')}\n\n${say('failure-uncounted')}`;
    case null:
      break;
  }
  if (request.cancelling && !request.rendered) return say('status-cancelling');
  return typeof progress === 'string' ? say(`status-${progress}`) : jobText(say, progress);
}

function jobText(say: Say, job: Job): string {
  const remaining = job.estimatedSecondsRemaining;
  switch (job.status) {
    case 'QUEUED': {
      const position = job.queuePosition ?? 1;
      return remaining === null ? say('status-queued', { position }) : say('status-queued-eta', { position, eta: eta(say, remaining) });
    }
    case 'RETRYING': {
      const seconds = job.nextAttemptAt === null ? 0 : (Date.parse(job.nextAttemptAt) - Date.now()) / 1000;
      const next = { attempt: job.attempt + 1, max: job.maxAttempts };
      return seconds < 1 ? say('status-retrying-now', next) : say('status-retrying', { ...next, eta: eta(say, seconds) });
    }
    case 'PROCESSING': {
      const stage = stageText(say, job);
      return [
        say('status-running', { bar: bar(job.percent), percent: Math.floor(job.percent) }),
        remaining === null ? stage : say('status-stage-eta', { stage, eta: eta(say, remaining) }),
        ...(job.attempt > 1 ? [say('status-attempt', { attempt: job.attempt, max: job.maxAttempts })] : []),
      ].join('\n');
    }
    default:
      return say('status-sending');
  }
}

/** The stage; for the one that takes minutes, with its steps. */
function stageText(say: Say, { stage, step, totalSteps }: Job): string {
  const name = say('status-stage', { stage: stage ?? '' });
  return stage === 'DENOISING' && step !== null && totalSteps !== null ? `${name} ${step}/${totalSteps}` : name;
}

/** What a request is doing before its first report. */
function initialProgress({ resend }: RequestGroup, { jobId, fromJob, rendered }: VideoRequest): Progress {
  if (jobId === null) return fromJob === undefined ? 'fetching' : 'starting';
  return resend || rendered ? 'sending' : 'starting';
}

function album(say: Say, group: RequestGroup, progress: ReadonlyMap<VideoRequest, Progress>): string {
  const { requests } = group;
  const done = requests.filter(({ end }) => end === 'DELIVERED').length;
  const lines = requests.map(
    (request, index) => `${index + 1}. ${line(say, request, progress.get(request) ?? initialProgress(group, request))}`,
  );
  return `${say('status-album', { total: requests.length, done })}\n\n${lines.join('\n')}`;
}

function line(say: Say, request: VideoRequest, progress: Progress): string {
  switch (request.end) {
    case 'DELIVERED':
      return `✅ ${say('line-done')}`;
    case 'CANCELLED':
      return `✋ ${say('line-cancelled')}`;
    case 'GONE':
      return `🗑 ${say('line-gone')}`;
    case 'FAILED':
      return say('failure', { code: request.failure ?? 'INTERNAL' });
    case null:
      break;
  }
  if (progress === 'sending') return `📤 ${say('line-sending')}`;
  if (typeof progress === 'string') return `⏳ ${say('line-waiting')}`;
  switch (progress.status) {
    case 'QUEUED':
      return jobText(say, progress);
    case 'PROCESSING':
      return `[${bar(progress.percent)}] ${say('line-running', { percent: Math.floor(progress.percent) })}`;
    case 'RETRYING':
      return `🔁 ${say('line-retrying')}`;
    default:
      return `📤 ${say('line-sending')}`;
  }
}
