/** Entry point of the short-lived child process in which cuda.ts loads CUDA's libraries and tries a device: cuda-probe.js INDEX [try]. */
import { brokenLibraries } from '../../../src/provisioning/cuda/libraries.ts';
import type { CudaReport } from '../../../src/provisioning/cuda/report.ts';
import { BACKENDS } from './backends.ts';
import type { CudaAnswer } from './cuda.ts';
import { supportedLayout } from './layout.ts';
import { sendAnswer } from './probe-process.ts';
import { measureRate } from './rate.ts';

/** Runs float16 convolutions, of which SVD_XT consists for the most part. */
async function tryDevice(deviceIndex: number): Promise<CudaReport['trial']> {
  try {
    const runtime = { backend: BACKENDS.cuda, deviceIndex, precision: 'fp16' } as const;
    const rate = await measureRate(runtime);
    return { gflops: Number((rate / 1e9).toPrecision(3)), layout: await supportedLayout(runtime) };
  } catch (error) {
    return { error: ((error as Error).cause as Error | undefined)?.message ?? (error as Error).message };
  }
}

process.once('disconnect', () => process.exit()); // the parent process is gone
const [index, wish] = process.argv.slice(2);
const broken = brokenLibraries();
const answer: CudaAnswer = { broken, trial: null };
process.send!(answer);
sendAnswer(wish === 'try' && Object.keys(broken).length === 0 ? { ...answer, trial: await tryDevice(Number(index)) } : answer);
