import { describe, expect, it } from 'vitest';
import { DeviceFailure } from '../../../../worker/engine.ts';
import { AppError } from '../../../../src/jobs/errors.ts';
import { asRenderFailure } from '../../../../worker/svd/runtime/failures.ts';

const failureOf = (message: string) => asRenderFailure(new Error(message), { folder: '/models/svd-xt/unet' });
const nodeError = (problem: string) => `Non-zero status code returned while running Conv node. Name:'Conv_12' Status Message: ${problem}`;
const cudaError = (library: string, code: number, text: string) =>
  nodeError(
    `${library} failure ${code}: ${text} ; GPU=0 ; hostname=render-7 ; file=/onnxruntime_src/cuda_call.cc ; line=28 ; expr=run(); `,
  );

describe("onnxruntime's error", () => {
  it.each([
    [cudaError('CUDA', 2, 'out of memory')],
    [cudaError('CUBLAS', 3, 'CUBLAS_STATUS_ALLOC_FAILED')],
    [cudaError('CUDNN', 4, 'CUDNN_STATUS_ALLOC_FAILED')],
    [cudaError('CUDNN', 4003, 'CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED')],
    [nodeError('bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 943718400')],
    [nodeError('bfc_arena.cc:376 Available memory of 0 is smaller than requested bytes of 1024')],
    ['std::bad_alloc'],
  ])('means that memory is exhausted: %s', (message) => {
    expect(failureOf(message)).toMatchObject({ name: 'AppError', code: 'OUT_OF_MEMORY' });
  });

  it.each([
    [cudaError('CUDA', 700, 'an illegal memory access was encountered'), 'CUDA failure 700: an illegal memory access was encountered'],
    [cudaError('CUDA', 719, 'unspecified launch failure'), 'CUDA failure 719: unspecified launch failure'],
    [cudaError('CUDA', 214, 'uncorrectable ECC error encountered'), 'CUDA failure 214: uncorrectable ECC error encountered'],
    [cudaError('CUDA', 100, 'no CUDA-capable device is detected'), 'CUDA failure 100: no CUDA-capable device is detected'],
    [cudaError('CUBLAS', 13, 'CUBLAS_STATUS_EXECUTION_FAILED'), 'CUBLAS failure 13: CUBLAS_STATUS_EXECUTION_FAILED'],
    [cudaError('CUDNN', 5000, 'CUDNN_STATUS_EXECUTION_FAILED'), 'CUDNN failure 5000: CUDNN_STATUS_EXECUTION_FAILED'],
    ['WebGPU device lost (2): the driver was reset', 'WebGPU device lost (2): the driver was reset'],
  ])('means that the device failed: %s', (message, reason) => {
    const failure = failureOf(message);
    expect(failure).toBeInstanceOf(DeviceFailure);
    expect(failure.message).toBe(reason);
  });

  it('means that the weights cannot be read if it is about their file', () => {
    expect(failureOf("External data path does not exist: 'model.safetensors'")).toMatchObject({ code: 'MODEL_INVALID' });
  });

  it.each([[cudaError('CUDA', 1, 'invalid argument')], [cudaError('CUDA', 7001, 'no such error')], ['Invalid rank for input: x']])(
    'is an internal error otherwise: %s',
    (message) => {
      const failure = failureOf(message);
      expect(failure).toBeInstanceOf(AppError);
      expect(failure).toMatchObject({ code: 'INTERNAL', cause: { message } });
    },
  );
});
