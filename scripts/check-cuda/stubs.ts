/**
 * Builds stub CUDA libraries with which onnxruntime's real CUDA provider loads on a machine without a GPU, to check which nodes it takes
 * and how much device memory it asks for. They are compiled where they are used, by the C compiler `cc`, and never shipped.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { STUB_LIBRARIES, type StubLibrary } from './stub-sources.ts';

const run = promisify(execFile);

/** What a process has asked of the stub device. */
export interface DeviceAccount {
  /** Bytes allocated now. */
  readonly current: number;
  /** Most bytes allocated at any time. */
  readonly peak: number;
  /** Bytes of the largest allocation. */
  readonly largest: number;
  readonly allocations: number;
  /** Kernels launched, except those of cuBLAS and cuDNN. */
  readonly launches: number;
}

interface StubDevice {
  /** Bytes of device memory; allocations beyond fail. Default 80 GB. */
  readonly memoryBytes?: number;
  /** Default 1. */
  readonly devices?: number;
  /** File for `readAccount`. */
  readonly account?: string;
}

/**
 * Compiles the stub libraries into `folder`. A process started with LD_LIBRARY_PATH=folder loads them instead of CUDA and cuDNN.
 * @param providerLibrary path of libonnxruntime_providers_cuda.so; the stubs hold exactly the functions that it uses
 * @throws if `cc` or `readelf` is missing or fails
 */
export async function buildStubs(providerLibrary: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const functions = [...(await undefinedFunctions(providerLibrary)), ...(await cudnnFunctions(providerLibrary))];
  const rest = new Set(functions);
  for (const library of STUB_LIBRARIES) {
    const own = [...rest].filter((name) => library.prefix.test(name));
    for (const name of own) rest.delete(name);
    await compile(library, own, folder);
  }
}

/**
 * Links onnxruntime and its provider into `folder`, so that a process started with LD_LIBRARY_PATH=folder finds the provider there, as if it
 * stood beside onnxruntime-node's binding.
 */
export async function linkProvider(providerLibrary: string, folder: string): Promise<void> {
  const binding = path.join(path.dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')), 'bin/napi-v6/linux/x64');
  const shared = path.join(path.dirname(providerLibrary), 'libonnxruntime_providers_shared.so');
  await mkdir(folder, { recursive: true });
  for (const file of [path.join(binding, 'libonnxruntime.so.1'), providerLibrary, shared]) {
    const link = path.join(folder, path.basename(file));
    await rm(link, { force: true });
    await symlink(path.resolve(file), link);
  }
}

/** Environment variables of a process that uses the stubs in `folder`. */
export function stubVariables(folder: string, { memoryBytes, devices, account }: StubDevice = {}): Record<string, string> {
  return {
    LD_LIBRARY_PATH: folder,
    ...(memoryBytes === undefined ? {} : { STUB_CUDA_MEMORY: String(memoryBytes) }),
    ...(devices === undefined ? {} : { STUB_CUDA_DEVICES: String(devices) }),
    ...(account === undefined ? {} : { STUB_CUDA_ACCOUNT: account }),
  };
}

/** Reads the account that a process keeps in `file`, at any time, even after it was killed. */
export async function readAccount(file: string): Promise<DeviceAccount> {
  const counters = await readFile(file);
  const [current, peak, largest, allocations, launches] = Array.from({ length: 5 }, (_, i) => Number(counters.readBigUInt64LE(8 * i)));
  return { current: current!, peak: peak!, largest: largest!, allocations: allocations!, launches: launches! };
}

/** Functions that the dynamic linker looks up in other libraries when it loads `library`. */
async function undefinedFunctions(library: string): Promise<string[]> {
  const { stdout } = await run('readelf', ['--dyn-syms', '--wide', library], { maxBuffer: 2 ** 26 });
  return [...stdout.matchAll(/ UND (\w+)/g)].map(([, name]) => name!);
}

/** cuDNN's functions are looked up by name when first called, so their names are constants in `library`. */
async function cudnnFunctions(library: string): Promise<string[]> {
  const bytes = await readFile(library);
  const names = new Set<string>();
  for (let at = bytes.indexOf('\0cudnn'); at >= 0; at = bytes.indexOf('\0cudnn', at + 1)) {
    const name = bytes.toString('latin1', at + 1, bytes.indexOf(0, at + 1));
    if (/^cudnn[A-Z]\w*$/.test(name)) names.add(name);
  }
  return [...names];
}

/** Compiles `library` with `functions`; those that its source does not define return 0. */
async function compile({ name, source, version }: StubLibrary, functions: readonly string[], folder: string): Promise<void> {
  const others = functions.filter((fn) => !new RegExp(`\\b${fn}\\(`).test(source)).map((fn) => definition(fn));
  const [file, map] = [path.join(folder, `${name}.c`), path.join(folder, `${name}.map`)];
  await writeFile(file, [source, ...others, ''].join('\n'));
  const options = ['-shared', '-fPIC', '-w', '-std=gnu11', `-Wl,-soname,${name}`];
  if (version !== undefined) {
    await writeFile(map, `${version} { global: *; };\n`);
    options.push(`-Wl,--version-script=${map}`);
  }
  await run('cc', [...options, '-o', path.join(folder, name), file]);
}

/** A function that succeeds; one that creates something returns a handle to 256 bytes. */
function definition(fn: string): string {
  return /^cudnnCreate/.test(fn) ? `int ${fn}(void **p) { *p = malloc(256); return 0; }` : `int ${fn}(void) { return 0; }`;
}
