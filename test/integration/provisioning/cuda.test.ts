import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import AdmZip from 'adm-zip';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildStubs, linkProvider, stubVariables } from '../../../scripts/check-cuda/stubs.ts';
import { installProvider } from '../../../src/provisioning/cuda/install.ts';
import { onnxruntimeVersion, PROVIDER_FILES, providerVersion } from '../../../src/provisioning/cuda/provider.ts';
import type { CudaReport } from '../../../src/provisioning/cuda/report.ts';
import { CUDA_LIBRARIES } from '../../../src/provisioning/cuda/requirements.ts';
import { elf } from '../../support/elf.ts';
import { cudaProvider } from '../../support/tools.ts';

const PROVIDER = cudaProvider();
const isLinux = `${process.platform}-${process.arch}` === 'linux-x64';

describe.skipIf(!isLinux)('installing the CUDA provider', () => {
  let folder: string;
  let target: string;
  let version: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'cuda-install-'));
    target = path.join(folder, 'target');
    await mkdir(target);
    version = await onnxruntimeVersion();
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** A folder as packages have it, with the provider of onnxruntime `of` in subfolders. */
  async function unpacked(of: string, library = elf(of)): Promise<string> {
    const root = path.join(folder, `package-${of}`);
    const inner = path.join(root, 'runtimes/linux-x64/native');
    await mkdir(inner, { recursive: true });
    await writeFile(path.join(inner, PROVIDER_FILES[0]), elf('VERS_1.0'));
    await writeFile(path.join(inner, PROVIDER_FILES[1]), library);
    return root;
  }

  const sources: Record<string, (root: string) => string> = {
    'a folder': (root) => root,
    'a .tgz': (root) => {
      execFileSync('tar', ['-czf', `${root}.tgz`, '-C', path.dirname(root), path.basename(root)]);
      return `${root}.tgz`;
    },
    'a .nupkg': (root) => {
      const archive = new AdmZip();
      archive.addLocalFolder(root);
      archive.writeZip(`${root}.nupkg`);
      return `${root}.nupkg`;
    },
  };

  it.each(Object.entries(sources))('takes both files from %s', async (_, source) => {
    const provider = await installProvider(source(await unpacked(version)), target);
    expect(provider).toEqual({ folder: target, library: path.join(target, PROVIDER_FILES[1]) });
    expect((await readdir(target)).toSorted()).toEqual([...PROVIDER_FILES].toSorted());
    expect(await readFile(provider.library)).toEqual(elf(version));
  });

  it('refuses any other version, and keeps the provider that is installed', async () => {
    await installProvider(await unpacked(version), target);
    await expect(installProvider(await unpacked('1.28.0'), target)).rejects.toThrow(`for onnxruntime 1.28.0; exactly ${version} is needed`);
    await expect(installProvider(await unpacked('2.0'), target)).rejects.toThrow('an unknown version of onnxruntime');
    expect(await providerVersion(path.join(target, PROVIDER_FILES[1]))).toBe(version);
  });

  it('refuses a truncated file, and one for another processor', async () => {
    await expect(installProvider(await unpacked(version, elf(version).subarray(0, -1)), target)).rejects.toThrow('truncated');
    await expect(installProvider(await unpacked(version, elf(version, { machine: 183 })), target)).rejects.toThrow('linux-x64');
    expect(await readdir(target)).toEqual([]);
  });

  it('says what is wrong with a source', async () => {
    const text = path.join(folder, 'notes.txt');
    const damaged = path.join(folder, 'damaged.tgz');
    await Promise.all([writeFile(text, 'x'), writeFile(damaged, 'x')]);
    await expect(installProvider(path.join(folder, 'nowhere'), target)).rejects.toThrow('nowhere cannot be read');
    await expect(installProvider(text, target)).rejects.toMatchObject({
      message: expect.stringContaining('not a package'),
      hint: expect.any(String),
    });
    await expect(installProvider(damaged, target)).rejects.toThrow('cannot be unpacked');
    await expect(installProvider(target, target)).rejects.toThrow(PROVIDER_FILES[1]);
  });

  it('finds the version in a string that lies across two chunks of the file', async () => {
    const file = path.join(folder, 'library');
    for (const before of [2 ** 22 - 8, 2 ** 22 - 1, 2 ** 22]) {
      await writeFile(file, Buffer.concat([Buffer.alloc(before, 1), Buffer.from('\u00001.29.0\u0000')]));
      expect(await providerVersion(file)).toBe('1.29.0');
    }
  });
});

describe.skipIf(!PROVIDER)('the published CUDA provider over stub libraries', () => {
  let whole: string;
  let partial: string;
  beforeAll(async () => {
    whole = await mkdtemp(path.join(tmpdir(), 'cuda-whole-'));
    partial = await mkdtemp(path.join(tmpdir(), 'cuda-partial-'));
    await buildStubs(PROVIDER!, whole);
    await Promise.all([whole, partial].map((folder) => linkProvider(PROVIDER!, folder)));
    const names = CUDA_LIBRARIES.map(({ name }) => name).filter((name) => name !== 'libcudnn.so.9');
    await Promise.all(names.map((name) => symlink(path.join(whole, name), path.join(partial, name))));
  });
  afterAll(() => Promise.all([whole, partial].map((folder) => rm(folder, { recursive: true }))));

  it("has onnxruntime-node's version", async () => {
    expect(await providerVersion(PROVIDER!)).toBe(await onnxruntimeVersion());
  });

  it('runs a small graph on a device', async () => {
    const { broken, provider, trial } = await examine(stubVariables(whole));
    expect({ broken, provider: provider?.version }).toEqual({ broken: {}, provider: await onnxruntimeVersion() });
    expect(trial).toEqual({ gflops: expect.any(Number) as number, layout: 'nhwc' });
  });

  it('is not tried without cuDNN, which is named', async () => {
    const { broken, trial } = await examine(stubVariables(partial));
    expect(Object.keys(broken)).toEqual(['libcudnn.so.9']);
    expect(trial).toBeNull();
  });

  it('reports what CUDA says of a device that does not work', async () => {
    const { trial } = await examine(stubVariables(whole, { memoryBytes: 1e6 }));
    expect(trial).toEqual({ error: expect.stringMatching(/memory/i) as string });
  });

  /** Device 0 as a process with these variables sees it. */
  async function examine(variables: Record<string, string>): Promise<CudaReport> {
    const file = pathToFileURL(path.resolve('dist/worker/svd/runtime/cuda.js')).href;
    const script = `process.stdout.write(JSON.stringify(await (await import(${JSON.stringify(file)})).examineCuda(0)))`;
    const stdout = execFileSync(process.execPath, ['--input-type=module', '-e', script], { env: { ...process.env, ...variables } });
    return JSON.parse(stdout.toString()) as CudaReport;
  }
});
