/** Limits of `npm run check:cuda`: what the graphs of SVD-XT may need at 1024×576 and 25 frames in fp16. */
import type { ProfileName } from '../../worker/svd/runtime/memory.ts';
import type { Network } from '../../worker/svd/runtime/networks.ts';

interface NetworkLimits {
  /** Transpose nodes, which only move data. */
  readonly transposes: number;
  /** Cast nodes, including those of inputs, outputs and weights. */
  readonly casts: number;
  /** Bytes of the largest result of a node. */
  readonly largestBytes: number;
  /** Device memory of the network alone. */
  readonly peakBytes: number;
  /** Bytes that a call reads and writes in device memory. */
  readonly movedBytes: number;
}

/**
 * In memory profile `medium`. The UNet transposes its input and its output, and turns tokens from space to time and back in each of its 16
 * transformers, because attention takes sequences that are consecutive in memory.
 */
export const NETWORK_LIMITS: Readonly<Record<Network['name'], NetworkLimits>> = {
  'image encoder': { transposes: 1, casts: 2, largestBytes: 4e6, peakBytes: 1.3e9, movedBytes: 2.5e9 },
  encoder: { transposes: 2, casts: 0, largestBytes: 310e6, peakBytes: 2.5e9, movedBytes: 18e9 },
  unet: { transposes: 34, casts: 5, largestBytes: 450e6, peakBytes: 4.5e9, movedBytes: 251e9 },
  decoder: { transposes: 2, casts: 2, largestBytes: 920e6, peakBytes: 5.5e9, movedBytes: 80e9 },
};

/**
 * Device memory of a whole render by memory profile, on cards of 8, 12 and 24 GB. The stubs count neither the CUDA context nor the workspaces
 * of cuDNN and cuBLAS, which need a gigabyte or so.
 */
export const RENDER_LIMITS: Readonly<Record<ProfileName, number>> = { low: 4.5e9, medium: 10e9, high: 19e9 };
