/** What SVD_XT needs in order to render with CUDA, and where to get it. Read from onnxruntime's CUDA provider 1.29.0. */

/** Oldest major version of NVIDIA's driver that runs CUDA 13. */
export const OLDEST_DRIVER = 580;

/** What a shared library belongs to. */
export type LibraryGroup = 'driver' | 'CUDA 13' | 'cuDNN 9';

export interface CudaLibrary {
  /** Name under which the dynamic linker looks it up. */
  readonly name: string;
  readonly group: LibraryGroup;
  /** Package of NVIDIA's repositories for Debian, Ubuntu and Red Hat, there for each 13.N of CUDA. Null for the driver. */
  readonly package: string | null;
  /** Wheel of the Python package index. Null for the driver. */
  readonly wheel: string | null;
}

/** The provider links to all but the last, which it opens at the first convolution. */
export const CUDA_LIBRARIES: readonly CudaLibrary[] = [
  { name: 'libcuda.so.1', group: 'driver', package: null, wheel: null },
  { name: 'libcudart.so.13', group: 'CUDA 13', package: 'cuda-cudart-13-0', wheel: 'nvidia-cuda-runtime' },
  { name: 'libcublas.so.13', group: 'CUDA 13', package: 'libcublas-13-0', wheel: 'nvidia-cublas' },
  { name: 'libcublasLt.so.13', group: 'CUDA 13', package: 'libcublas-13-0', wheel: 'nvidia-cublas' },
  { name: 'libcurand.so.10', group: 'CUDA 13', package: 'libcurand-13-0', wheel: 'nvidia-curand' },
  { name: 'libcudnn.so.9', group: 'cuDNN 9', package: 'libcudnn9-cuda-13', wheel: 'nvidia-cudnn-cu13' },
];

/** NVIDIA's packages that hold `libraries`, separated by spaces. */
export function packagesOf(libraries: readonly CudaLibrary[]): string {
  return distinct(libraries.map((library) => library.package));
}

/** The three ways to get `libraries` of CUDA and cuDNN, a sentence each. */
export function waysToGet(libraries: readonly CudaLibrary[]): string[] {
  return [
    `Packages of NVIDIA's repository for your distribution: ${packagesOf(libraries)} (13-0 or a newer 13-N).`,
    "NVIDIA's container image nvidia/cuda as the base of your own image: a tag 13.*-cudnn-runtime-*.",
    `Wheels of the Python package index, unpacked by hand: ${distinct(libraries.map(({ wheel }) => wheel))}. Name the folders of their .so files in LD_LIBRARY_PATH before npm start.`,
  ];
}

function distinct(names: readonly (string | null)[]): string {
  return [...new Set(names.filter((name) => name !== null))].join(' ');
}
