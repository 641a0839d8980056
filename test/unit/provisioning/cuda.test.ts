import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { cudaFindings } from '../../../src/cli/doctor/cuda.ts';
import { formatFindings } from '../../../src/cli/doctor/finding.ts';
import { kernelVersion, parseNvidiaSmi, visibleCards } from '../../../src/provisioning/cuda/cards.ts';
import { cudaProblems, summarize, type CudaReport } from '../../../src/provisioning/cuda/report.ts';

const SMI = `580.65.06, NVIDIA H100 PCIe, 81559, 80995, GPU-5f3a
580.65.06, NVIDIA GB10, [N/A], [N/A], GPU-77b0
`;
const { cards } = parseNvidiaSmi(SMI);
const notFound = (library: string) => `${library}: cannot open shared object file: No such file or directory`;

/** A machine on which everything is installed and works, with `changes`. */
const report = (changes: Partial<CudaReport> = {}): CudaReport => ({
  platform: 'linux-x64',
  driver: '580.65.06',
  cards: cards.slice(0, 1),
  index: 0,
  onnxruntime: '1.29.0',
  provider: { folder: '/app/bin', version: '1.29.0' },
  broken: {},
  trial: { gflops: 31_400, layout: 'nhwc' },
  ...changes,
});
const lines = (changes: Partial<CudaReport>, requested = true) =>
  cudaFindings(report(changes), requested).map(({ level, message, hint }) => [level, message, hint ?? ''].join(' | '));

