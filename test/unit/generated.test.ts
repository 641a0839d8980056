import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedFiles } from '../../scripts/generated.ts';
import { ROOT } from '../../src/process/version.ts';

const files = [...(await generatedFiles())];

describe('files printed from the code', () => {
  it.each(files)('%s is what the code says now (npm run generate writes it)', async (file, text) => {
    expect(await readFile(path.join(ROOT, file), 'utf8')).toBe(text);
  });
});
