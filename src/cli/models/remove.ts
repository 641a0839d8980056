import type { Config } from '../../config.ts';
import { modelsFolder, type KnownModel } from '../../provisioning/weights/manifest.ts';
import { removeModel } from '../../provisioning/weights/pull.ts';
import { knownModelState } from '../../provisioning/weights/state.ts';
import { badArguments, Failure } from '../failure.ts';
import { onInterrupt } from '../interrupt.ts';
import { ask, canAsk } from './ask.ts';

/** Deletes `model`, half-fetched or whole. `sure`: nobody is asked. */
export async function remove(config: Config, model: KnownModel, sure: boolean): Promise<void> {
  const models = modelsFolder(config);
  const { name } = model;
  const { kind, message } = await knownModelState(models, model);
  if (!sure && kind !== 'missing') {
    if (!canAsk(process.stdin, process.stderr))
      throw badArguments(`${message}. There is no terminal to ask at whether it is to go.`, '--yes says that it is.');
    const interrupt = onInterrupt(new Failure('INTERRUPTED', 'Interrupted.'));
    try {
      if (!(await ask(`${message}. Delete it?`, process.stdin, process.stderr, interrupt)))
        throw new Failure('CANCELLED', `${name} stays.`, { hint: 'Nothing was deleted.' });
    } finally {
      interrupt.forget();
    }
  }
  process.stdout.write((await removeModel(models, name)) ? `${name} is removed.\n` : `${name} was not here.\n`);
}
