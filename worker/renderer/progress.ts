import type { Stage } from '../../src/catalog/catalog.ts';
import type { RenderProgress } from '../../src/jobs/store.ts';
import type { PlannedStage } from '../engine.ts';

/** Percent at the end of the render; the last percent is for publishing the files. */
const RENDERED_PERCENT = 99;

/**
 * Percent and remaining time of one render. Percent counts finished frames and steps, each weighted by its planned time, and so never
 * decreases; the remaining time is scaled by how long the finished steps really took.
 */
export class ProgressMeter {
  readonly #plan: readonly PlannedStage[];
  readonly #totalSeconds: number;
  /** The current stage and its finished steps. */
  #index = 0;
  #step = 0;
  /** When the last step before the current stage was finished, and when the newest one was, in milliseconds. */
  #stageStartedAt: number;
  #lastStepAt: number;
  /** Ratio of measured to planned time, as of the newest finished step and at the start of the current stage. */
  #slowdown: number;
  #slowdownBefore: number;

  /**
   * @param now in milliseconds, from a monotonic clock
   * @param estimatedSeconds the expected duration of the render, if there is a better estimate than the plan
   * @throws RangeError if the plan has no stage
   */
  constructor(plan: readonly PlannedStage[], now: number, estimatedSeconds?: number) {
    if (plan.length === 0) throw new RangeError('a plan must have at least one stage');
    this.#plan = plan;
    this.#totalSeconds = plan.reduce((sum, { totalSteps, secondsPerStep }) => sum + totalSteps * secondsPerStep, 0);
    this.#slowdown = estimatedSeconds && this.#totalSeconds > 0 ? estimatedSeconds / this.#totalSeconds : 1;
    this.#slowdownBefore = this.#slowdown;
    this.#stageStartedAt = now;
    this.#lastStepAt = now;
  }

  /** Planned duration of the whole render. */
  get expectedSeconds(): number {
    return this.#totalSeconds;
  }

  get longestStepSeconds(): number {
    return Math.max(...this.#plan.map(({ secondsPerStep }) => secondsPerStep));
  }

  /**
   * `step` steps of `stage` are finished. An earlier stage or step than the current one changes nothing.
   * @throws RangeError if the stage is not in the plan
   */
  advance(stage: Stage, step: number, now: number): RenderProgress {
    const index = this.#plan.findIndex((planned) => planned.stage === stage);
    if (index === -1) throw new RangeError(`stage ${stage} is not in the plan`);
    if (index > this.#index) {
      this.#index = index;
      this.#step = 0;
      this.#stageStartedAt = this.#lastStepAt;
      this.#slowdownBefore = this.#slowdown;
    }
    const { totalSteps, secondsPerStep } = this.#plan[this.#index]!;
    if (index === this.#index && step > this.#step) {
      this.#step = Math.min(step, totalSteps);
      this.#lastStepAt = now;
      // The previous slowdown weighs as much as a tenth of the render, so that one unusual step does not distort the estimate.
      const priorSeconds = this.#totalSeconds / 10;
      const plannedSeconds = this.#step * secondsPerStep;
      const measuredSeconds = (now - this.#stageStartedAt) / 1000;
      if (plannedSeconds > 0) this.#slowdown = (measuredSeconds + priorSeconds * this.#slowdownBefore) / (plannedSeconds + priorSeconds);
    }
    return this.current();
  }

  /** Progress as of the last `advance`. */
  current(): RenderProgress {
    const { stage, totalSteps, secondsPerStep } = this.#plan[this.#index]!;
    const earlier = this.#plan.slice(0, this.#index).reduce((sum, planned) => sum + planned.totalSteps * planned.secondsPerStep, 0);
    const doneSeconds = earlier + this.#step * secondsPerStep;
    const share = this.#totalSeconds > 0 ? doneSeconds / this.#totalSeconds : 0;
    return {
      stage,
      step: this.#step,
      totalSteps,
      percent: Math.round(RENDERED_PERCENT * share * 100) / 100,
      etaSeconds: Math.max(0, (this.#totalSeconds - doneSeconds) * this.#slowdown),
    };
  }
}
