import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { cudaProvider } from '../../support/tools.ts';

const PROVIDER = cudaProvider();
/** Over a hundred sessions on a busy machine. */
const SLOW_MS = 600_000;

describe.skipIf(!PROVIDER)('npm run check:cuda', () => {
  it('finds every node on CUDA, and nodes and memory within their limits', { timeout: SLOW_MS }, async () => {
    const env = { ...process.env, ORT_CUDA_PROVIDER_DIR: path.dirname(PROVIDER!) };
    const { stdout } = await promisify(execFile)(process.execPath, ['dist/scripts/check-cuda/main.js'], { env });
    expect(stdout).not.toContain('FAILED');
    expect(stdout).toMatch(/^All nodes of 56 networks are on CUDA\.$/m);
    expect(stdout).toMatch(/^\| low \| \d+ \|$/m);
  });
});
