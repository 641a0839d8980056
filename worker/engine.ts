/**
 * The engine port: photo and options in, frames and progress out. An engine knows nothing of queue, database or HTTP.
 *
 * An engine consists of an entry in the catalogue (`src/catalog/engines/<name>.ts`: description, tuning, cost model, weights), which
 * `src/catalog/engines.ts` lists, and a folder here with an `EngineModule`, which `worker/engines.ts` lists.
 */
import type { CommonOptions, Stage } from '../src/catalog/catalog.ts';
import type { RenderOptions } from '../src/catalog/engines.ts';
import type { Config } from '../src/config.ts';
import type { Picture } from '../src/infra/media/picture.ts';

export type { Picture };

/** One stage of a render: the number of frames or steps it counts, and the expected duration of each. */
export interface PlannedStage {
  readonly stage: Stage;
  readonly totalSteps: number;
  readonly secondsPerStep: number;
}

/** Receives the progress of a render. */
export interface Report {
  /** `step` frames or steps of `stage` are finished. Stages come in the order of the plan; `step` never decreases within one. */
  progress(stage: Stage, step: number): void;
  /** A preview of the video being rendered. May be dropped; calling it is cheap. */
  preview(picture: Picture): void;
}

/**
 * The device has failed, not the render: nothing renders there until a new process has tried it. `message` is a sentence that says what
 * the device reported.
 */
export class DeviceFailure extends Error {
  override readonly name = 'DeviceFailure';
}

/** The options of any engine. */
type AnyOptions = CommonOptions & { readonly engine: string };

/** An engine on one device. `Options` are those of the engine; the renderer calls it with no others. */
export interface Engine<Options extends AnyOptions = RenderOptions> {
  readonly name: Options['engine'];
  /** Version of engine and model. Changes whenever the same options would give different frames. */
  readonly version: string;
  /** The stages that `load` (if anything is left to load) and `render` will report. Their durations add up to the expected duration. */
  plan(options: Options): Promise<PlannedStage[]>;
  /**
   * Loads what a render with `options` needs into memory, unless it is loaded already. Called before every `render`. Reports
   * LOADING_MODEL only.
   * @throws AppError MODEL_INVALID, OUT_OF_MEMORY
   * @throws DeviceFailure
   */
  load(options: Options, report: Report, signal: AbortSignal): Promise<void>;
  /**
   * Renders exactly `frameCount(options.durationSeconds)` pictures of `frameSize(options)`, in order. The same photo, options and
   * engine version give identical pictures on the same device. The engine may reuse a picture's bytes once the next one is requested.
   * @throws the signal's reason, at the next frame or step, once `signal` is aborted
   * @throws AppError OUT_OF_MEMORY, NON_FINITE_OUTPUT
   * @throws DeviceFailure
   */
  render(photo: Picture, options: Options, report: Report, signal: AbortSignal): AsyncIterable<Picture>;
  /** Frees memory. The engine is not used afterwards. */
  dispose(): Promise<void>;
}

/** Whether and how well an engine can run on a device now. */
export interface Capability {
  /** Null if it can run; otherwise why not and what to do about it. */
  readonly unavailable: string | null;
  /** False if it should render only requests that name it, for example because a render takes hours there. */
  readonly byDefault: boolean;
  /** What renders cost on this device, as the engine's `costModel` schema in the catalogue describes it; null if it was not measured. */
  readonly costModel: unknown;
  /** What it renders with, such as its precision, for the log. */
  readonly settings?: string;
}

export interface EngineModule<Options extends AnyOptions = RenderOptions> {
  readonly name: Options['engine'];
  /** Called when a renderer starts and, while the engine is unavailable, again every few seconds. */
  capability(device: string, config: Config): Promise<Capability>;
  /** @param shortages how often the device has run out of memory since the worker started; the engine then uses less. Default 0 */
  create(device: string, config: Config, shortages?: number): Engine<Options>;
}
