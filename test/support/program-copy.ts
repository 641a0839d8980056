/** A copy of the program that a test can change and compile without touching the repository. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Files and folders that the program is compiled from. */
const SOURCES = ['src', 'worker', 'bot', 'scripts', 'prisma', 'package.json', 'tsconfig.json', 'tsconfig.build.json'] as const;

/** Copies the program to a temporary folder, which the caller removes. It shares the packages and a copy of the built GraphiQL page. */
export async function copyProgram(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'program-'));
  for (const name of SOURCES) await cp(name, path.join(folder, name), { recursive: true });
  await cp('dist/graphiql', path.join(folder, 'dist/graphiql'), { recursive: true });
  await symlink(path.resolve('node_modules'), path.join(folder, 'node_modules'), 'dir');
  return folder;
}

/** Adds `line` to `file` before the line that contains `before`. */
export async function insertLine(file: string, line: string, before: string): Promise<void> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const index = lines.findIndex((each) => each.includes(before));
  if (index === -1) throw new Error(`${file} has no line with ${before}`);
  await writeFile(file, lines.toSpliced(index, 0, line).join('\n'));
}

/** Type-checks the program in `folder` and compiles it to its `dist`. Rejects with the compiler's messages. */
export async function compileProgram(folder: string): Promise<void> {
  const compiler = path.resolve('node_modules/typescript/bin/tsc');
  await run(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: folder }).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}

/** Lines that `folder` adds to each file of the program, by path; lines that it lacks are reported with a minus sign. */
export async function changesIn(folder: string): Promise<Record<string, string[]>> {
  const changes: Record<string, string[]> = {};
  for (const file of await filesOf(folder)) {
    const [ours, theirs] = await Promise.all([linesOf(file), linesOf(path.join(folder, file))]);
    const changed = [
      ...theirs.filter((line) => !ours.includes(line)),
      ...ours.filter((line) => !theirs.includes(line)).map((line) => `-${line}`),
    ];
    if (changed.length > 0) changes[file] = changed;
  }
  return changes;
}

async function filesOf(folder: string): Promise<string[]> {
  const inFolders = ['src', 'worker', 'bot', 'scripts', 'prisma'].map(async (name) => {
    const entries = await readdir(path.join(folder, name), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
  });
  return [...(await Promise.all(inFolders)).flat(), 'package.json', 'tsconfig.json', 'tsconfig.build.json'].toSorted();
}

/** An empty line for a file that does not exist. */
const linesOf = async (file: string): Promise<string[]> => (await readFile(file, 'utf8').catch(() => '')).split('\n');
