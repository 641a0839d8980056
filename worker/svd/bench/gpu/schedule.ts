/** Runs steps one after another within a total time. What does not fit is skipped, and the report says so. */

export interface Step<Result> {
  readonly title: string;
  /** What the step lacks, so that it is skipped. */
  readonly missing?: string;
  /** Expected seconds, asked for right before the step. */
  estimate(): number;
  /** @param limitSeconds the step stops by itself after this long */
  run(limitSeconds: number): Promise<Result>;
}

export type Outcome<Result> =
  | { readonly title: string; readonly state: 'done'; readonly seconds: number; readonly result: Result }
  | { readonly title: string; readonly state: 'failed'; readonly seconds: number; readonly reason: string }
  | { readonly title: string; readonly state: 'skipped'; readonly reason: string };

/** A step may take this many times its estimate, plus some seconds, before it is stopped. */
const PATIENCE = { factor: 3, seconds: 60 } as const;

export class Schedule<Result> {
  readonly #outcomes: Outcome<Result>[] = [];
  readonly #end: number;
  readonly #onOutcome: (outcome: Outcome<Result>) => void;

  /** @param onOutcome called after each step */
  constructor(budgetSeconds: number, onOutcome: (outcome: Outcome<Result>) => void) {
    this.#end = performance.now() + budgetSeconds * 1000;
    this.#onOutcome = onOutcome;
  }

  get outcomes(): readonly Outcome<Result>[] {
    return this.#outcomes;
  }

  get results(): Result[] {
    return this.#outcomes.flatMap((outcome) => (outcome.state === 'done' ? [outcome.result] : []));
  }

  /** Runs `step` if the time left suffices for its estimate. Never rejects. @returns its result; null without one */
  async run(step: Step<Result>): Promise<Result | null> {
    const { title, missing } = step;
    if (missing !== undefined) {
      this.skip(title, missing);
      return null;
    }
    const left = (this.#end - performance.now()) / 1000;
    const estimate = step.estimate();
    if (left < estimate) {
      this.skip(title, `it would take about ${Math.ceil(estimate)} s, and ${Math.max(0, Math.floor(left))} s are left`);
      return null;
    }
    const began = performance.now();
    const seconds = () => (performance.now() - began) / 1000;
    try {
      const result = await step.run(Math.min(left, PATIENCE.factor * estimate + PATIENCE.seconds));
      this.#add({ title, state: 'done', seconds: seconds(), result });
      return result;
    } catch (error) {
      this.#add({ title, state: 'failed', seconds: seconds(), reason: (error as Error).message });
      return null;
    }
  }

  skip(title: string, reason: string): void {
    this.#add({ title, state: 'skipped', reason });
  }

  #add(outcome: Outcome<Result>): void {
    this.#outcomes.push(outcome);
    this.#onOutcome(outcome);
  }
}
