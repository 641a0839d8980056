/**
 * The catalogue's half of the engine port: what clients, the API and the queue know about an engine. The other half, which
 * renders, is `worker/engine.ts`.
 */
import type { z } from 'zod';
import type { CommonOptions } from './catalog.ts';
import type { Tuning, TuningValues } from './tuning.ts';

/** The options that decide how long a render takes. */
export interface RenderWork<T extends TuningValues | null = TuningValues | null> extends Pick<
  CommonOptions,
  'resolution' | 'durationSeconds'
> {
  readonly tuning: T;
}

/** Model weights that an engine needs. */
export interface EngineWeights {
  /** Default model, by its name in models/manifest.json. */
  readonly model: string;
  /** Environment variable that names another model, or the path of a folder. */
  readonly variable: string;
  /** Environment variable that allows workers to download the model automatically. */
  readonly autoPullVariable: string;
  /** Folders of a model. Each holds a JSON configuration and, unless `weights` is null, at least one file whose name matches it. */
  readonly layout: readonly { readonly folder: string; readonly weights: RegExp | null }[];
}

export interface EngineEntry<T extends TuningValues | null = TuningValues | null, CostModel = unknown> {
  readonly description: string;
  /** Of the engines that live workers provide by default, the one with the highest preference renders a request that names none. */
  readonly preference: number;
  /** Whether the camera moves exactly as the requested motion describes. If not, the motion only decides how much moves. */
  readonly followsMotion: boolean;
  /** Null if the engine has no options of its own. */
  readonly tuning: (T extends TuningValues ? Tuning<T> : null) | null;
  /**
   * Schema of what the engine measures on a device to predict render times there. It is stored with the worker as JSON; a value from
   * another version that the schema rejects is ignored. Null if `baselineSeconds` needs none.
   */
  readonly costModel: z.ZodType<CostModel> | null;
  /** Predicted render time in seconds, before correction by the times of finished jobs. @param costModel the device's; null if unknown */
  baselineSeconds(work: RenderWork<T>, costModel: CostModel | null): number;
  /** Null if the engine needs no weights. */
  readonly weights: EngineWeights | null;
  /**
   * Why the engine can never run on a device such as `cpu`, `webgpu` or `cuda:0`, and what to do instead; null if it can. The worker
   * determines whether it can run there now.
   */
  unavailableOn(device: string): string | null;
}

/** The resolved tuning of an engine. */
export type TuningOf<E extends Pick<EngineEntry, 'tuning'>> = E['tuning'] extends Tuning<infer Values> ? Values : null;

/** Every option that decides the frames of a video rendered by the engine `E` named `Name`. */
export interface EngineOptions<Name extends string, E extends Pick<EngineEntry, 'tuning'>> extends CommonOptions {
  readonly engine: Name;
  readonly tuning: TuningOf<E>;
}
