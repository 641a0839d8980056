import type { CudaLayout } from '../../worker/svd/graph/cuda.ts';
import { BACKENDS, type Backend } from '../../worker/svd/runtime/backends.ts';
import { expand } from './expand.ts';

interface CudaGraphs {
  readonly layout: CudaLayout;
  /** Limit on the widest tensor of a feed-forward layer. Default: none. */
  readonly sliceBytes?: number;
}

/** The CPU with the graphs of the CUDA backend. They can be written, but not run. */
export const cudaGraphs = ({ layout, sliceBytes = Infinity }: CudaGraphs): Backend => ({
  ...BACKENDS.cpu,
  name: `cuda ${layout}`,
  dialect: (precision, memory) => BACKENDS.cuda.dialect(precision, { ...memory, sliceBytes }, layout),
});

/** The CPU running the graphs of the CUDA backend, in which operators that only CUDA has are expanded. */
export function cudaOnCpu(options: CudaGraphs): Backend {
  const backend = cudaGraphs(options);
  return {
    ...backend,
    dialect: (precision, memory) => (name, weights) => {
      const ops = backend.dialect(precision, memory)(name, weights);
      const finish = ops.finish.bind(ops);
      return Object.assign(ops, { finish: () => expand(finish()) });
    },
  };
}
