/** Installs onnxruntime's CUDA provider in the folder of onnxruntime-node's binding. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import AdmZip from 'adm-zip';
import {
  BINDING_FOLDER,
  INSTALLER,
  onnxruntimeVersion,
  PROVIDER_FILES,
  PROVIDER_PLATFORM,
  providerIn,
  providerVersion,
  type Provider,
} from './provider.ts';

/** The provider cannot be installed; `hint` says what to do. */
export class CudaInstallError extends Error {
  override readonly name = 'CudaInstallError';
  readonly hint: string;

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.hint = hint;
  }
}

const OTHER_SOURCE =
  'npm run cuda -- install --from FILE installs it from a package that you downloaded: Microsoft.ML.OnnxRuntime.Gpu.Linux from NuGet ' +
  '(.nupkg), or com.github.asus4.onnxruntime.linux-x64-gpu from npm (.tgz), which a third party publishes.';
/** Folders of an unpacked package above its libraries. */
const MAX_DEPTH = 6;

/**
 * Installs the provider and checks that it is complete and of the installed onnxruntime's version.
 * @param from a package (.tgz, .nupkg or .zip) or a folder that holds the provider's libraries at any depth; null to have onnxruntime-node's
 * own installer download it
 * @param target folder to install into; onnxruntime looks for it beside its binding only
 * @throws CudaInstallError
 */
export async function installProvider(from: string | null, target = BINDING_FOLDER): Promise<Provider> {
  const platform = `${process.platform}-${process.arch}`;
  if (platform !== PROVIDER_PLATFORM)
    throw new CudaInstallError(`CUDA is supported only on ${PROVIDER_PLATFORM}; this is ${platform}.`, 'Use WORKER_DEVICES=webgpu.');
  if (from === null) {
    await download();
    return await verified(target);
  }
  const unpacked = await mkdtemp(path.join(tmpdir(), 'onnxruntime-cuda-'));
  try {
    const provider = await verified(await unpack(from, unpacked));
    await install(provider, target);
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
  return await verified(target);
}

/** Runs onnxruntime-node's installer, whose output goes to stderr. */
async function download(): Promise<void> {
  const child = spawn(process.execPath, [INSTALLER], {
    // The first takes precedence over onnxruntime-node-install=skip in .npmrc; the second makes it use HTTPS_PROXY and NO_PROXY.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'true', GLOBAL_AGENT_ENVIRONMENT_VARIABLE_NAMESPACE: '' },
    stdio: ['ignore', 2, 2],
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (code !== 0) throw new CudaInstallError(`onnxruntime-node's installer failed (${signal ?? `exit code ${code}`}).`, OTHER_SOURCE);
}

/** The folder that holds the provider's libraries, unpacked below `folder` if `from` is a package. */
async function unpack(from: string, folder: string): Promise<string> {
  const info = await stat(from).catch((error: unknown) => {
    throw new CudaInstallError(`${from} cannot be read.`, 'Pass the path of a package or of a folder with --from.', error);
  });
  if (!info.isDirectory()) {
    if (/\.(tgz|tar\.gz)$/.test(from)) await unpackTar(from, folder);
    else if (/\.(nupkg|zip)$/.test(from)) unpackZip(from, folder);
    else throw new CudaInstallError(`${from} is not a package.`, 'Pass a file named .tgz, .nupkg or .zip, or a folder.');
  }
  const found = await findLibraries(info.isDirectory() ? from : folder, MAX_DEPTH);
  if (!found) throw new CudaInstallError(`${from} does not hold ${PROVIDER_FILES.join(' and ')}.`, OTHER_SOURCE);
  return found;
}

async function unpackTar(file: string, folder: string): Promise<void> {
  const run = promisify(execFile);
  try {
    const { stdout } = await run('tar', ['-tzf', file], { maxBuffer: 2 ** 26 });
    const members = stdout.split('\n').filter(isProviderFile);
    if (members.length > 0) await run('tar', ['-xzf', file, '-C', folder, ...members]);
  } catch (error) {
    throw new CudaInstallError(`${file} cannot be unpacked: ${(error as Error).message.trim()}`, 'Download it again.', error);
  }
}

function unpackZip(file: string, folder: string): void {
  try {
    const archive = new AdmZip(file);
    for (const entry of archive.getEntries())
      if (isProviderFile(entry.entryName)) archive.extractEntryTo(entry, folder, /* keeps its folders */ false, /* overwrites */ true);
  } catch (error) {
    throw new CudaInstallError(`${file} cannot be unpacked: ${(error as Error).message}`, 'Download it again.', error);
  }
}

function isProviderFile(member: string): boolean {
  return PROVIDER_FILES.some((file) => path.posix.basename(member) === file);
}

async function findLibraries(folder: string, depth: number): Promise<string | null> {
  if (await providerIn(folder)) return folder;
  if (depth === 0) return null;
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.filter((candidate) => candidate.isDirectory())) {
    const found = await findLibraries(path.join(folder, entry.name), depth - 1);
    if (found) return found;
  }
  return null;
}

/** Copies the files under temporary names first, so that a provider is never incomplete. */
async function install({ folder }: Provider, target: string): Promise<void> {
  if (path.resolve(folder) === path.resolve(target)) return;
  for (const file of PROVIDER_FILES) {
    const destination = path.join(target, file);
    const partial = `${destination}.${process.pid}`;
    try {
      await copyFile(path.join(folder, file), partial);
      await rename(partial, destination);
    } catch (error) {
      await rm(partial, { force: true });
      throw new CudaInstallError(
        `${destination} cannot be written: ${(error as Error).message}`,
        'Correct its permissions or free space.',
        error,
      );
    }
  }
}

/** The provider in `folder`. @throws CudaInstallError if it is missing, truncated, or not of the installed onnxruntime's version */
async function verified(folder: string): Promise<Provider> {
  const provider = await providerIn(folder);
  if (!provider) throw new CudaInstallError(`${folder} does not hold ${PROVIDER_FILES.join(' and ')}.`, OTHER_SOURCE);
  for (const file of PROVIDER_FILES) {
    if (!(await isCompleteElf(path.join(folder, file))))
      throw new CudaInstallError(
        `${path.join(folder, file)} is truncated or not a library for ${PROVIDER_PLATFORM}.`,
        'Download it again.',
      );
  }
  const [version, wanted] = await Promise.all([providerVersion(provider.library), onnxruntimeVersion()]);
  if (version !== wanted)
    throw new CudaInstallError(
      `${provider.library} is for ${version === null ? 'an unknown version of onnxruntime' : `onnxruntime ${version}`}; exactly ${wanted} is needed.`,
      OTHER_SOURCE,
    );
  return provider;
}

/** Whether `file` is a 64-bit x86 ELF file up to its end, where linkers write the section header table. Source: the ELF-64 header. */
async function isCompleteElf(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const header = Buffer.alloc(64);
    if ((await handle.read(header, 0, 64, 0)).bytesRead < 64) return false;
    const [magic, bits, machine] = [header.toString('latin1', 0, 4), header[4], header.readUInt16LE(18)];
    const tableEnd = Number(header.readBigUInt64LE(40)) + header.readUInt16LE(58) * header.readUInt16LE(60);
    return magic === '\x7fELF' && bits === 2 && machine === 62 && tableEnd <= size;
  } finally {
    await handle.close();
  }
}
