/** How a group goes, in words. */
import { InlineKeyboard } from 'grammy';
import type { Job } from '../../src/client/client.ts';
import type { Content } from '../telegram/editor.ts';
import type { Say } from '../texts/texts.ts';
import { isHopeless, isStoppable, openRequests, retryable, type RequestGroup, type VideoRequest } from './group.ts';

/** The API takes no more photos of this person until then, in milliseconds since 1970. */
interface NoRoom {
  readonly roomAt: number;
}

/** What a request that is not over does: the job as the API tells it, or what comes before and after. */
export type Progress =
  Job | NoRoom | 'fetching' | 'starting' | 'waiting' | 'full-owner' | 'full-queue' | 'away' | 'telegram-away' | 'sending';

const BAR_CELLS = 10;

function bar(percent: number): string {
  const filled = Math.min(BAR_CELLS, Math.max(0, Math.floor((percent / 100) * BAR_CELLS)));
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
}

/** About how long, in steps that do not change with every second. */
function eta(say: Say, seconds: number): string {
  if (seconds >= 90) return say('eta-minutes', { minutes: Math.round(seconds / 60) });
  const step = seconds > 20 ? 10 : seconds > 10 ? 5 : 1;
  return say('eta-seconds', { seconds: Math.max(1, Math.ceil(seconds / step) * step) });
}

const etaUntil = (say: Say, { roomAt }: NoRoom): string => eta(say, (roomAt - Date.now()) / 1000);

export function statusOf(say: Say, group: RequestGroup, progress: ReadonlyMap<VideoRequest, Progress>): Content {
  const [first] = group.requests;
  const text =
    group.requests.length === 1 ? alone(say, group, first!, progress.get(first!) ?? unheard(group, first!)) : album(say, group, progress);
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

/** What went wrong, and what to do. */
export function failureText(say: Say, code: string): string {
  return `${say('failure', { code })}\n${say('hint', { code })}`;
}

function alone(say: Say, group: RequestGroup, request: VideoRequest, progress: Progress): string {
  switch (request.end) {
    case 'DELIVERED':
      return say(group.resend ? 'status-resent' : 'status-done');
    case 'CANCELLED':
      return say('status-cancelled');
    case 'GONE':
      return say('status-gone');
    case 'FAILED':
      return `${failureText(say, request.failure ?? 'INTERNAL')}${isHopeless(request) ? '' : `\n\n${say('failure-uncounted')}`}`;
    case null:
      break;
  }
  if (request.cancelling && !request.rendered) return say('status-cancelling');
  if (typeof progress === 'string') return say(`status-${progress}`);
  return 'roomAt' in progress ? say('status-full-uploads', { eta: etaUntil(say, progress) }) : jobText(say, progress);
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

/** What it does; the one stage that takes minutes with its steps. */
function stageText(say: Say, { stage, step, totalSteps }: Job): string {
  const name = say('status-stage', { stage: stage ?? '' });
  return stage === 'DENOISING' && step !== null && totalSteps !== null ? `${name} ${step}/${totalSteps}` : name;
}

/** What a request does of which nothing has been reported yet. */
function unheard({ resend }: RequestGroup, { jobId, rendered }: VideoRequest): Progress {
  if (jobId === null) return 'waiting';
  return resend || rendered ? 'sending' : 'starting';
}

function album(say: Say, group: RequestGroup, progress: ReadonlyMap<VideoRequest, Progress>): string {
  const { requests } = group;
  const done = requests.filter(({ end }) => end === 'DELIVERED').length;
  const lines = requests.map((request, index) => `${index + 1}. ${line(say, request, progress.get(request) ?? unheard(group, request))}`);
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
  if ('roomAt' in progress) return `⏳ ${say('line-full-uploads', { eta: etaUntil(say, progress) })}`;
  switch (progress.status) {
    case 'QUEUED':
      return `⏳ ${say('line-queued', { position: progress.queuePosition ?? 1 })}`;
    case 'PROCESSING':
      return `[${bar(progress.percent)}] ${say('line-running', { percent: Math.floor(progress.percent) })}`;
    case 'RETRYING':
      return `🔁 ${say('line-retrying')}`;
    default:
      return `📤 ${say('line-sending')}`;
  }
}