describe('doctor on CUDA', () => {
  it('prints one line for a machine on which it works', () => {
    expect(lines({})).toEqual([
      'ok | cuda:0 NVIDIA H100 PCIe, 80 GB; driver 580.65.06, provider of onnxruntime 1.29.0; cuda:0 works, 31400 GFLOP/s in convolutions | ',
    ]);
  });

  it('prints one line per problem, each with its fix, for a machine with an old driver and without libraries', () => {
    const broken = Object.fromEntries(['libcublas.so.13', 'libcublasLt.so.13', 'libcudnn.so.9'].map((name) => [name, notFound(name)]));
    expect(lines({ driver: '550.54.14', broken, provider: null, trial: null })).toEqual([
      expect.stringMatching(/^warn \| NVIDIA's driver 550\.54\.14 is too old: CUDA 13 needs 580 or newer \| Install driver 580/),
      expect.stringMatching(
        /^warn \| CUDA 13 is incomplete: libcublas\.so\.13 not found, libcublasLt\.so\.13 not found \| Install libcublas-13-0 of/,
      ),
      expect.stringMatching(/^warn \| cuDNN 9 is incomplete: libcudnn\.so\.9 not found \| Install libcudnn9-cuda-13 of/),
      'warn | the CUDA provider of onnxruntime 1.29.0 is not installed | Run npm run cuda -- install.',
    ]);
  });

  it('prints the versions where the provider is of another one', () => {
    expect(lines({ provider: { folder: '/app/bin', version: '1.24.3' }, trial: null })).toEqual([
      'warn | the CUDA provider in /app/bin is for onnxruntime 1.24.3; 1.29.0 is needed | Run npm run cuda -- install.',
    ]);
  });

  it('prints what CUDA reports for a card that does not work', () => {
    const error = 'x.cc:51 CUDA failure 802: system not yet initialized ; GPU=0 ; hostname=h ; file=f ; line=1 ; expr=cudaSetDevice(0); ';
    expect(lines({ trial: { error } })).toEqual([
      expect.stringMatching(
        /^warn \| cuda:0 \(NVIDIA H100 PCIe\) does not work: CUDA failure 802: system not yet initialized \| Check dmesg/,
      ),
    ]);
    expect(lines({ trial: { error: 'CUDA failure 209: no kernel image is available for execution on the device ; GPU=0' } })).toEqual([
      expect.stringContaining('the CUDA provider has no code for cuda:0 (NVIDIA H100 PCIe)'),
    ]);
  });

  it('is one quiet line on a machine without a driver, unless WORKER_DEVICES names CUDA', () => {
    const bare = { driver: null, cards: [], broken: { 'libcuda.so.1': notFound('libcuda.so.1') }, trial: null };
    expect(lines(bare, false)).toEqual(["ok | not used, since NVIDIA's driver is not installed | "]);
    expect(lines(bare)).toEqual([
      expect.stringMatching(
        /^warn \| NVIDIA's driver is missing: libcuda\.so\.1 not found; version 580 or newer is needed \| .*--gpus all/,
      ),
    ]);
  });
});

describe('docs/cuda.md', () => {
  const broken = Object.fromEntries(['libcublas.so.13', 'libcublasLt.so.13', 'libcudnn.so.9'].map((name) => [name, notFound(name)]));
  const folder = '/app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64';
  it.each<[machine: string, Partial<CudaReport>]>([
    ['that works', {}],
    ['with an old driver and without libraries', { driver: '550.54.14', broken, provider: null, trial: null }],
    ['with a provider of another version', { provider: { folder, version: '1.24.3' }, trial: null }],
    ['whose card does not work', { trial: { error: 'CUDA failure 802: system not yet initialized ; GPU=0' } }],
  ])('shows what doctor prints on a machine %s', async (_, changes) => {
    expect(await readFile('docs/cuda.md', 'utf8')).toContain(formatFindings(cudaFindings(report(changes), true)));
  });
});

describe('what keeps a CUDA device from rendering', () => {
  it('is an index beyond the cards that CUDA may use', () => {
    expect(cudaProblems(report({ index: 1, trial: null })).map(({ message }) => message)).toEqual([
      'there is no device cuda:1; the driver offers cuda:0 NVIDIA H100 PCIe',
    ]);
  });

  it('is a library that is found but does not load', () => {
    const broken = { 'libcudnn.so.9': '/opt/libcudnn.so.9: version `GLIBC_2.38 not found' };
    expect(summarize(report({ broken, trial: null }))).toBe(
      'cuda:0 cannot be used: cuDNN 9 is incomplete: libcudnn.so.9 cannot be loaded (/opt/libcudnn.so.9: version `GLIBC_2.38 not found).',
    );
  });

  it('is every system but Linux on x64', () => {
    expect(summarize(report({ platform: 'darwin-arm64', trial: null }))).toContain('this is darwin-arm64');
  });

  it('is nothing if a small graph ran on it', () => {
    expect(cudaProblems(report())).toEqual([]);
    expect(summarize(report())).toBe('CUDA works on NVIDIA H100 PCIe, 80 GB (driver 580.65.06, 31400 GFLOP/s).');
  });
});

describe("NVIDIA's driver", () => {
  it('lists its cards, with memory where nvidia-smi knows it', () => {
    expect(parseNvidiaSmi(SMI)).toEqual({
      version: '580.65.06',
      cards: [
        { name: 'NVIDIA H100 PCIe', memoryBytes: 81_559 * 2 ** 20, freeBytes: 80_995 * 2 ** 20, uuid: 'GPU-5f3a' },
        { name: 'NVIDIA GB10', memoryBytes: null, freeBytes: null, uuid: 'GPU-77b0' },
      ],
    });
    expect(parseNvidiaSmi('No devices were found\n')).toEqual({ version: null, cards: [] });
  });

  it.each([
    ['NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\nGCC version:  gcc 12.3.0', '550.54.14'],
    ['NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder)\n', '580.65.06'],
    ['GCC version:  gcc 12.3.0', null],
  ])('has its version in /proc: %s', (text, version) => {
    expect(kernelVersion(text)).toBe(version);
  });

  it.each([
    [undefined, ['NVIDIA H100 PCIe', 'NVIDIA GB10']],
    ['1,0', ['NVIDIA GB10', 'NVIDIA H100 PCIe']],
    ['GPU-77', ['NVIDIA GB10']],
    ['0,5,1', ['NVIDIA H100 PCIe']],
    ['', []],
    ['-1', []],
  ])('offers CUDA the cards that CUDA_VISIBLE_DEVICES=%s selects', (selection, names) => {
    expect(visibleCards(cards, selection).map(({ name }) => name)).toEqual(names);
  });
});
