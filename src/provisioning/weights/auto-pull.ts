/** Automatic downloads: a worker that starts downloads the models that its engines are configured to use, if the operator allows it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { enginesWithWeights, type EngineName } from '../../catalog/engines.ts';
import type { EngineWeights } from '../../catalog/engine.ts';
import type { Config } from '../../config.ts';
import type { Logger } from '../../process/log.ts';
import { ModelBusy, ModelError } from './error.ts';
import { knownModels, modelsFolder, type KnownModel } from './manifest.ts';
import { describeTransfer, TransferMeter } from './meter.ts';
import { hubOf, pullModel } from './pull.ts';
import { allowsAutoPull, configuredModel, knownModelState, modelState } from './state.ts';

/** Interval at which a process that waits for another process's download checks whether it has ended. */
const CHECK_MS = 1_000;
/** Interval at which the progress of a download is logged. */
const LOG_MS = 30_000;

export interface AutoPull {
  /** Resolves once every download has completed or failed; never rejects. */
  readonly done: Promise<void>;
  /** Why an engine's model cannot be used yet: the progress of its download, or why that failed; null if there is no such reason. */
  reason(engine: EngineName): string | null;
  /** Aborts all downloads immediately. Downloaded bytes are kept. */
  stop(): Promise<void>;
}

/** One model's download. */
interface Download {
  readonly done: Promise<void>;
  reason(): string | null;
}

/** Starts the downloads. Null if there are none: not allowed, already complete, or a model configured as a folder's path. */
export async function startAutoPull(config: Config, log: Logger): Promise<AutoPull | null> {
  const controller = new AbortController();
  const downloads = new Map<EngineName, Download>();
  for (const { engine, weights } of enginesWithWeights()) {
    const model = allowsAutoPull(config, weights) ? await missingModel(config, log, weights) : null;
    if (model) downloads.set(engine, startDownload(config, log, model, weights, controller.signal));
  }
  if (downloads.size === 0) return null;
  const done = allDone([...downloads.values()]);
  return {
    done,
    reason: (engine) => downloads.get(engine)?.reason() ?? null,
    async stop() {
      controller.abort(new Error('stopped'));
      await done;
    },
  };
}

async function allDone(downloads: readonly Download[]): Promise<void> {
  await Promise.all(downloads.map(({ done }) => done));
}

/** The model to download; null if it is complete or unknown. */
async function missingModel(config: Config, log: Logger, weights: EngineWeights): Promise<KnownModel | null> {
  try {
    const { kind, message } = await modelState(config, weights);
    const model = knownModels(config).get(configuredModel(config, weights)) ?? null;
    if (!model && kind !== 'present') log.warn({}, `${weights.autoPullVariable} applies to known models only. ${message}.`);
    return kind === 'present' ? null : model;
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    log.error({ err: error }, `${error.message} ${error.hint}`);
    return null;
  }
}

function startDownload(config: Config, log: Logger, model: KnownModel, weights: EngineWeights, signal: AbortSignal): Download {
  let reason: () => string | null = () => `downloading ${model.name}`;
  log.info(
    { model: model.name, repository: model.repository, licence: model.licence.url },
    `downloading ${model.name}; its licence is accepted through ${weights.autoPullVariable}`,
  );
  const run = async () => {
    try {
      await pullOrWait(config, model, log, signal, (next) => (reason = next));
      reason = () => null;
    } catch (error) {
      if (signal.aborted) return;
      const why =
        error instanceof ModelError
          ? `${error.message} ${error.hint}`
          : `${model.name} could not be downloaded: ${(error as Error).message}`;
      log.error({ model: model.name, err: error }, why);
      reason = () => why;
    }
  };
  return { done: run(), reason: () => reason() };
}

/** Of several processes, one downloads and the others wait. If it fails or dies, one of them takes over. */
async function pullOrWait(
  config: Config,
  model: KnownModel,
  log: Logger,
  signal: AbortSignal,
  explain: (reason: () => string) => void,
): Promise<void> {
  const models = modelsFolder(config);
  const meter = new TransferMeter();
  const progress = () => `downloading ${model.name}: ${describeTransfer(meter.progress())}`;
  const logging = setInterval(() => meter.progress().totalBytes > 0 && log.info({ model: model.name }, progress()), LOG_MS);
  const note = (text: string) => log.warn({ model: model.name }, text);
  try {
    for (let waits = 0; ; waits++) {
      try {
        explain(() => (meter.progress().totalBytes > 0 ? progress() : `downloading ${model.name}`));
        const folder = await pullModel(model, { models, hub: hubOf(config), meter, note, signal });
        log.info({ model: model.name, folder }, `${model.name} is installed`);
        return;
      } catch (error) {
        if (!(error instanceof ModelBusy)) throw error;
        if (waits === 0) log.info({ model: model.name }, `${error.message} Waiting for it to finish.`);
      }
      const { message } = await knownModelState(models, model);
      explain(() => `${message}; another process is downloading it`);
      await sleep(CHECK_MS, undefined, { signal });
    }
  } finally {
    clearInterval(logging);
  }
}
