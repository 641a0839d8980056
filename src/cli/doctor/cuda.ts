import { cudaProblems, describeCard, type CudaReport } from '../../provisioning/cuda/report.ts';
import { ok, warn, type Finding } from './finding.ts';

/**
 * What doctor prints about CUDA: one line if it works or is not used here, otherwise one per problem.
 * @param requested whether WORKER_DEVICES names a CUDA device
 */
export function cudaFindings(report: CudaReport, requested: boolean): Finding[] {
  const { driver, cards, index, onnxruntime, trial, broken } = report;
  const problems = cudaProblems(report);
  if (problems.length === 0) {
    const names = cards.map((card, i) => `cuda:${i} ${describeCard(card)}`).join('; ') || `cuda:${index}`;
    const rate = trial && 'gflops' in trial ? `, ${trial.gflops} GFLOP/s in convolutions` : '';
    return [ok('CUDA', `${names}; driver ${driver ?? 'unknown'}, provider of onnxruntime ${onnxruntime}; cuda:${index} works${rate}`)];
  }
  const hasDriver = driver !== null || broken['libcuda.so.1'] === undefined;
  if (!hasDriver && !requested) return [ok('CUDA', "not used, since NVIDIA's driver is not installed")];
  return problems.map(({ message, hint }) => warn('CUDA', message, hint));
}
