import { AppError } from '../../src/jobs/errors.ts';

/** Node's timers hold 31 bits; longer ones would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;
/** A timeout is at least this many times the expected duration. */
const TOLERANCE = 3;

/** Reports a render that finishes no frame or step for too long, or that takes too long in all. */
export class Watchdog {
  #stepSeconds: number;
  #jobSeconds: number;
  readonly #startedAt = performance.now();
  readonly #onTimeout: (error: AppError) => void;
  #stepTimer: NodeJS.Timeout;
  #jobTimer: NodeJS.Timeout;

  /**
   * @param stepSeconds longest time between two frames or steps
   * @param jobSeconds longest time in all; three times the estimate if that is more
   * @param onTimeout called with an error TIMEOUT when a timeout expires; a render may exceed both
   */
  constructor(stepSeconds: number, jobSeconds: number, estimatedSeconds: number, onTimeout: (error: AppError) => void) {
    this.#stepSeconds = stepSeconds;
    this.#jobSeconds = Math.max(jobSeconds, TOLERANCE * estimatedSeconds);
    this.#onTimeout = onTimeout;
    this.#stepTimer = this.#startStepTimer();
    this.#jobTimer = this.#startJobTimer();
  }

  /** Raises the timeouts to three times what the engine expects, where that is more. */
  extend(jobSeconds: number, longestStepSeconds: number): void {
    this.#stepSeconds = Math.max(this.#stepSeconds, TOLERANCE * longestStepSeconds);
    this.#jobSeconds = Math.max(this.#jobSeconds, TOLERANCE * jobSeconds);
    clearTimeout(this.#jobTimer);
    this.#jobTimer = this.#startJobTimer();
    this.reset();
  }

  /** A frame or step is finished: the time for the next one starts. */
  reset(): void {
    clearTimeout(this.#stepTimer);
    this.#stepTimer = this.#startStepTimer();
  }

  stop(): void {
    clearTimeout(this.#stepTimer);
    clearTimeout(this.#jobTimer);
  }

  #startStepTimer(): NodeJS.Timeout {
    return setTimeout(
      () => this.#onTimeout(new AppError('TIMEOUT', `No frame or step was finished for ${formatSeconds(this.#stepSeconds)}.`)),
      Math.min(LONGEST_MS, this.#stepSeconds * 1000),
    );
  }

  #startJobTimer(): NodeJS.Timeout {
    const remainingMs = this.#jobSeconds * 1000 - (performance.now() - this.#startedAt);
    return setTimeout(
      () => this.#onTimeout(new AppError('TIMEOUT', `The render was not finished after ${formatSeconds(this.#jobSeconds)}.`)),
      Math.min(LONGEST_MS, Math.max(0, remainingMs)),
    );
  }
}

const formatSeconds = (seconds: number) => `${Math.round(seconds * 10) / 10} s`;
