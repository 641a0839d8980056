import { AppError } from '../../src/jobs/errors.ts';

/** Node's timers count in 31 bits, and one that is longer fires at once. */
const LONGEST_MS = 2 ** 31 - 1;
/** Limits grow with what is expected: three longest steps, three estimates. */
const PATIENCE = 3;

/** Watches a render that shows no finished frame or step for too long, or takes too long in all. */
export class Limits {
  #stepSeconds: number;
  #jobSeconds: number;
  readonly #began = performance.now();
  readonly #exceeded: (error: AppError) => void;
  #stepTimer: NodeJS.Timeout;
  #jobTimer: NodeJS.Timeout;

  /** @param exceeded called with TIMEOUT when a limit is reached */
  constructor(stepSeconds: number, jobSeconds: number, estimatedSeconds: number, exceeded: (error: AppError) => void) {
    this.#stepSeconds = stepSeconds;
    this.#jobSeconds = Math.max(jobSeconds, PATIENCE * estimatedSeconds);
    this.#exceeded = exceeded;
    this.#stepTimer = this.#armStep();
    this.#jobTimer = this.#armJob();
  }

  /** Raises the limits where the engine expects to need more. */
  expect(jobSeconds: number, longestStepSeconds: number): void {
    this.#stepSeconds = Math.max(this.#stepSeconds, PATIENCE * longestStepSeconds);
    this.#jobSeconds = Math.max(this.#jobSeconds, PATIENCE * jobSeconds);
    clearTimeout(this.#jobTimer);
    this.#jobTimer = this.#armJob();
    this.stepped();
  }

  /** A frame or step is finished. */
  stepped(): void {
    clearTimeout(this.#stepTimer);
    this.#stepTimer = this.#armStep();
  }

  clear(): void {
    clearTimeout(this.#stepTimer);
    clearTimeout(this.#jobTimer);
  }

  #armStep(): NodeJS.Timeout {
    return setTimeout(
      () => this.#exceeded(new AppError('TIMEOUT', `No frame or step was finished for ${inWords(this.#stepSeconds)}.`)),
      Math.min(LONGEST_MS, this.#stepSeconds * 1000),
    );
  }

  #armJob(): NodeJS.Timeout {
    const left = this.#jobSeconds * 1000 - (performance.now() - this.#began);
    return setTimeout(
      () => this.#exceeded(new AppError('TIMEOUT', `The render was not done after ${inWords(this.#jobSeconds)}.`)),
      Math.min(LONGEST_MS, Math.max(0, left)),
    );
  }
}

const inWords = (seconds: number) => `${Math.round(seconds * 10) / 10} s`;
