/** The models that the benchmarks run: configurations in test/fixtures/svd, whose weights are computed from a seed. */
import path from 'node:path';
import { ROOT } from '../../../src/process/version.ts';
import { AppError } from '../../../src/jobs/errors.ts';
import { hasWeights } from '../checkpoint/checkpoint.ts';
import { temporaryCheckpoint } from '../checkpoint/temporary.ts';

/** The golden numbers of full-size have the same seed, so that its weights serve both. */
export const SEED = 7;

/** Folders in test/fixtures/svd. */
const FIXTURES: Readonly<Record<string, string>> = {
  'tiny-a': 'tiny-a',
  'tiny-b': 'tiny-b',
  'mid-size': 'mid-size',
  'full-size': 'published',
};

/** Folder of the fixture `name`; null if there is none of that name. */
export function fixtureFolder(name: string): string | null {
  const fixture = FIXTURES[name];
  return fixture === undefined ? null : path.join(ROOT, 'test/fixtures/svd', fixture);
}

/** Folder with the configuration of a model. @param config a value of --config: the name of a fixture or the folder of a checkpoint */
export function configFolder(config: string): string {
  const fixture = fixtureFolder(config);
  return fixture === null ? path.resolve(config) : path.join(fixture, 'checkpoint');
}

/**
 * Folder of the checkpoint in `folder`, or if that has no weights, of a temporary copy with the weights of SEED.
 * @throws AppError MODEL_INVALID
 */
export async function withWeights(folder: string): Promise<string> {
  const isComplete = await hasWeights(folder).catch(() => {
    throw new AppError('MODEL_INVALID', `There is no folder ${folder}.`);
  });
  return isComplete ? folder : await temporaryCheckpoint(folder, SEED);
}
