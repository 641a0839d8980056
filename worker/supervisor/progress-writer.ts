import type { Attempt, AttemptContext } from '../../src/jobs/attempt.ts';
import { publishProgress } from '../../src/jobs/context.ts';
import { jobFiles } from '../../src/jobs/job.ts';
import type { RenderProgress } from '../protocol.ts';

/** Least time between two writes of progress within a stage. */
const WRITE_EVERY_MS = 200;

/** Writes the newest progress into the row, one write at a time and not more often than a client could care for. */
export class ProgressWriter {
  readonly #context: AttemptContext;
  readonly #attempt: Attempt;
  readonly #lost: () => void;
  /** At most one a stage, the newest. */
  #pending: RenderProgress[] = [];
  #writing: Promise<void> | null = null;
  #lastStage: string | null = null;
  #lastWrite = 0;
  #endPause: () => void = () => {};
  /** Newest revision this attempt has written. */
  revision: number;

  /** @param lost called when the row refuses: the attempt was cancelled or taken over */
  constructor(context: AttemptContext, attempt: Attempt, lost: () => void) {
    this.#context = context;
    this.#attempt = attempt;
    this.#lost = lost;
    this.revision = attempt.job.revision;
  }

  offer(progress: RenderProgress): void {
    const last = this.#pending.at(-1);
    if (last?.stage === progress.stage) {
      // A preview that was not taken yet is not lost to a newer event without one.
      this.#pending[this.#pending.length - 1] = { ...progress, preview: progress.preview ?? last.preview };
    } else {
      this.#pending.push(progress);
    }
    // Another stage is news at once; it may be over before a pause is.
    if (progress.stage !== this.#lastStage) this.#endPause();
    this.#writing ??= this.#write().finally(() => (this.#writing = null));
  }

  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const wait = this.#lastWrite + WRITE_EVERY_MS - performance.now();
      if (wait > 0 && this.#pending.length === 1 && this.#pending[0]!.stage === this.#lastStage) await this.#pause(wait);
      const progress = this.#pending.shift()!;
      this.#lastWrite = performance.now();
      this.#lastStage = progress.stage;
      await this.#writeOne(progress).catch((error: unknown) => {
        // The database may be away for a moment; the render goes on.
        this.#context.log.warn({ jobId: this.#attempt.job.id, err: error }, 'progress not written');
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

  async #writeOne({ preview, ...progress }: RenderProgress): Promise<void> {
    const { jobs, blobs, workspace } = this.#context;
    const {
      job: { id },
      token,
    } = this.#attempt;
    if (preview) await workspace.adopt(preview, jobFiles.preview(id));
    const revision = await jobs.progress(id, token, { ...progress, preview: preview !== null });
    if (revision !== null) {
      this.revision = revision;
      await publishProgress(this.#context, id, revision);
      return;
    }
    // It came after the end, when nobody is left to take it away.
    if (preview) await blobs.remove(jobFiles.preview(id));
    this.#lost();
  }
}
