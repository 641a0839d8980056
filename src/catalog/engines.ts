/** The registry of engines in the catalogue. A new engine is a file in `engines/` and one line here, and one in `worker/engines.ts`. */
import { names } from './catalog.ts';
import type { EngineEntry, EngineOptions, EngineWeights } from './engine.ts';
import { preview } from './engines/preview.ts';
import { svdXt } from './engines/svd-xt.ts';
import type { Tuning } from './tuning.ts';

export const ENGINES = {
  PREVIEW: preview,
  SVD_XT: svdXt,
} as const satisfies Record<string, EngineEntry>;

export type EngineName = keyof typeof ENGINES;

/** The resolved value of everything that decides a video's frames: what a worker renders and a result reports. */
export type RenderOptions = { [Name in EngineName]: EngineOptions<Name, (typeof ENGINES)[Name]> }[EngineName];

/** The entry of an engine, for code that treats all engines alike. */
export function engineEntry(name: EngineName): EngineEntry {
  return ENGINES[name];
}

/** The engines that need weights. */
export function enginesWithWeights(): { readonly engine: EngineName; readonly weights: EngineWeights }[] {
  return names(ENGINES).flatMap((engine) => {
    const { weights } = engineEntry(engine);
    return weights ? [{ engine, weights }] : [];
  });
}

type CamelCase<S extends string> = S extends `${infer First}_${infer Rest}`
  ? `${Lowercase<First>}${Capitalize<CamelCase<Rest>>}`
  : Lowercase<S>;

/** The tuning that a request asks for, under the key of its engine (see `tuningKey`). */
export type RequestedTuning = {
  readonly [Name in EngineName as (typeof ENGINES)[Name]['tuning'] extends Tuning ? CamelCase<Name> : never]?:
    ((typeof ENGINES)[Name]['tuning'] extends Tuning<infer _, infer Requested> ? Requested : never) | null;
};

/** Key of an engine's tuning in requests: `svdXt` for SVD_XT. */
export function tuningKey(engine: EngineName): string {
  return engine.toLowerCase().replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The engines that have tuning, with its key in requests. */
export function enginesWithTuning(): { readonly engine: EngineName; readonly key: string; readonly tuning: Tuning }[] {
  return names(ENGINES).flatMap((engine) => {
    const { tuning } = engineEntry(engine);
    return tuning ? [{ engine, key: tuningKey(engine), tuning }] : [];
  });
}
