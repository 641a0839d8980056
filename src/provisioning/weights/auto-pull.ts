/** SVD_AUTO_PULL: a worker's first start fetches the model that SVD_MODEL names. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config.ts';
import type { Logger } from '../../process/log.ts';
import { ModelBusy, ModelError } from './error.ts';
import { knownModels, modelsFolder, type KnownModel } from './manifest.ts';
import { describeTransfer, TransferMeter } from './meter.ts';
import { hubOf, pullModel } from './pull.ts';
import { knownModelState, modelState } from './state.ts';

/** How often a process that waits for another's pull looks again, and how often the log tells how far one is. */
const LOOK_MS = 1_000;
const TELL_MS = 30_000;

export interface AutoPull {
  /** Fulfilled when the model is here or will not come; never rejects. */
  readonly done: Promise<void>;
  /** Why the model cannot be used at present, such as how far it is; null once it is here. */
  reason(): string | null;
  /** Ends it at once; what has arrived is kept. */
  stop(): Promise<void>;
}

/** Begins to fetch the model; null if there is nothing to do: not asked for, here already, or a folder of one's own. */
export async function startAutoPull(config: Config, log: Logger): Promise<AutoPull | null> {
  const model = config.SVD_AUTO_PULL ? await wanted(config, log) : null;
  return model && begin(config, log, model);
}

/** The model to fetch, if there is one. */
async function wanted(config: Config, log: Logger): Promise<KnownModel | null> {
  try {
    const { kind, message } = await modelState(config);
    const model = knownModels(config).get(config.SVD_MODEL) ?? null;
    if (!model && kind !== 'present') log.warn({}, `SVD_AUTO_PULL can fetch known models only. ${message}.`);
    return kind === 'present' ? null : model;
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    log.error({ err: error }, `${error.message} ${error.hint}`);
    return null;
  }
}

function begin(config: Config, log: Logger, model: KnownModel): AutoPull {
  const controller = new AbortController();
  let reason: () => string | null = () => `fetching ${model.name}`;
  const run = async () => {
    try {
      await pullOrWait(config, model, log, controller.signal, (next) => (reason = next));
      reason = () => null;
    } catch (error) {
      if (controller.signal.aborted) return;
      const why =
        error instanceof ModelError ? `${error.message} ${error.hint}` : `${model.name} could not be fetched: ${(error as Error).message}`;
      log.error({ model: model.name, err: error }, why);
      reason = () => why;
    }
  };
  const done = run();
  return {
    done,
    reason: () => reason(),
    async stop() {
      controller.abort(new Error('stopped'));
      await done;
    },
  };
}

/** Of several processes one fetches and the others wait; should that one fail, another goes on. */
async function pullOrWait(
  config: Config,
  model: KnownModel,
  log: Logger,
  signal: AbortSignal,
  explain: (reason: () => string) => void,
): Promise<void> {
  const models = modelsFolder(config);
  const meter = new TransferMeter();
  const fetching = () => `fetching ${model.name}: ${describeTransfer(meter.standing())}`;
  const telling = setInterval(() => meter.standing().totalBytes > 0 && log.info({ model: model.name }, fetching()), TELL_MS);
  const note = (text: string) => log.warn({ model: model.name }, text);
  log.info(
    { model: model.name, repository: model.repository, licence: model.licence.url },
    `fetching ${model.name}; SVD_AUTO_PULL says that its licence is accepted`,
  );
  try {
    for (let waits = 0; ; waits++) {
      try {
        explain(() => (meter.standing().totalBytes > 0 ? fetching() : `fetching ${model.name}`));
        const folder = await pullModel(model, { models, hub: hubOf(config), meter, note, signal });
        log.info({ model: model.name, folder }, `${model.name} is here`);
        return;
      } catch (error) {
        if (!(error instanceof ModelBusy)) throw error;
        if (waits === 0) log.info({ model: model.name }, `${error.message} Waiting for that.`);
      }
      const { message } = await knownModelState(models, model);
      explain(() => `another process fetches ${message}`);
      await sleep(LOOK_MS, undefined, { signal });
    }
  } finally {
    clearInterval(telling);
  }
}
