/** What somebody asked for, as it is kept until it is done. */
import { z } from 'zod';
import { Retry } from '../api/error.ts';
import { ChoiceRecord } from '../state/chats.ts';

/**
 * One video that somebody wants.
 *
 *   no job ──place──▶ job ──follow──▶ COMPLETED ──deliver──▶ DELIVERED
 *     │                 │
 *     └────────┬────────┘
 *              ▼
 *    FAILED, CANCELLED, GONE (the job was deleted)
 */
export const Order = z.object({
  /** Makes creating its job safe to repeat. */
  key: z.string(),
  /** The photo: that of an earlier job, or a file at Telegram; the latter also where the former is no longer kept. */
  fileId: z.string().optional(),
  fromJob: z.string().optional(),
  choice: ChoiceRecord,
  /** Message that the video answers, where it is not the batch's. */
  replyTo: z.number().optional(),
  uploadId: z.string().nullable().default(null),
  /** The API was asked for the job, and has not said no: there may be one although `jobId` is not known. */
  asked: z.boolean().default(false),
  jobId: z.string().nullable().default(null),
  /** The job itself failed: trying again takes a new one. */
  jobFailed: z.boolean().default(false),
  /** The job is done; whatever goes wrong from here on, nothing is to be rendered again. */
  rendered: z.boolean().default(false),
  cancelling: z.boolean().default(false),
  end: z.enum(['DELIVERED', 'FAILED', 'CANCELLED', 'GONE']).nullable().default(null),
  /** Code of what went wrong: the API's, or PHOTO_GONE. */
  failure: z.string().nullable().default(null),
  /** Whether the same request can succeed after `failure`. */
  retry: Retry.nullable().default(null),
});
export type Order = z.infer<typeof Order>;

/** What was asked for at once, with one message that tells how it goes. */
export const Batch = z.object({
  id: z.string(),
  chatId: z.number(),
  /** Message that is answered; absent where a button was tapped. */
  replyTo: z.number().optional(),
  /** The message that tells how it goes, once it is sent. */
  messageId: z.number().nullable().default(null),
  /** An album may grow until then, in milliseconds since 1970. */
  openUntil: z.number().default(0),
  createdAt: z.number(),
  /** Sent again: nothing is rendered. */
  resend: z.boolean().default(false),
  /** When all was over, in milliseconds since 1970; kept on for a while if something may be tried again. */
  endedAt: z.number().nullable().default(null),
  /** The batch in which it is tried again. */
  retriedAs: z.string().nullable().default(null),
  orders: z.array(Order).min(1),
});
export type Batch = z.infer<typeof Batch>;

export const newOrder = (order: z.input<typeof Order>): Order => Order.parse(order);
export const newBatch = (batch: z.input<typeof Batch>): Batch => Batch.parse(batch);

export const openOrders = ({ orders }: Batch): Order[] => orders.filter(({ end }) => end === null);
/** Not over, not being stopped, and not on its way to the chat already. */
export const isStoppable = ({ end, cancelling, rendered }: Order): boolean => end === null && !cancelling && !rendered;
export const failedOrders = ({ orders }: Batch): Order[] => orders.filter(({ end }) => end === 'FAILED');

/** Whether the same photo fails again for the same reason. */
export const isHopeless = ({ retry }: Pick<Order, 'retry'>): boolean => retry === 'NEVER';

/** Those that may work when tried once more. */
export const retryable = (batch: Batch): Order[] => failedOrders(batch).filter((order) => !isHopeless(order));

/**
 * The order that tries `order` once more. A job that did not fail is gone on with, as it may still render, or only has to be sent; one
 * that was asked for, and of which nothing was heard, is asked for by the same key. Only what failed is rendered again.
 * @param key of a new job
 */
export function again(
  { key: oldKey, fileId, fromJob, choice, replyTo, uploadId, asked, jobId, jobFailed, rendered }: Order,
  key: string,
): Order {
  const common = { fileId, choice, replyTo };
  if (jobId !== null && !jobFailed) return newOrder({ ...common, key, jobId, rendered });
  if (jobId === null) return newOrder({ ...common, key: asked ? oldKey : key, asked, uploadId, fromJob });
  return newOrder({ ...common, key, fromJob: jobId });
}
