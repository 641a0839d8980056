/**
 * The port every engine fits: a photo and options in, frames and progress out. Nothing of queue, database or HTTP comes in here.
 * A new engine is one folder and one line in `worker/engines.ts`.
 */
import type { EngineName, RenderOptions, Stage } from '../src/catalog/catalog.ts';
import type { Config } from '../src/config.ts';
import type { Picture } from '../src/infra/media/photo.ts';
import type { Paces } from '../src/jobs/estimates.ts';

export type { Picture };

/** One stage an engine will go through: how many frames or steps it counts and how long one is expected to take. */
export interface PlannedStage {
  readonly stage: Stage;
  readonly totalSteps: number;
  readonly secondsPerStep: number;
}

export interface Report {
  /** `step` frames or steps of `stage` are finished. Called in the order of the plan; `step` never falls. */
  progress(stage: Stage, step: number): void;
  /** A picture of what is being made, to show while it is made. Cheap to ignore. */
  preview(picture: Picture): void;
}

export interface Engine {
  readonly name: EngineName;
  /** Of engine and model: changes when the same options would give other frames. */
  readonly version: string;
  /** What `load`, if that is still to be done, and `render` will report for these options. The times add up to the expected duration. */
  plan(options: RenderOptions): Promise<PlannedStage[]>;
  /**
   * Brings what rendering with `options` needs into memory, unless it is there; called before every `render`. Reports LOADING_MODEL, if
   * anything.
   * @throws AppError MODEL_INVALID, OUT_OF_MEMORY
   */
  load(options: RenderOptions, report: Report, signal: AbortSignal): Promise<void>;
  /**
   * Renders exactly `frameCount(options.durationSeconds)` pictures of `frameSize(options)`, in order. The same photo, options and
   * engine version give the same pictures on the same device. A picture's bytes may be reused once the next one is asked for.
   * @throws the signal's reason, at the next frame or step, once `signal` is aborted
   * @throws AppError OUT_OF_MEMORY, NON_FINITE_OUTPUT
   */
  render(photo: Picture, options: RenderOptions, report: Report, signal: AbortSignal): AsyncIterable<Picture>;
  dispose(): Promise<void>;
}

/** Whether and how well an engine can work on a device. */
export interface Offer {
  /** Null if it can; otherwise why not and what would cure it. */
  readonly unavailable: string | null;
  /** False if it should only be used when asked for by name, as where it would take hours. */
  readonly byDefault: boolean;
  /** What renders cost here, where the engine can reckon it better than the catalogue. */
  readonly paces: Paces | null;
}

export interface EngineModule {
  readonly name: EngineName;
  offer(device: string, config: Config): Promise<Offer>;
  create(device: string, config: Config): Engine;
}
