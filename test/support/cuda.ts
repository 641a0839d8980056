import { CudaOps, type CudaLayout } from '../../worker/svd/graph/cuda.ts';
import { BACKENDS, type Backend } from '../../worker/svd/runtime/backends.ts';
import { expand } from './expand.ts';

interface CudaGraphs {
  readonly layout: CudaLayout;
  /** Limit on the widest tensor of a feed-forward layer. Default: none. */
  readonly sliceBytes?: number;
}

/** The CPU with graphs in CUDA's dialect. They can be written, but not run. */
export const cudaGraphs = ({ layout, sliceBytes = Infinity }: CudaGraphs): Backend => ({
  ...BACKENDS.cpu,
  name: `cuda ${layout}`,
  dialect: (precision) => (name, weights) =>
    new CudaOps(name, weights, { precision, layout, feedForward: { bytes: sliceBytes, maxSlices: Infinity } }),
});

/** The CPU running CUDA's graphs, in which operators that only CUDA has are expanded. */
export function cudaOnCpu(options: CudaGraphs): Backend {
  const { dialect, ...backend } = cudaGraphs(options);
  return {
    ...backend,
    dialect: (precision, memory) => (name, weights) => {
      const ops = dialect(precision, memory)(name, weights);
      const finish = ops.finish.bind(ops);
      return Object.assign(ops, {
        finish: () => {
          const graph = finish();
          return { ...graph, model: expand(graph.model) };
        },
      });
    },
  };
}
