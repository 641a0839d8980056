/** Progress on standard error: one live line on a terminal, one line per stage elsewhere. */
import type { Stage } from '../../catalog/catalog.ts';
import type { Job } from '../../client/client.ts';

export interface Display {
  /** Shows what is being done before and after the job. */
  phase(text: string): void;
  job(job: Job): void;
  /** Shows why the API is unreachable; null once it responds again. */
  trouble(reason: string | null): void;
  /** Prints a line that stays. */
  note(text: string): void;
  /** Removes the live line. */
  end(): void;
}

const STAGE_TEXTS: Readonly<Record<Stage, string>> = {
  PREPARING: 'Preparing the photo',
  LOADING_MODEL: 'Loading the model',
  ENCODING_IMAGE: 'Encoding the photo',
  DENOISING: 'Denoising',
  DECODING: 'Decoding frames',
  INTERPOLATING: 'Computing in-between frames',
  RENDERING: 'Rendering frames',
  ENCODING_VIDEO: 'Encoding the video',
};

const BAR_WIDTH = 24;
const REDRAW_MS = 500;

/** @param quiet shows nothing */
export function createDisplay(stream: NodeJS.WriteStream, quiet: boolean): Display {
  if (quiet) return { phase() {}, job() {}, trouble() {}, note() {}, end() {} };
  return stream.isTTY && process.env['TERM'] !== 'dumb' ? new LiveLine(stream) : new Lines(stream);
}

/** What a job is doing, as text. */
function describe(job: Job): string {
  const attempt = job.attempt > 1 ? ` (attempt ${job.attempt} of ${job.maxAttempts})` : '';
  switch (job.status) {
    case 'QUEUED':
      return job.queuePosition !== null && job.queuePosition > 1
        ? `Waiting at position ${job.queuePosition} in the queue`
        : 'Waiting for a worker';
    case 'PROCESSING':
      return `${stageText(job.stage)}${attempt}`;
    case 'RETRYING':
      return `Attempt ${job.attempt} of ${job.maxAttempts} failed: ${job.error?.message ?? 'no reason given'}`;
    case 'COMPLETED':
      return 'Rendered';
    case 'FAILED':
      return 'Failed';
    case 'CANCELLED':
      return 'Cancelled';
  }
}

/** A stage as text; one that only a newer API knows by its name. */
function stageText(stage: Job['stage']): string {
  if (stage === null) return 'Starting to render';
  return Object.hasOwn(STAGE_TEXTS, stage) ? STAGE_TEXTS[stage as Stage] : stage;
}

/** `45 s`, `1 min 20 s` */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

class Lines implements Display {
  readonly #stream: NodeJS.WriteStream;
  #last = '';

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  phase(text: string): void {
    if (text === this.#last) return;
    this.#last = text;
    this.note(text);
  }

  job(job: Job): void {
    this.phase(describe(job));
  }

  trouble(reason: string | null): void {
    if (reason !== null) this.phase(`${reason} Retrying.`);
  }

  note(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  end(): void {}
}

class LiveLine implements Display {
  readonly #stream: NodeJS.WriteStream;
  #draw: () => string = () => '';
  #trouble: string | null = null;
  #retryNoted = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  phase(text: string): void {
    const since = performance.now();
    this.#show(() => {
      const seconds = Math.floor((performance.now() - since) / 1000);
      return seconds < 2 ? `${text} …` : `${text} … ${duration(seconds)}`;
    });
  }

  job(job: Job): void {
    if (job.status === 'RETRYING' && this.#retryNoted < job.attempt) {
      this.#retryNoted = job.attempt;
      this.note(`${describe(job)} ${job.error?.hint ?? ''}`);
    }
    const since = performance.now();
    this.#show(() => line(job, (performance.now() - since) / 1000));
  }

  trouble(reason: string | null): void {
    this.#trouble = reason;
    this.#redraw();
  }

  note(text: string): void {
    this.#stream.write(`\r\x1b[K${text}\n`);
    this.#redraw();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#draw = () => '';
    this.#trouble = null;
    this.#stream.write('\r\x1b[K');
  }

  #show(draw: () => string): void {
    this.#draw = draw;
    this.#timer ??= setInterval(() => this.#redraw(), REDRAW_MS).unref();
    this.#redraw();
  }

  #redraw(): void {
    const text = this.#trouble === null ? this.#draw() : `${this.#trouble} Retrying …`;
    // Leaves the last column free: some terminals would begin a new line.
    this.#stream.write(`\r${text.slice(0, Math.max(10, (this.#stream.columns || 80) - 1))}\x1b[K`);
  }
}

/** @param age seconds since `job` arrived */
function line(job: Job, age: number): string {
  const words = job.status === 'RETRYING' ? `Waiting for attempt ${job.attempt + 1} of ${job.maxAttempts}` : describe(job);
  const left =
    job.status === 'RETRYING' && job.nextAttemptAt !== null
      ? (Date.parse(job.nextAttemptAt) - Date.now()) / 1000
      : job.estimatedSecondsRemaining === null
        ? null
        : job.estimatedSecondsRemaining - age;
  const eta =
    left === null || job.status === 'COMPLETED'
      ? ''
      : `  ${job.status === 'RETRYING' ? 'in ' : ''}${duration(Math.max(1, left))}${job.status === 'RETRYING' ? '' : ' left'}`;
  if (job.status === 'QUEUED' || job.status === 'RETRYING') return `${words} …${eta}`;
  const done = Math.round((BAR_WIDTH * job.percent) / 100);
  return `${words.padEnd(20)} ${'█'.repeat(done)}${'░'.repeat(BAR_WIDTH - done)} ${String(Math.floor(job.percent)).padStart(3)} %${eta}`;
}
