import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedFiles } from '../src/cli/generated.ts';
import { ROOT } from '../src/infra/version.ts';

describe('files printed from the code', () => {
  it.each([...(await generatedFiles())])('%s is what the code says now (npm run generate writes it)', async (file, text) => {
    expect(await readFile(path.join(ROOT, file), 'utf8')).toBe(text);
  });
});
