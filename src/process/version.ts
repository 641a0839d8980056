import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The checkout's root: the nearest folder above this file that holds package.json; the same from sources and from dist/. */
export const ROOT = findRoot(import.meta.dirname);

/** Version of the software, from package.json. */
export const VERSION = (JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;

function findRoot(folder: string): string {
  try {
    readFileSync(path.join(folder, 'package.json'));
    return folder;
  } catch {
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error('package.json not found above the program');
    return findRoot(parent);
  }
}
