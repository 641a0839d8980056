import type { CudaLayout } from '../graph/cuda.ts';

/** Result of testing a device. */
export interface DeviceProbe {
  /** Whether the device responds, even if only a software implementation does. */
  readonly available: boolean;
  /** One sentence: what was found, or what is missing and how to fix it. */
  readonly reason: string;
  /** Vendor of the driver in use, where it can be determined. */
  readonly adapter?: string;
  /** Whether it is a GPU that is faster than the CPU. */
  readonly hardware?: boolean;
  /** Rate of float32 convolutions. */
  readonly gflops?: number;
  /** Whether it computes in float16. */
  readonly fp16?: boolean;
  /** On CUDA: the layout of convolutions that the provider takes. */
  readonly layout?: CudaLayout;
}
