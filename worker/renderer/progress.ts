import type { Stage } from '../../src/catalog/catalog.ts';
import type { PlannedStage } from '../engine.ts';

export interface Standing {
  readonly stage: Stage;
  readonly step: number;
  readonly totalSteps: number;
  /** 0 to under 100; only the finished job has 100. */
  readonly percent: number;
  readonly etaSeconds: number;
}

/** The last percent belongs to publishing the files. */
const MOST = 99;

/**
 * Percent and time to go of one render. Percent counts finished frames and steps, each weighted by its planned time, and so never
 * falls; time to go comes from how long finished steps really took.
 */
export class ProgressMeter {
  readonly #plan: readonly PlannedStage[];
  readonly #totalSeconds: number;
  #index = 0;
  #step = 0;
  /** When the step before the present stage was finished, and when the newest one was, in milliseconds. */
  #stageBegan: number;
  #newest: number;
  /** Real over planned time, as of the newest finished step and at the start of the present stage. */
  #pace: number;
  #paceBefore: number;

  /**
   * @param now milliseconds on a clock that never jumps
   * @param estimatedSeconds what the whole is expected to take, where that is known better than from the plan
   */
  constructor(plan: readonly PlannedStage[], now: number, estimatedSeconds?: number) {
    if (plan.length === 0) throw new RangeError('a plan has at least one stage');
    this.#plan = plan;
    this.#totalSeconds = plan.reduce((sum, { totalSteps, secondsPerStep }) => sum + totalSteps * secondsPerStep, 0);
    this.#pace = estimatedSeconds && this.#totalSeconds > 0 ? estimatedSeconds / this.#totalSeconds : 1;
    this.#paceBefore = this.#pace;
    this.#stageBegan = now;
    this.#newest = now;
  }

  /** The whole plan's time, in seconds. */
  get expectedSeconds(): number {
    return this.#totalSeconds;
  }

  get longestStepSeconds(): number {
    return Math.max(...this.#plan.map(({ secondsPerStep }) => secondsPerStep));
  }

  /** `step` steps of `stage` are finished. A stage that is past, or a step that is, changes nothing. */
  advance(stage: Stage, step: number, now: number): Standing {
    const index = this.#plan.findIndex((planned) => planned.stage === stage);
    if (index === -1) throw new RangeError(`stage ${stage} is not in the plan`);
    if (index > this.#index) {
      this.#index = index;
      this.#step = 0;
      this.#stageBegan = this.#newest;
      this.#paceBefore = this.#pace;
    }
    const { totalSteps, secondsPerStep } = this.#plan[this.#index]!;
    if (index === this.#index && step > this.#step) {
      this.#step = Math.min(step, totalSteps);
      this.#newest = now;
      // What was known before weighs as much as a tenth of the whole, so that one odd first step does not upset the forecast.
      const known = this.#totalSeconds / 10;
      const planned = this.#step * secondsPerStep;
      if (planned > 0) this.#pace = ((now - this.#stageBegan) / 1000 + known * this.#paceBefore) / (planned + known);
    }
    return this.standing();
  }

  standing(): Standing {
    const { stage, totalSteps, secondsPerStep } = this.#plan[this.#index]!;
    const past = this.#plan.slice(0, this.#index).reduce((sum, planned) => sum + planned.totalSteps * planned.secondsPerStep, 0);
    const done = past + this.#step * secondsPerStep;
    const share = this.#totalSeconds > 0 ? done / this.#totalSeconds : 0;
    return {
      stage,
      step: this.#step,
      totalSteps,
      percent: Math.round(MOST * share * 100) / 100,
      etaSeconds: Math.max(0, (this.#totalSeconds - done) * this.#pace),
    };
  }
}
