import type { Config } from '../../config.ts';
import { modelsFolder, type KnownModel } from '../../provisioning/weights/manifest.ts';
import { removeModel } from '../../provisioning/weights/pull.ts';
import { knownModelState } from '../../provisioning/weights/state.ts';
import { badArguments, Failure } from '../failure.ts';
import { onInterrupt } from '../interrupt.ts';
import { ask, canAsk } from './ask.ts';

/** Deletes `model`, complete or not. @param sure whether to delete it without asking the user */
export async function remove(config: Config, model: KnownModel, sure: boolean): Promise<void> {
  const models = modelsFolder(config);
  const { name } = model;
  const { kind, message } = await knownModelState(models, model);
  if (!sure && kind !== 'missing') {
    if (!canAsk(process.stdin, process.stderr))
      throw badArguments(`${message}. There is no terminal on which to ask whether to delete it.`, 'Pass --yes to delete it.');
    const interrupt = onInterrupt(new Failure('INTERRUPTED', 'Interrupted.'));
    try {
      if (!(await ask(`${message}. Delete it?`, process.stdin, process.stderr, interrupt)))
        throw new Failure('CANCELLED', `${name} was kept.`, { hint: 'Nothing was deleted.' });
    } finally {
      interrupt.dispose();
    }
  }
  process.stdout.write((await removeModel(models, name)) ? `${name} was removed.\n` : `${name} was not downloaded.\n`);
}
