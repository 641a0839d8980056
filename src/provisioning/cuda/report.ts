/** The state of CUDA on this machine, and the problems that keep a device from rendering. */
import type { Card } from './cards.ts';
import { PROVIDER_PLATFORM } from './provider.ts';
import { CUDA_LIBRARIES, OLDEST_DRIVER, packagesOf, type CudaLibrary } from './requirements.ts';

export interface CudaReport {
  /** Such as linux-x64. */
  readonly platform: string;
  /** Version of NVIDIA's driver; null if there is none or its version is unknown. */
  readonly driver: string | null;
  /** Cards that CUDA may use, by index of the device. */
  readonly cards: readonly Card[];
  /** Index of the device that was tried. */
  readonly index: number;
  /** Version that the provider must have. */
  readonly onnxruntime: string;
  /** Null if it is not installed. */
  readonly provider: { readonly folder: string; readonly version: string | null } | null;
  /** Libraries of `CUDA_LIBRARIES` that do not load, with the dynamic linker's message. */
  readonly broken: Readonly<Record<string, string>>;
  /** Result of a small graph on the device; null if something is missing, so that it was not tried. */
  readonly trial: CudaTrial | { readonly error: string } | null;
}

/** What a small graph on a device has shown. */
export interface CudaTrial {
  /** Rate of float16 convolutions. */
  readonly gflops: number;
  /** Layout of convolutions that the provider takes: channels last, or public operators only. */
  readonly layout: 'nhwc' | 'plain';
}

/** One thing that keeps CUDA from working. */
export interface CudaProblem {
  /** A clause without a full stop. */
  readonly message: string;
  /** What to do, one or more sentences. */
  readonly hint: string;
}

const OTHER_WAYS = 'npm run cuda -- check names two other ways.';
const CONTAINER = 'In a container, start it with --gpus all (NVIDIA Container Toolkit).';
/** Message of the dynamic linker for a library that it does not find. */
const NOT_FOUND = /cannot open shared object file: No such file/;

/** Everything that keeps the device from rendering, in the order in which to fix it; empty if it renders. */
export function cudaProblems(report: CudaReport): CudaProblem[] {
  const { platform, trial } = report;
  if (platform !== PROVIDER_PLATFORM)
    return [{ message: `CUDA is supported only on ${PROVIDER_PLATFORM}; this is ${platform}`, hint: 'Use webgpu.' }];
  const missing = [...driverProblems(report), ...libraryProblems(report), ...providerProblems(report)];
  return missing.length === 0 && trial && 'error' in trial ? [trialProblem(report, trial.error)] : missing;
}

function driverProblems({ driver, cards, index, broken }: CudaReport): CudaProblem[] {
  const install = `Install driver ${OLDEST_DRIVER} or newer. ${CONTAINER}`;
  const library = broken['libcuda.so.1'];
  if (library !== undefined && driver === null)
    return [
      {
        message: `NVIDIA's driver is missing: libcuda.so.1 ${verdict(library)}; version ${OLDEST_DRIVER} or newer is needed`,
        hint: install,
      },
    ];
  if (driver !== null && Number.parseInt(driver, 10) < OLDEST_DRIVER)
    return [{ message: `NVIDIA's driver ${driver} is too old: CUDA 13 needs ${OLDEST_DRIVER} or newer`, hint: install }];
  if (library !== undefined)
    return [
      {
        message: `NVIDIA's driver ${driver} lacks its CUDA part: libcuda.so.1 ${verdict(library)}`,
        hint: `Install it completely. ${CONTAINER}`,
      },
    ];
  // Without nvidia-smi and /proc, as in some containers, the cards are unknown and only the trial tells.
  if (driver !== null && index >= cards.length) {
    const names = cards.length === 0 ? 'none' : cards.map(({ name }, i) => `cuda:${i} ${name}`).join(', ');
    return [
      {
        message: `there is no device cuda:${index}; the driver offers ${names}`,
        hint: `Check WORKER_DEVICES and CUDA_VISIBLE_DEVICES. ${CONTAINER}`,
      },
    ];
  }
  return [];
}

