/** onnxruntime's CUDA provider: two libraries that must be in the folder of onnxruntime-node's binding and have its version. */
import { createReadStream } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Names of the provider's files, in the order in which onnxruntime opens them. */
export const PROVIDER_FILES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'] as const;

/** The provider's files in one folder. */
export interface Provider {
  readonly folder: string;
  /** Path of libonnxruntime_providers_cuda.so. */
  readonly library: string;
}

const PACKAGE = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');

/** The only platform for which onnxruntime-node has a CUDA provider. */
export const PROVIDER_PLATFORM = 'linux-x64';

/** Folder of onnxruntime-node's binding, where onnxruntime looks for the provider. */
export const BINDING_FOLDER = path.join(path.dirname(PACKAGE), 'bin/napi-v6/linux/x64');

/** onnxruntime-node's own installer, which downloads the provider of its version. */
export const INSTALLER = path.join(path.dirname(PACKAGE), 'script/install.js');

/** Version of the installed onnxruntime-node, which the provider must have too: the binding loads any, and may crash with another. */
export async function onnxruntimeVersion(): Promise<string> {
  return (JSON.parse(await readFile(PACKAGE, 'utf8')) as { version: string }).version;
}

/** The provider beside the binding or, for checks without a GPU, in the folder ORT_CUDA_PROVIDER_DIR; null if neither holds it. */
export async function findProvider(): Promise<Provider | null> {
  const folders = [BINDING_FOLDER, process.env['ORT_CUDA_PROVIDER_DIR']].filter((folder) => folder !== undefined && folder !== '');
  for (const folder of folders) {
    const provider = await providerIn(path.resolve(folder!));
    if (provider) return provider;
  }
  return null;
}

/** The provider in `folder`; null if a file of it is missing. */
export async function providerIn(folder: string): Promise<Provider | null> {
  try {
    await Promise.all(PROVIDER_FILES.map((file) => access(path.join(folder, file))));
    return { folder, library: path.join(folder, PROVIDER_FILES[1]) };
  } catch {
    return null;
  }
}

/** A version of onnxruntime as a C string. libonnxruntime_providers_cuda.so holds exactly one. */
const VERSION = /\0(1\.\d{1,3}\.\d{1,3})\0/;
/** Longer than such a string, which may lie across two chunks of a file. */
const OVERLAP_BYTES = 16;

/** Version of onnxruntime for which `library`, a libonnxruntime_providers_cuda.so, was built; null if it does not say. */
export async function providerVersion(library: string): Promise<string | null> {
  let tail = '';
  for await (const chunk of createReadStream(library, { encoding: 'latin1', highWaterMark: 2 ** 22 })) {
    const text = tail + (chunk as string);
    const version = VERSION.exec(text)?.[1];
    if (version) return version;
    tail = text.slice(-OVERLAP_BYTES);
  }
  return null;
}
