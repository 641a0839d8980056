import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { writeSeededCheckpoint } from './seeded.ts';

/**
 * Writes the checkpoint with the weights of `seed` to a temporary folder, which is deleted when this process exits; from the call on, signals
 * that end the process do so in order.
 * @returns the folder
 * @throws AppError MODEL_INVALID if the configuration is unsupported
 */
export async function temporaryCheckpoint(configFolder: string, seed: number): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'checkpoint-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(128 + constants.signals[signal]));
  await writeSeededCheckpoint(configFolder, folder, seed);
  return folder;
}
