import type { Log } from './ports/log.ts';

/** Items read at a time. */
const BATCH = 100;

/** Runs `work` for each item. A failure is logged and does not stop the others; returns the number of failures. */
export async function forEachItem<T extends { readonly id: string }>(
  log: Pick<Log, 'error'>,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<number> {
  let failed = 0;
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      failed += 1;
      log.error({ err: error, id: item.id }, 'housekeeping of an item failed; trying again in the next pass');
    }
  }
  return failed;
}

/**
 * Runs `work` for all items that `read` returns, in batches. `work` must remove its item from what `read` returns; failed items are skipped.
 */
export async function forEachBatch<T extends { readonly id: string }>(
  log: Pick<Log, 'error'>,
  read: (limit: number, skip: number) => Promise<T[]>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let skip = 0;
  for (;;) {
    const batch = await read(BATCH, skip);
    skip += await forEachItem(log, batch, work);
    if (batch.length < BATCH) return;
  }
}
