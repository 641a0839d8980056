import { afterEach } from 'vitest';
import { openQueue, type QueueSettings } from '../../src/infra/queue/queue.ts';
import type { Consumer, Delivery, HandlerOutcome, RenderQueue } from '../../src/jobs/ports/queue.ts';
import type { Backend, BackendSettings } from './backends.ts';

export const DONE: HandlerOutcome = { then: 'done' };
export const EMPTY = { waiting: 0, delayed: 0, active: 0 };

/** Work that blocks until it is released. */
export function held(outcome: HandlerOutcome = DONE): { readonly work: Promise<HandlerOutcome>; end(): void } {
  let end = (): void => {};
  const work = new Promise<HandlerOutcome>((resolve) => (end = () => resolve(outcome)));
  return { work, end: () => end() };
}

/** Opens queues that are closed after the test. */
export function queueOpener(backend: Backend): (settings?: BackendSettings, more?: Partial<QueueSettings>) => RenderQueue {
  const queues: RenderQueue[] = [];
  afterEach(async () => {
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
  });
  return (settings = backend.settings(), more = {}) => {
    const queue = openQueue({ ...settings, stalledSeconds: 10, ...more });
    queues.push(queue);
    return queue;
  };
}

/** Consumes entries and records their ids in order of arrival. */
export async function consume(
  queue: RenderQueue,
  handle: (delivery: Delivery) => Promise<HandlerOutcome> = async () => DONE,
): Promise<{ readonly taken: string[]; readonly consumer: Consumer }> {
  const taken: string[] = [];
  const consumer = await queue.consume('PREVIEW', async (delivery) => {
    taken.push(delivery.jobId);
    return handle(delivery);
  });
  return { taken, consumer };
}
