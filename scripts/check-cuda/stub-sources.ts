/**
 * C source of stub CUDA libraries: what each library must do beyond returning success, so that onnxruntime's CUDA provider loads, opens
 * sessions and runs graphs on a machine without a GPU. Nothing is computed. Device memory is address space that nobody can read or write;
 * it is only counted, so that a graph with 16 GB of tensors can be run on a laptop.
 *
 * Source of the signatures: NVIDIA's API references of CUDA 13 and cuDNN 9. Parameters that a function ignores are left out, which the
 * calling convention of x86-64 allows.
 */

/** The libraries that the provider is linked with or opens. `prefix` matches the functions that each one holds. */
export interface StubLibrary {
  readonly name: string;
  readonly prefix: RegExp;
  /** Version of its symbols, where the provider asks for one. */
  readonly version?: string;
  /** Definitions of functions that must do more than return 0. */
  readonly source: string;
}

const CREATE = (names: readonly string[]) => names.map((name) => `int ${name}(void **p) { *p = malloc(256); return 0; }`).join('\n');

/** Counters in the file STUB_CUDA_ACCOUNT, in this order, 8 bytes each; see DeviceAccount. */
const RUNTIME = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct account { uint64_t current, peak, largest, allocations, launches; } own, *account = &own;
static uint64_t total = 80000000000;
static int devices = 1, last_error;
enum { PAGE = 4096, OUT_OF_MEMORY = 2 };

__attribute__((constructor)) static void start(void) {
  const char *memory = getenv("STUB_CUDA_MEMORY"), *count = getenv("STUB_CUDA_DEVICES"), *path = getenv("STUB_CUDA_ACCOUNT");
  if (memory) total = strtoull(memory, 0, 10);
  if (count) devices = atoi(count);
  int file = path ? open(path, O_RDWR | O_CREAT, 0600) : -1;
  if (file < 0) return;
  if (ftruncate(file, sizeof own) == 0) {
    void *shared = mmap(0, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) account = shared;
  }
  close(file);
}

/* One page that holds the size, followed by pages that cannot be touched. */
int cudaMalloc(void **pointer, size_t size) {
  size_t length = PAGE + (size + PAGE - 1) / PAGE * PAGE;
  *pointer = 0;
  if (account->current + size > total) return last_error = OUT_OF_MEMORY;
  char *pages = mmap(0, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return last_error = OUT_OF_MEMORY;
  mprotect(pages, PAGE, PROT_READ | PROT_WRITE);
  ((size_t *)pages)[0] = size;
  ((size_t *)pages)[1] = length;
  account->current += size;
  account->allocations++;
  if (account->current > account->peak) account->peak = account->current;
  if (size > account->largest) account->largest = size;
  *pointer = pages + PAGE;
  return 0;
}
int cudaFree(void *pointer) {
  if (!pointer) return 0;
  char *pages = (char *)pointer - PAGE;
  account->current -= ((size_t *)pages)[0];
  munmap(pages, ((size_t *)pages)[1]);
  return 0;
}
int cudaMallocFromPoolAsync(void **pointer, size_t size) { return cudaMalloc(pointer, size); }
int cudaFreeAsync(void *pointer) { return cudaFree(pointer); }
int cudaMallocHost(void **pointer, size_t size) { *pointer = malloc(size); return 0; }
int cudaHostAlloc(void **pointer, size_t size) { return cudaMallocHost(pointer, size); }
int cudaFreeHost(void *pointer) { free(pointer); return 0; }
int cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes) { *total_bytes = total; *free_bytes = total - account->current; return 0; }

int cudaGetDeviceCount(int *count) { *count = devices; return 0; }
int cudaGetDevice(int *device) { *device = 0; return 0; }
int cudaDriverGetVersion(int *version) { *version = 13000; return 0; }
int cudaRuntimeGetVersion(int *version) { *version = 13000; return 0; }
/* As an A100: compute capability 8.0, 108 multiprocessors, 160 KB of shared memory per block. */
int cudaDeviceGetAttribute(int *value, int attribute) {
  *value = attribute == 75 ? 8 : attribute == 76 ? 0 : attribute == 16 ? 108 : attribute == 97 ? 163840 : 1;
  return 0;
}
/* The first fields of cudaDeviceProp; the whole structure has 1008 bytes. */
struct properties {
  char name[256], uuid[16], luid[8];
  unsigned node_mask;
  size_t total_memory, shared_memory_per_block;
  int registers_per_block, warp_size;
  size_t max_pitch;
  int max_threads_per_block, max_threads[3], max_grid[3];
  size_t constant_memory;
  int major, minor;
  size_t texture_alignment, texture_pitch_alignment;
  int multiprocessors;
};
int cudaGetDeviceProperties(struct properties *p) {
  memset(p, 0, 1008);
  *p = (struct properties){.name = "stub", .total_memory = total, .shared_memory_per_block = 49152, .registers_per_block = 65536,
    .warp_size = 32, .max_pitch = 2147483647, .max_threads_per_block = 1024, .max_threads = {1024, 1024, 64},
    .max_grid = {2147483647, 65535, 65535}, .constant_memory = 65536, .major = 8, .multiprocessors = 108};
  return 0;
}
const char *cudaGetErrorName(int error) { return error == OUT_OF_MEMORY ? "cudaErrorMemoryAllocation" : "cudaSuccess"; }
const char *cudaGetErrorString(int error) { return error == OUT_OF_MEMORY ? "out of memory" : "no error"; }
int cudaPeekAtLastError(void) { return last_error; }
int cudaGetLastError(void) { int error = last_error; last_error = 0; return error; }

