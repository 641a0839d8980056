import path from 'node:path';
import type { Log } from '../../src/jobs/ports/log.ts';
import type { Picture } from '../engine.ts';
import { writeJpeg } from '../video/pixels.ts';

export interface PreviewWriterOptions {
  readonly folder: string;
  /** Called with the path of each finished preview, which the receiver removes. */
  readonly onWritten: (file: string) => void;
  readonly jobId: string;
  readonly log: Log;
}

/** Writes previews of a render as JPEG files, one at a time; pictures that arrive during a write are dropped. */
export class PreviewWriter {
  readonly #options: PreviewWriterOptions;
  #count = 0;
  #writing: Promise<void> | null = null;

  constructor(options: PreviewWriterOptions) {
    this.#options = options;
  }

  /** Writes `picture` in the background. A failure is only logged: a missing preview must not fail the render. */
  write(picture: Picture): void {
    if (this.#writing) return;
    const { folder, onWritten, jobId, log } = this.#options;
    // The engine may reuse the bytes for its next picture.
    const copy = { ...picture, data: picture.data.slice() };
    // A new name each time, because the next one may be written before the receiver has moved this one away.
    const file = path.join(folder, `preview-${this.#count++}.jpg`);
    this.#writing = writeJpeg(copy, file)
      .then(
        () => onWritten(file),
        (error: unknown) => log.warn({ jobId, err: error }, 'could not write a preview'),
      )
      .finally(() => (this.#writing = null));
  }

  /** Resolves once the current write, if any, has ended. */
  async flush(): Promise<void> {
    await this.#writing;
  }
}
