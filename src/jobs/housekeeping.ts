/**
 * What crashes leave behind is mended here, and what has had its time is deleted. Every pass starts from the database alone, so it
 * does not matter which process runs it, how often, or what the clock did meanwhile.
 */
import { admitAll } from './admission.ts';
import { retryOrFail } from './attempt.ts';
import { removeUpload } from './cancel.ts';
import type { JobContext } from './context.ts';
import { liveWorkers } from './engines.ts';
import { AppError } from './errors.ts';
import { jobFiles, type Job } from './job.ts';
import type { QueueEntryState } from './ports/queue.ts';
import { isUuid, type SeenWorker } from './store.ts';

/** Younger rows are left alone: their creator may be just about to queue them. */
const SETTLE_MS = 3_000;
const BATCH = 100;
/** A silent worker's row is of use to somebody who looks for it; for this long. */
const WORKER_ROWS_KEPT_SECONDS = 3_600;
/** Delivered events are kept this long, to look up what happened to a job. */
const EVENTS_KEPT_SECONDS = 86_400;

/** Files that no row speaks for may be somebody's who is about to write the row; untouched for this long they are nobody's. */
const STRAY_MS = 600_000;
/** Looking through the whole storage folder costs more than all the rest and is less urgent: it is done this often. */
const STRAYS_EVERY_MS = 300_000;

/** When each context's process last looked for strays, by performance.now(). */
const lookedForStrays = new WeakMap<JobContext, number>();

/** One pass of everything; skipped if another process is at it. Never rejects: each part's failure is logged and tried again next time. */
export async function keepHouse(context: JobContext): Promise<void> {
  const parts = { reconcile, admitAll, markMissingFiles, expireFiles, expireUploads, strays, deleteOldRows } as const;
  try {
    await context.jobs.exclusively('housekeeping', async () => {
      for (const [part, run] of Object.entries(parts)) {
        await run(context).catch((error: unknown) =>
          context.log.error({ err: error, part }, 'housekeeping failed; it will be tried again'),
        );
      }
    });
  } catch (error) {
    context.log.error({ err: error }, 'housekeeping could not begin; it will be tried again');
  }
}

async function strays(context: JobContext): Promise<void> {
  const last = lookedForStrays.get(context);
  if (last !== undefined && performance.now() - last < STRAYS_EVERY_MS) return;
  await clearStrays(context);
  lookedForStrays.set(context, performance.now());
}

/** Does `work` for each item. One that fails is logged, left for the next pass, and keeps nobody else waiting; how many failed. */
async function forEach<T extends { readonly id: string }>(
  { log }: Pick<JobContext, 'log'>,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<number> {
  let failed = 0;
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      failed += 1;
      log.error({ err: error, id: item.id }, 'housekeeping failed here; it will be tried again');
    }
  }
  return failed;
}

/** Does `work` for all that `next` gives, batch by batch, passing over what fails. `work` must take its item out of what `next` gives. */
async function forAll<T extends { readonly id: string }>(
  context: JobContext,
  next: (limit: number, skip: number) => Promise<T[]>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let skip = 0;
  for (;;) {
    const batch = await next(BATCH, skip);
    skip += await forEach(context, batch, work);
    if (batch.length < BATCH) return;
  }
}

/** Makes rows and queue agree again. */
async function reconcile(context: JobContext): Promise<void> {
  const now = await context.jobs.now();
  const workers = await liveWorkers(context);
  const admitted = (await context.jobs.active()).filter(({ admission }) => admission !== null);
  await forEach(context, admitted, async (job) => {
    const entry = await context.queue.state(job.engine, job.id);
    if (job.status === 'PROCESSING') {
      if (entry === 'missing' && !isHeld(job, workers)) await releaseLost(context, job);
    } else {
      await requeue(context, job, entry, now);
    }
  });
}

function isHeld(job: Job, workers: readonly SeenWorker[]): boolean {
  return workers.some((worker) => worker.id === job.workerId && worker.jobId === job.id);
}

/** A waiting row without a queue entry: a crash came between the two, or the queue lost its data. */
async function requeue(context: JobContext, job: Job, entry: QueueEntryState, now: Date): Promise<void> {
  if (entry !== 'missing' || now.getTime() - job.createdAt.getTime() < SETTLE_MS) return;
  const delayMs = job.status === 'RETRYING' && job.nextAttemptAt ? Math.max(0, job.nextAttemptAt.getTime() - now.getTime()) : 0;
  context.log.warn({ jobId: job.id, status: job.status }, 'job had no queue entry; queued again');
  await context.queue.enqueue(job.engine, job.id, delayMs);
}

