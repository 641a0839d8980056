/** Requests for videos as stored on disk until they are done. */
import { z } from 'zod';
import { ErrorRetry } from '../../src/client/generated.ts';
import { ChoiceRecord } from '../state/chats.ts';

/**
 * One requested video.
 *
 *   no job ──submit─▶ job ──follow──▶ COMPLETED ──deliver──▶ DELIVERED
 *     │                 │
 *     └────────┬────────┘
 *              ▼
 *    FAILED, CANCELLED, GONE (the job was deleted)
 */
export const VideoRequest = z.object({
  /** Idempotency key of createJob. */
  key: z.string(),
  /** The photo: a file at Telegram, or that of an earlier job. With both, the file is the fallback once the job's photo has expired. */
  fileId: z.string().optional(),
  fromJob: z.string().optional(),
  choice: ChoiceRecord,
  /** Engine and seed of the job that this request repeats with another fit; without them the API chooses. */
  engine: z.string().optional(),
  seed: z.number().optional(),
  /** Message the video replies to, if it differs from the group's. */
  replyTo: z.number().optional(),
  uploadId: z.string().nullable().default(null),
  /** createJob was sent and not refused: a job may exist even though `jobId` is unknown. */
  asked: z.boolean().default(false),
  jobId: z.string().nullable().default(null),
  /** The job itself failed: a retry creates a new job. */
  jobFailed: z.boolean().default(false),
  /** The job is completed: a later failure never renders it again. */
  rendered: z.boolean().default(false),
  cancelling: z.boolean().default(false),
  end: z.enum(['DELIVERED', 'FAILED', 'CANCELLED', 'GONE']).nullable().default(null),
  /** Error code: one of the API's, PHOTO_GONE or TELEGRAM_AWAY. */
  failure: z.string().nullable().default(null),
  /** Whether the same request can succeed after `failure`. */
  retry: ErrorRetry.nullable().default(null),
});
export type VideoRequest = z.infer<typeof VideoRequest>;

/** How a request ended. */
export interface Outcome {
  readonly end: NonNullable<VideoRequest['end']>;
  /** Error code, if it failed. */
  readonly failure: string | null;
  /** Whether the same request can succeed after `failure`. */
  readonly retry: ErrorRetry | null;
}

export const outcome = (end: Outcome['end']): Outcome => ({ end, failure: null, retry: null });
export const failed = (failure: string, retry: ErrorRetry): Outcome => ({ end: 'FAILED', failure, retry });

/** Requests made together, such as an album. They share one status message. */
export const RequestGroup = z.object({
  id: z.string(),
  chatId: z.number(),
  /** Message the status replies to; absent if a button was tapped. */
  replyTo: z.number().optional(),
  /** The status message, once sent. */
  messageId: z.number().nullable().default(null),
  /** Photos of the same album are added until then, in milliseconds since 1970. */
  openUntil: z.number().default(0),
  createdAt: z.number(),
  /** The video is sent again without rendering it. */
  resend: z.boolean().default(false),
  /** When the last request ended, in milliseconds since 1970. A group with retryable failures is kept for a while after that. */
  endedAt: z.number().nullable().default(null),
  /** The group that retries this one. */
  retriedAs: z.string().nullable().default(null),
  requests: z.array(VideoRequest).min(1),
});
export type RequestGroup = z.infer<typeof RequestGroup>;

export const newRequest = (request: z.input<typeof VideoRequest>): VideoRequest => VideoRequest.parse(request);
export const newGroup = (group: z.input<typeof RequestGroup>): RequestGroup => RequestGroup.parse(group);

export const openRequests = ({ requests }: RequestGroup): VideoRequest[] => requests.filter(({ end }) => end === null);
/** Neither ended, nor being cancelled, nor already rendered. */
export const isStoppable = ({ end, cancelling, rendered }: VideoRequest): boolean => end === null && !cancelling && !rendered;
export const failedRequests = ({ requests }: RequestGroup): VideoRequest[] => requests.filter(({ end }) => end === 'FAILED');

/** Whether a retry would fail for the same reason. */
export const isFinal = ({ retry }: Pick<VideoRequest, 'retry'>): boolean => retry === 'NEVER';

/** The failed requests that may succeed when retried. */
export const retryable = (group: RequestGroup): VideoRequest[] => failedRequests(group).filter((request) => !isFinal(request));

/**
 * The request that retries `request`. A job that did not fail is followed again, since it may still be rendering or only has to be sent. If
 * createJob was sent but no response arrived, the same key is used again. Only a failed job is rendered again.
 * @param key for a new job
 */
export function newRetry(request: VideoRequest, key: string): VideoRequest {
  const { fileId, choice, engine, seed, replyTo, jobId, asked } = request;
  const common = { fileId, choice, engine, seed, replyTo };
  if (jobId !== null && !request.jobFailed) return newRequest({ ...common, key, jobId, rendered: request.rendered });
  if (jobId !== null) return newRequest({ ...common, key, fromJob: jobId });
  return newRequest({ ...common, key: asked ? request.key : key, asked, uploadId: request.uploadId, fromJob: request.fromJob });
}
