import { modelsFolder, type KnownModel } from '../../provisioning/weights/manifest.ts';
import type { Config } from '../../config.ts';
import { ModelError } from '../../provisioning/weights/error.ts';
import { TransferMeter } from '../../provisioning/weights/meter.ts';
import { knownModelState, pullCommand } from '../../provisioning/weights/state.ts';
import { VERDICTS, verifyModel, type Verdict } from '../../provisioning/weights/verify.ts';
import { EXIT, Failure } from '../failure.ts';
import { onInterrupt } from '../interrupt.ts';
import { showTransfer } from './display.ts';

/** Hashes all files of `model` again and prints a line for each. Sets exit code 1 if one is missing or damaged. */
export async function verify(config: Config, model: KnownModel): Promise<void> {
  const { kind, folder, message, hint } = await knownModelState(modelsFolder(config), model);
  if (kind === 'missing') throw new ModelError(`${message}.`, hint ?? '');
  const interrupt = onInterrupt(new Failure('INTERRUPTED', 'Interrupted.'));
  const meter = new TransferMeter();
  const display = showTransfer(process.stderr, `hashing ${model.name}`, meter);
  const verdicts: Verdict[] = [];
  try {
    for await (const verdict of verifyModel(model, folder, meter, interrupt.signal)) verdicts.push(verdict);
  } finally {
    display.end();
    interrupt.dispose();
  }
  for (const { path, verdict } of verdicts) process.stdout.write(`${verdict.padEnd(17)}  ${path}\n`);
  const bad = verdicts.filter(({ verdict }) => !VERDICTS[verdict]);
  if (bad.length === 0) return;
  process.exitCode = EXIT.failed;
  process.stderr.write(`${model.name} in ${folder} is damaged.\nThis downloads what is missing or damaged: ${pullCommand(model.name)}\n`);
}
