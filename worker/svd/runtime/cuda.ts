/** Whether and how well a CUDA device can be used, and if not, exactly what is missing. */
import { nvidiaDriver, visibleCards } from '../../../src/provisioning/cuda/cards.ts';
import { findProvider, onnxruntimeVersion, providerVersion } from '../../../src/provisioning/cuda/provider.ts';
import { cudaProblems, summarize, type CudaReport } from '../../../src/provisioning/cuda/report.ts';
import type { ProfileName } from './memory.ts';
import { runProbe } from './probe-process.ts';
import type { DeviceProbe } from './probe.ts';

/** Time limit for loading the libraries, which are large, and for trying the device. */
const TIMEOUT_MS = 30_000;
/** A device that cannot be used is examined again after this long, since libraries may be installed meanwhile. */
const EXPIRY_MS = 60_000;

/** What the child process sends: first the libraries, so that they are known if the trial crashes, then all of it. */
export type CudaAnswer = Pick<CudaReport, 'broken' | 'trial'>;

const known = new Map<number, { readonly at: number; readonly report: Promise<CudaReport> }>();

/** Examines the device with this index. Takes some seconds if everything is installed. Cached; never rejects. */
export async function examineCuda(index: number): Promise<CudaReport> {
  const last = known.get(index);
  if (last && (Date.now() - last.at < EXPIRY_MS || cudaProblems(await last.report).length === 0)) return await last.report;
  const report = examine(index);
  known.set(index, { at: Date.now(), report });
  return await report;
}

/** The result of `examineCuda` as that of any backend's probe. */
export async function probeCuda(index: number): Promise<DeviceProbe> {
  const report = await examineCuda(index);
  const { cards, trial } = report;
  const available = cudaProblems(report).length === 0;
  const result = trial && 'gflops' in trial ? trial : undefined;
  return {
    available,
    reason: summarize(report),
    adapter: cards[index]?.name,
    hardware: available,
    gflops: result?.gflops,
    fp16: available,
    layout: result?.layout,
  };
}

/** Free memory in bytes from which on a whole render fits a profile. */
const NEEDED_BYTES = { high: 22e9, medium: 11.5e9 } as const;

/** The memory profile for the memory that was free on the card when it was examined; medium if that is unknown. */
export async function chooseCudaMemory(index: number): Promise<ProfileName> {
  const { cards } = await examineCuda(index);
  const free = cards[index]?.freeBytes ?? null;
  if (free === null) return 'medium';
  return free >= NEEDED_BYTES.high ? 'high' : free >= NEEDED_BYTES.medium ? 'medium' : 'low';
}

/** Probes every card, at least the first. The others are not probed if the first lacks something that all need. */
export async function probeCards(): Promise<DeviceProbe[]> {
  const { cards, trial } = await examineCuda(0);
  const count = trial === null ? 1 : Math.max(1, cards.length);
  return await Promise.all(Array.from({ length: count }, (_, index) => probeCuda(index)));
}

async function examine(index: number): Promise<CudaReport> {
  const [found, provider, onnxruntime] = await Promise.all([nvidiaDriver(), findProvider(), onnxruntimeVersion()]);
  const driver = found instanceof Error ? null : found; // then the libraries and the trial tell what is wrong
  const facts: CudaReport = {
    platform: `${process.platform}-${process.arch}`,
    driver: driver?.version ?? null,
    cards: visibleCards(driver?.cards ?? [], process.env['CUDA_VISIBLE_DEVICES']),
    index,
    onnxruntime,
    provider: provider && { folder: provider.folder, version: await providerVersion(provider.library).catch(() => null) },
    broken: {},
    trial: null,
  };
  const isWhole = cudaProblems(facts).length === 0;
  try {
    const { answer, failure } = await runProbe('cuda-probe', [String(index), isWhole ? 'try' : 'libraries'], TIMEOUT_MS);
    const report = { ...facts, ...(answer as CudaAnswer | null) };
    if (report.trial || cudaProblems(report).length > 0) return report;
    return { ...report, trial: { error: `the process that tried it ${failure}` } };
  } catch (error) {
    return { ...facts, trial: { error: `no process can be started to try it: ${(error as Error).message}` } };
  }
}