int cudaEventCreateWithFlags(void **p) { *p = malloc(64); return 0; }
int cudaStreamCreateWithFlags(void **p) { *p = malloc(64); return 0; }
${CREATE(['cudaEventCreate', 'cudaStreamCreate', 'cudaMemPoolCreate'])}
int cudaEventElapsedTime(float *ms) { *ms = 1; return 0; }
int cudaFuncGetAttributes(void *attributes) { memset(attributes, 0, 96); return 0; }
int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks) { *blocks = 1; return 0; }
int cudaStreamIsCapturing(void *stream, int *status) { *status = 0; return 0; }
int cudaMemPoolGetAttribute(void *pool, int attribute, void *value) { *(uint64_t *)value = 0; return 0; }
int cudaGetDriverEntryPointByVersion(const char *symbol, void **entry, unsigned version, unsigned long long flags, int *status) {
  if (entry) *entry = 0;
  if (status) *status = 1; /* not found */
  return 0;
}
int cudaLaunchKernel(void) { account->launches++; return 0; }
int cudaLaunchKernelExC(void) { account->launches++; return 0; }
int __cudaLaunchKernel(void) { account->launches++; return 0; }
int __cudaGetKernel(void **kernel, const void *function) { *kernel = (void *)function; return 0; }
void **__cudaRegisterFatBinary(void *binary) { static void *handle; return &handle; }
`;

const CUBLAS = `
#include <stdlib.h>
${CREATE(['cublasCreate_v2'])}
const char *cublasGetStatusName(int status) { return "stub"; }
const char *cublasGetStatusString(int status) { return "stub"; }
int cublasGetMathMode(void *handle, int *mode) { *mode = 0; return 0; }
`;

const CUBLAS_LT = `
#include <stdlib.h>
${CREATE(['cublasLtCreate', 'cublasLtMatmulDescCreate', 'cublasLtMatrixLayoutCreate', 'cublasLtMatmulPreferenceCreate', 'cublasLtMatrixTransformDescCreate'])}
int cublasLtMatmulAlgoGetHeuristic(void *handle, void *operation, void *a, void *b, void *c, void *d, void *preference, int requested,
                                   void *results, int *count) {
  *count = 1;
  return 0;
}
`;

/** cudnnBackendGetAttribute returns one zero, or no elements for engine configurations' lists and numeric notes. */
const CUDNN = `
#include <stdlib.h>
#include <string.h>
size_t cudnnGetVersion(void) { return 91000; }
size_t cudnnGetCudartVersion(void) { return 13000; }
const char *cudnnGetErrorString(int status) { return "stub"; }
void cudnnGetLastErrorString(char *message, size_t size) { if (size) message[0] = 0; }
int cudnnBackendCreateDescriptor(int type, void **descriptor) { *descriptor = calloc(1, 256); return 0; }
int cudnnBackendDestroyDescriptor(void *descriptor) { free(descriptor); return 0; }
int cudnnBackendGetAttribute(void *descriptor, int name, int type, long requested, long *count, void *elements) {
  enum { ENGINE_COUNT_OR_NOTES = 302, INT64 = 3, DESCRIPTOR = 15, NUMERICAL_NOTE = 11, BEHAVIOR_NOTE = 19 };
  int is_note = type == NUMERICAL_NOTE || type == BEHAVIOR_NOTE;
  if (count) *count = name == ENGINE_COUNT_OR_NOTES || is_note ? 0 : 1;
  if (!elements || requested <= 0 || is_note || type == DESCRIPTOR) return 0;
  if (type == INT64) *(long *)elements = 0;
  else *(int *)elements = 0;
  return 0;
}
int cudnnGetStream(void *handle, void **stream) { *stream = 0; return 0; }
int cudnnGetConvolutionForwardWorkspaceSize(void *handle, void *x, void *w, void *c, void *y, int algorithm, size_t *size) {
  *size = 0;
  return 0;
}
int cudnnGetReductionWorkspaceSize(void *handle, void *d, void *a, void *c, size_t *size) { *size = 0; return 0; }
int cudnnGetReductionIndicesSize(void *handle, void *d, void *a, void *c, size_t *size) { *size = 0; return 0; }
`;

const VERSIONED = (name: string, prefix: RegExp, source: string): StubLibrary => ({ name, prefix, version: name, source });

/** In order: the first library whose prefix matches a function holds it. */
export const STUB_LIBRARIES: readonly StubLibrary[] = [
  VERSIONED('libcudart.so.13', /^(__)?cuda/, RUNTIME),
  VERSIONED('libcublasLt.so.13', /^cublasLt/, CUBLAS_LT),
  VERSIONED('libcublas.so.13', /^cublas/, CUBLAS),
  { name: 'libcurand.so.10', prefix: /^curand/, source: `#include <stdlib.h>\n${CREATE(['curandCreateGenerator'])}` },
  { name: 'libcudnn.so.9', prefix: /^cudnn/, source: CUDNN },
  { name: 'libcuda.so.1', prefix: /^cu[A-Z]/, source: 'int cuInit(void) { return 0; }' },
];
