import { names } from '../../src/catalog/catalog.ts';
import { ENGINES, type EngineName } from '../../src/catalog/engines.ts';
import type { WorkerRecord } from '../../src/jobs/store.ts';
import type { EngineCapability } from '../protocol.ts';

/** Downloads of weights that were started with the worker. */
export interface WeightDownloads {
  /** Fulfilled when every download has ended, completed or not; never rejects. */
  readonly done: Promise<void>;
  /** Why an engine cannot use its weights yet; null if it can, or if none are being downloaded for it. */
  reason(engine: EngineName): string | null;
}

/** What the engines can do on one device, as last reported by its renderer. */
export class Capabilities {
  readonly #downloads: WeightDownloads | null;
  #reported: readonly EngineCapability[] = [];

  constructor(downloads: WeightDownloads | null) {
    this.#downloads = downloads;
  }

  /** Replaces the report. Returns whether the available engines have changed. */
  update(reported: readonly EngineCapability[]): boolean {
    const before = this.available().join();
    this.#reported = reported;
    return this.available().join() !== before;
  }

  /** Engines that can render, in the order of the registry. */
  available(): EngineName[] {
    return this.#reported.filter(({ unavailable }) => unavailable === null).map(({ engine }) => engine);
  }

  /** What the available engines render with, for the log. */
  settings(): Partial<Record<EngineName, string>> {
    const described = this.#reported.filter(({ unavailable, settings }) => unavailable === null && settings !== undefined);
    return Object.fromEntries(described.map(({ engine, settings }) => [engine, settings]));
  }

  /** Whether every engine can render. */
  get complete(): boolean {
    return this.available().length === this.#reported.length;
  }

  /** Why engines are unavailable. While an engine's weights are downloaded, the state of the download is the better explanation. */
  unavailable(): Partial<Record<EngineName, string>> {
    const available = this.available();
    const reasons = names(ENGINES)
      .filter((engine) => !available.includes(engine))
      .map((engine) => {
        const reported = this.#reported.find((capability) => capability.engine === engine);
        return [engine, this.#downloads?.reason(engine) ?? reported?.unavailable ?? null] as const;
      });
    return Object.fromEntries(reasons.filter(([, reason]) => reason !== null));
  }

  /** The capabilities as columns of the worker's row. */
  record(): Pick<WorkerRecord, 'engines' | 'defaultEngines' | 'unavailable' | 'costModels'> {
    const engines = this.available();
    return {
      engines,
      defaultEngines: this.#reported.filter(({ engine, byDefault }) => byDefault && engines.includes(engine)).map(({ engine }) => engine),
      unavailable: this.unavailable(),
      costModels: Object.fromEntries(this.#reported.flatMap(({ engine, costModel }) => (costModel === null ? [] : [[engine, costModel]]))),
    };
  }
}
