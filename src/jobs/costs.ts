/** Baseline render times: what a render is expected to take before finished jobs have corrected it. */
import { engineEntry, type EngineName, type RenderOptions } from '../catalog/engines.ts';
import type { RenderWork } from '../catalog/engine.ts';

/** A device that renders. */
export interface RenderDevice {
  /** Such as `cpu` or `cuda:0`. */
  readonly device: string;
  /** Cost model by engine, as JSON, of the engines that have measured one there. */
  readonly costModels: Readonly<Partial<Record<EngineName, unknown>>>;
}

/** The options that decide how long a render takes. */
export type Work = Pick<RenderOptions, 'engine' | keyof RenderWork>;

/** An engine's cost model on a device; null if there is none that this version understands. */
export function costModelOn(device: RenderDevice | undefined, engine: EngineName): unknown {
  return engineEntry(engine).costModel?.safeParse(device?.costModels[engine]).data ?? null;
}

/** Seconds, by the cost model of `device` where there is one, else by the catalogue's figures. */
export function baselineSeconds(work: Work, device?: RenderDevice): number {
  return engineEntry(work.engine).baselineSeconds(work, costModelOn(device, work.engine));
}