/** Libraries of CUDA and cuDNN that do not load. */
export function missingLibraries({ broken }: CudaReport): CudaLibrary[] {
  return CUDA_LIBRARIES.filter(({ group, name }) => group !== 'driver' && broken[name] !== undefined);
}

function libraryProblems(report: CudaReport): CudaProblem[] {
  const { broken } = report;
  return (['CUDA 13', 'cuDNN 9'] as const).flatMap((group) => {
    const libraries = missingLibraries(report).filter((library) => library.group === group);
    if (libraries.length === 0) return [];
    const described = libraries.map(({ name }) => `${name} ${verdict(broken[name]!)}`);
    return [
      {
        message: `${group} is incomplete: ${described.join(', ')}`,
        hint: `Install ${packagesOf(libraries)} of NVIDIA's repository. ${OTHER_WAYS}`,
      },
    ];
  });
}

function providerProblems({ provider, onnxruntime }: CudaReport): CudaProblem[] {
  const hint = 'Run npm run cuda -- install.';
  if (!provider) return [{ message: `the CUDA provider of onnxruntime ${onnxruntime} is not installed`, hint }];
  if (provider.version === onnxruntime) return [];
  const built = provider.version === null ? 'an unknown version of onnxruntime' : `onnxruntime ${provider.version}`;
  return [{ message: `the CUDA provider in ${provider.folder} is for ${built}; ${onnxruntime} is needed`, hint }];
}

/** @param error of onnxruntime, or how the process that tried the device ended */
function trialProblem({ index, cards, provider }: CudaReport, error: string): CudaProblem {
  const device = `cuda:${index}${cards[index] ? ` (${cards[index].name})` : ''}`;
  if (/Failed to load shared library/.test(error))
    return { message: `onnxruntime cannot load the CUDA provider in ${provider?.folder}`, hint: 'Run npm run cuda -- install.' };
  if (/no kernel image/.test(error))
    return {
      message: `the CUDA provider has no code for ${device}`,
      hint: 'It supports compute capability 7.5, 8.x, 9.0 and 12.x. Use webgpu.',
    };
  if (/cuDNN is unavailable/.test(error))
    return { message: `cuDNN 9 cannot be used on ${device}: ${firstLine(error)}`, hint: 'Reinstall cuDNN 9 with all its libcudnn_*.so.9.' };
  return {
    message: `${device} does not work: ${firstLine(error)}`,
    hint: "Check dmesg and nvidia-smi; if another program uses the card's memory, end it.",
  };
}

/** What the dynamic linker says about a library, as a predicate. */
function verdict(message: string): string {
  return NOT_FOUND.test(message) ? 'not found' : `cannot be loaded (${firstLine(message)})`;
}

/** The part of a message that matters: without onnxruntime's source location. */
function firstLine(message: string): string {
  const [line] = message.split('\n', 1);
  return /(CUDA|CUBLAS|CUDNN|CURAND) failure \d+: [^;]*/.exec(message)?.[0].trim() ?? line!.slice(0, 200);
}

/** A device's card, such as "NVIDIA H100 PCIe, 80 GB". */
export function describeCard({ name, memoryBytes }: Card): string {
  return memoryBytes === null ? name : `${name}, ${Math.round(memoryBytes / 2 ** 30)} GB`;
}

/** One sentence on a device: what was found, or everything that is missing. Clients of the API read it, so it names no command. */
export function summarize(report: CudaReport): string {
  const problems = cudaProblems(report);
  const { index, cards, driver, trial } = report;
  if (problems.length > 0) {
    const list = problems.map(({ message }) => message).join('; ');
    return `cuda:${index} cannot be used: ${list}.`;
  }
  const card = cards[index] ? describeCard(cards[index]) : 'unknown card';
  const gflops = trial && 'gflops' in trial ? `, ${trial.gflops} GFLOP/s` : '';
  return `CUDA works on ${card} (driver ${driver ?? 'unknown'}${gflops}).`;
}