/** A row whose worker and queue entry are both gone: the attempt is lost; the next one may begin at once. */
async function releaseLost(context: JobContext, job: Job): Promise<void> {
  context.log.warn({ jobId: job.id, attempt: job.attempt, workerId: job.workerId }, 'job was held by nobody');
  const guard = { from: ['PROCESSING'], token: job.attemptToken, attempt: job.attempt } as const;
  if (await retryOrFail(context, job, guard, new AppError('WORKER_LOST'), 0)) await context.queue.enqueue(job.engine, job.id);
}

/** A completed row whose video is not there (a lost disk, a hand that tidied up) says so instead of handing out dead links. */
async function markMissingFiles(context: JobContext): Promise<void> {
  await forEach(context, await context.jobs.recentlyCompleted(600), async (job) => {
    const there = await context.blobs.stat(jobFiles.video(job)).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
    );
    if (there) return;
    context.log.error({ jobId: job.id }, 'the video of a completed job is missing');
    await context.jobs.transition(job.id, { from: ['COMPLETED'] }, { filesKept: false });
  });
}

/** Deletes files, then says so in the row: a crash between the two only repeats the deletion. */
export async function expireFiles(context: JobContext): Promise<void> {
  await forAll(
    context,
    (limit, skip) => context.jobs.expired(limit, skip),
    async (job) => {
      await context.blobs.remove(jobFiles.archive(job));
      await context.blobs.remove(jobFiles.hot(job.id));
      await context.jobs.transition(job.id, { from: [job.status] }, { filesKept: false, photoKept: false });
    },
  );
}

export async function expireUploads(context: JobContext): Promise<void> {
  await forAll(
    context,
    (limit, skip) => context.uploads.expired(limit, skip),
    ({ id }) => removeUpload(context, id),
  );
}

/** Removes files that no row speaks for, which a crash between file and row left, and working folders of attempts that are over. */
export async function clearStrays(context: JobContext): Promise<void> {
  const { jobs, uploads, blobs, workspace, log } = context;
  const settled = new Date((await jobs.now()).getTime() - STRAY_MS);
  const clear = async (found: readonly Stray[], known: { has(id: string): boolean }) => {
    await forEach(
      context,
      found.filter(({ id }) => !known.has(id)),
      async ({ key }) => {
        const changed = await blobs.lastChange(key);
        if (!changed || changed >= settled) return;
        log.info({ key }, 'stray files removed');
        await blobs.remove(key);
      },
    );
  };
  const ofJobs = [...(await below(blobs, 'hot')), ...(await archived(blobs))];
  await clear(ofJobs, await jobs.revisions(idsOf(ofJobs)));
  const ofUploads = await below(blobs, 'uploads');
  await clear(ofUploads, await uploads.existing(idsOf(ofUploads)));

  const idle = await workspace.scratchIdleSince(settled);
  const running = new Set(
    (await jobs.active()).filter(({ status }) => status === 'PROCESSING').map(({ id, attempt }) => `${id}-${attempt}`),
  );
  await forEach(
    context,
    idle.filter((name) => !running.has(name)).map((id) => ({ id })),
    ({ id }) => workspace.removeScratch(id),
  );
}

/** Something in storage, with the id of the row that should speak for it. */
interface Stray {
  readonly id: string;
  readonly key: string;
}

const idsOf = (found: readonly Stray[]): string[] => [...new Set(found.map(({ id }) => id))].filter(isUuid);

async function below(blobs: JobContext['blobs'], key: string): Promise<Stray[]> {
  return (await blobs.list(key)).map((id) => ({ id, key: `${key}/${id}` }));
}

/** Jobs' folders in the archive, which lie below year, month and day. */
async function archived(blobs: JobContext['blobs']): Promise<Stray[]> {
  let level = await below(blobs, 'archive');
  for (const _part of ['month', 'day', 'job']) {
    level = (await Promise.all(level.map(({ key }) => below(blobs, key)))).flat();
  }
  return level;
}

async function deleteOldRows({ config, jobs, workers }: JobContext): Promise<void> {
  await jobs.deleteOld(config.JOBS_KEPT_DAYS);
  await jobs.deleteDeliveredEvents(EVENTS_KEPT_SECONDS);
  await workers.deleteUnseen(WORKER_ROWS_KEPT_SECONDS);
}
