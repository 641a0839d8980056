/** The files that bench:gpu needs, for a machine without a network. */
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ROOT } from '../../../../src/process/version.ts';

/** Packages that its modules import. */
const PACKAGES = ['onnxruntime-node', 'sharp', 'zod'] as const;
/** Beside packages: compiled code, and fixtures. */
const FOLDERS = ['dist/src', 'dist/worker', 'test/fixtures/svd', 'test/reference'] as const;
/** onnxruntime for the only platform with a CUDA provider; the provider is installed into the same folder. */
const BINDING = 'bin/napi-v6/linux/x64';

/** Paths relative to the repository's root, sorted. Node itself is not among them. */
export async function listFiles(): Promise<string[]> {
  const packages = new Set<string>();
  for (const name of PACKAGES) await addPackage(name, path.join(ROOT, 'package.json'), packages);
  const folders = [...FOLDERS.map((folder) => path.join(ROOT, folder)), ...packages];
  const files = (await Promise.all(folders.map(filesIn))).flat();
  return ['package.json', ...files.map((file) => path.relative(ROOT, file)).filter(isNeeded)].toSorted();
}

/** Adds the folders of package `name` and of those that it depends on. @param from file that imports it */
async function addPackage(name: string, from: string, packages: Set<string>): Promise<void> {
  const folders = createRequire(from).resolve.paths(name) ?? [];
  for (const folder of folders.map((modules) => path.join(modules, name))) {
    const manifest = path.join(folder, 'package.json');
    const text = await readFile(manifest, 'utf8').catch(() => null);
    if (text === null) continue;
    if (packages.has(folder)) return;
    packages.add(folder);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(text) as Record<string, Record<string, string> | undefined>;
    for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) await addPackage(other, manifest, packages);
    return;
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile() || entry.isSymbolicLink()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** Leaves out other platforms' libraries, maps and types. */
function isNeeded(file: string): boolean {
  if (/\.(map|d\.[cm]?ts|md)$/.test(file)) return false;
  return !file.includes('onnxruntime-node/bin/') || file.includes(BINDING);
}
