/** Removes files that no row refers to, such as those left by a crash between storing a file and inserting its row. */
import type { JobContext } from './context.ts';
import { forEachItem } from './each.ts';
import { isUuid } from './store.ts';

/**
 * A file without a row may belong to a row that is about to be inserted. After this long unmodified it is an orphan. In milliseconds.
 */
const ORPHAN_AGE_MS = 600_000;

/** A key in storage, with the id of the row that it belongs to. */
interface StoredKey {
  readonly id: string;
  readonly key: string;
}

/** Removes orphaned photos, archive folders and uploads, and scratch folders of attempts that are no longer running. */
export async function removeOrphans(context: JobContext): Promise<void> {
  const { jobs, uploads, blobs, workspace, log } = context;
  const unmodifiedSince = new Date((await jobs.now()).getTime() - ORPHAN_AGE_MS);
  const removeUnknown = async (found: readonly StoredKey[], known: { has(id: string): boolean }) => {
    const unknown = found.filter(({ id }) => !known.has(id));
    await forEachItem(log, unknown, async ({ key }) => {
      const changed = await blobs.lastChange(key);
      if (!changed || changed >= unmodifiedSince) return;
      log.info({ key }, 'removing orphaned files');
      await blobs.remove(key);
    });
  };
  const ofJobs = [...(await keysBelow(blobs, 'hot')), ...(await archiveKeys(blobs))];
  await removeUnknown(ofJobs, await jobs.revisions(idsOf(ofJobs)));
  const ofUploads = await keysBelow(blobs, 'uploads');
  await removeUnknown(ofUploads, await uploads.existing(idsOf(ofUploads)));

  const idle = await workspace.scratchIdleSince(unmodifiedSince);
  const running = new Set(
    (await jobs.active()).filter(({ status }) => status === 'PROCESSING').map(({ id, attempt }) => `${id}-${attempt}`),
  );
  const abandoned = idle.filter((name) => !running.has(name)).map((id) => ({ id }));
  await forEachItem(log, abandoned, ({ id }) => workspace.removeScratch(id));
}

const idsOf = (found: readonly StoredKey[]): string[] => [...new Set(found.map(({ id }) => id))].filter(isUuid);

async function keysBelow(blobs: JobContext['blobs'], key: string): Promise<StoredKey[]> {
  return (await blobs.list(key)).map((id) => ({ id, key: `${key}/${id}` }));
}

/** Folders of jobs in the archive, which are below year, month and day. */
async function archiveKeys(blobs: JobContext['blobs']): Promise<StoredKey[]> {
  let level = await keysBelow(blobs, 'archive');
  for (const _level of ['month', 'day', 'job']) {
    level = (await Promise.all(level.map(({ key }) => keysBelow(blobs, key)))).flat();
  }
  return level;
}
