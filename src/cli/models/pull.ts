import { names } from '../../catalog/catalog.ts';
import { engineEntry, ENGINES } from '../../catalog/engines.ts';
import type { Config } from '../../config.ts';
import { modelBytes, modelsFolder, type KnownModel } from '../../provisioning/weights/manifest.ts';
import { describeBytes, TransferMeter } from '../../provisioning/weights/meter.ts';
import { hubOf, pullModel } from '../../provisioning/weights/pull.ts';
import { downloadedBytes, knownModelState, partialFolder } from '../../provisioning/weights/state.ts';
import { badArguments, Failure } from '../failure.ts';
import { onInterrupt } from '../interrupt.ts';
import { ask, canAsk } from './ask.ts';
import { showTransfer } from './display.ts';

const WITHOUT_WEIGHTS = names(ENGINES).filter((engine) => engineEntry(engine).weights === null);

/** Downloads `model` and prints its folder. @param accepted whether the licence is accepted already, so that the user is not asked */
export async function pull(config: Config, model: KnownModel, accepted: boolean): Promise<void> {
  const models = modelsFolder(config);
  const { name, licence } = model;
  const state = await knownModelState(models, model);
  if (state.kind === 'present') {
    process.stdout.write(`${state.folder}\n`);
    process.stderr.write(`${name} is already downloaded; npm run models -- verify ${name} hashes it again.\n`);
    return;
  }
  const interrupt = onInterrupt(new Failure('INTERRUPTED', 'Interrupted.'));
  try {
    if (!accepted) await acceptLicence(model, interrupt);
    const meter = new TransferMeter();
    const kept = await downloadedBytes(partialFolder(models, name), model);
    if (kept > 0)
      process.stderr.write(`${describeBytes(kept)} of ${describeBytes(modelBytes(model))} are already downloaded and are hashed first.\n`);
    const display = showTransfer(process.stderr, name, meter);
    let folder: string;
    try {
      folder = await pullModel(model, { models, hub: hubOf(config), meter, note: display.note, signal: interrupt.signal });
    } finally {
      display.end();
    }
    process.stderr.write(`${name} is complete and verified. Licence: ${licence.url}\nA running worker detects it within half a minute.\n`);
    process.stdout.write(`${folder}\n`);
  } catch (error) {
    if (error !== interrupt.signal.reason || !interrupt.signal.aborted) throw error;
    const kept = await downloadedBytes(partialFolder(models, name), model);
    throw kept > 0
      ? new Failure(
          'INTERRUPTED',
          `Interrupted. ${describeBytes(kept)} of ${describeBytes(modelBytes(model))} are kept; the same command continues the download.`,
        )
      : error;
  } finally {
    interrupt.dispose();
  }
}

/** Asks the user to accept the licence. @throws Failure CANCELLED if the user does not; BAD_ARGUMENTS without a terminal */
async function acceptLicence(
  { name, about, licence, files }: KnownModel,
  interrupt: { signal: AbortSignal; press(): void },
): Promise<void> {
  const terms = `${name} (${about}, ${describeBytes(modelBytes({ files }))}) has a licence of its own:\n  ${licence.name}\n  ${licence.url}\n`;
  if (!canAsk(process.stdin, process.stderr))
    throw badArguments(
      `${terms}There is no terminal on which to ask you to accept it.`,
      'Pass --accept-licence if you have read and accept it.',
    );
  process.stderr.write(terms);
  if (!(await ask('Have you read it, and do you accept it?', process.stdin, process.stderr, interrupt))) {
    throw new Failure('CANCELLED', `${name} was not downloaded, because its licence was not accepted.`, {
      hint: `${WITHOUT_WEIGHTS.join(', ')} needs no weights.`,
    });
  }
}
