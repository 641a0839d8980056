import type { Attempt, AttemptContext } from '../../src/jobs/attempt.ts';
import { publishProgress } from '../../src/jobs/context.ts';
import { jobFiles } from '../../src/jobs/job.ts';
import type { RenderProgress } from '../../src/jobs/store.ts';

/** Shortest time between two writes within a stage. */
const WRITE_EVERY_MS = 200;

interface PendingWrite {
  readonly progress: RenderProgress;
  readonly previewPath: string | null;
}

/**
 * Writes an attempt's newest progress into the row, one write at a time and at most every 200 ms, except that a new stage is written at
 * once. Newer progress replaces pending progress of the same stage.
 */
export class ProgressWriter {
  readonly #context: AttemptContext;
  readonly #attempt: Attempt;
  readonly #onSuperseded: () => void;
  /** At most one per stage, in the order of the stages. */
  #pending: PendingWrite[] = [];
  #writing: Promise<void> | null = null;
  #lastStage: string | null = null;
  #lastWrite = 0;
  #endPause: () => void = () => {};
  /** Newest revision that this attempt has written. */
  revision: number;

  /** @param onSuperseded called when a write is refused: the attempt was cancelled or taken over */
  constructor(context: AttemptContext, attempt: Attempt, onSuperseded: () => void) {
    this.#context = context;
    this.#attempt = attempt;
    this.#onSuperseded = onSuperseded;
    this.revision = attempt.job.revision;
  }

  /** Schedules a write. Failures of the database are logged; progress is not worth failing a render. */
  write(progress: RenderProgress, previewPath: string | null): void {
    const last = this.#pending.at(-1);
    if (last?.progress.stage === progress.stage) {
      // A pending preview is kept if the newer progress brings none.
      this.#pending[this.#pending.length - 1] = { progress, previewPath: previewPath ?? last.previewPath };
    } else {
      this.#pending.push({ progress, previewPath });
    }
    // A short stage may end before a pause does.
    if (progress.stage !== this.#lastStage) this.#endPause();
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = null));
  }

  /** Resolves once everything pending is written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const waitMs = this.#lastWrite + WRITE_EVERY_MS - performance.now();
      if (waitMs > 0 && this.#pending.length === 1 && this.#pending[0]!.progress.stage === this.#lastStage) await this.#pause(waitMs);
      const next = this.#pending.shift()!;
      this.#lastWrite = performance.now();
      this.#lastStage = next.progress.stage;
      await this.#writeOne(next).catch((error: unknown) => {
        this.#context.log.warn({ jobId: this.#attempt.job.id, err: error }, 'could not write progress');
      });
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #writeOne({ progress, previewPath }: PendingWrite): Promise<void> {
    const { jobs, blobs, workspace } = this.#context;
    const {
      job: { id },
      token,
    } = this.#attempt;
    if (previewPath) await workspace.adopt(previewPath, jobFiles.preview(id));
    const revision = await jobs.writeProgress(id, token, { ...progress, preview: previewPath !== null });
    if (revision !== null) {
      this.revision = revision;
      await publishProgress(this.#context, id, revision);
      return;
    }
    // The job ended, which removes its preview, before this one was stored.
    if (previewPath) await blobs.remove(jobFiles.preview(id));
    this.#onSuperseded();
  }
}
