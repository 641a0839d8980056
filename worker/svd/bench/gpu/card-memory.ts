/** The memory of an NVIDIA card, as nvidia-smi counts it: with the CUDA context and the workspaces of cuDNN and cuBLAS. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { CardMemory } from './figures.ts';

const INTERVAL_MS = 100;
/** nvidia-smi needs up to seconds for its first answer. */
const PATIENCE_MS = 5000;

/**
 * Runs `work` and watches the card meanwhile.
 * @param card UUID of the card; null if there is none to watch
 */
export async function watchCard<Result>(card: string | null, work: () => Promise<Result>): Promise<[Result, CardMemory | null]> {
  if (card === null) return [await work(), null];
  const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits', `--loop-ms=${INTERVAL_MS}`, `--id=${card}`];
  const child = spawn('nvidia-smi', query, { stdio: ['ignore', 'pipe', 'ignore'] });
  let memory: CardMemory | null = null;
  const isWatching = new Promise<void>((resolve) => {
    setTimeout(resolve, PATIENCE_MS).unref();
    child.once('error', () => resolve());
    child.once('close', () => resolve());
    createInterface(child.stdout).on('line', (line) => {
      const bytes = Number(line) * 2 ** 20;
      if (Number.isFinite(bytes))
        memory = { beforeBytes: memory?.beforeBytes ?? bytes, peakBytes: Math.max(memory?.peakBytes ?? 0, bytes) };
      resolve();
    });
  });
  await isWatching;
  try {
    return [await work(), memory];
  } finally {
    child.kill('SIGKILL');
  }
}
