/** What onnxruntime's error messages mean for a render. */
import { AppError } from '../../../src/jobs/errors.ts';
import { DeviceFailure } from '../../engine.ts';
import type { Graph } from '../graph/ops.ts';

/**
 * Memory is exhausted: of the CPU, of an arena, or in CUDA, cuBLAS (ALLOC_FAILED) and cuDNN (ALLOC_FAILED,
 * INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED).
 */
const OUT_OF_MEMORY =
  /bad_alloc|out of memory|failed to allocate|is smaller than requested bytes|OUT_OF_MEMORY|_STATUS_(\w+_)?ALLOC(ATION)?_FAILED/i;
/** Errors of onnxruntime's WebGPU provider where a tensor exceeds the GPU's limit on buffer size. */
const BUFFER_TOO_SMALL = /Too many storage buffers|Allocation size too large|Name:'Conv_.*raw_hash_map<>::at/s;

/** How onnxruntime reports an error of CUDA and its libraries, up to the name of the machine. */
const CUDA_ERROR = /(?:CUDA|CUBLAS|CUDNN|CURAND) failure \d+: [^;]*/;
/**
 * Errors of CUDA after which a process can do nothing more with the device, or after which there is no device: busy or unavailable, none,
 * an invalid one, uncorrectable ECC and NVLink errors, illegal address, launch timeout, destroyed context, assertion, hardware stack error,
 * illegal instruction, misaligned address, invalid address space, invalid program counter, launch failure, leaked tensor memory, system
 * not ready, unknown. Source: cudaError_t in the reference of the CUDA runtime API.
 */
const STICKY = /CUDA failure (?:46|100|101|214|220|700|702|709|71[045678]|719|721|802|999):/;
/** What kernels of CUDA's libraries report after such an error, and WebGPU's form of it. */
const LOST = /_STATUS_(?:EXECUTION_FAILED|MAPPING_ERROR)|WebGPU device lost/;

/** An error of onnxruntime as one that the supervisor understands. */
export function asRenderFailure(error: unknown, { folder }: Pick<Graph, 'folder'>): AppError | DeviceFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (STICKY.test(message) || LOST.test(message))
    return new DeviceFailure(CUDA_ERROR.exec(message)?.[0].trim() ?? message.split('\n', 1)[0], { cause: error });
  if (OUT_OF_MEMORY.test(message) || BUFFER_TOO_SMALL.test(message)) return new AppError('OUT_OF_MEMORY', undefined, {}, error);
  if (/external data|safetensors|ENOENT/i.test(message))
    return new AppError('MODEL_INVALID', `The weights in ${folder} cannot be read: ${message}`, {}, error);
  return new AppError('INTERNAL', undefined, {}, error);
}
