import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stack } from '../support/stack.ts';
import { findTool } from '../support/tools.ts';

const run = promisify(execFile);

describe("README's snippets", () => {
  let stack: Stack;
  let folder: string;
  beforeAll(async () => {
    stack = await Stack.start();
    folder = await mkdtemp(path.join(tmpdir(), 'fm-readme-'));
    await mkdir(path.join(folder, 'test'));
    await symlink(path.resolve('test/fixtures'), path.join(folder, 'test/fixtures'));
    await symlink(path.resolve('node_modules'), path.join(folder, 'node_modules'));
  });
  afterAll(async () => {
    await stack?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The code under `<!-- snippet: name -->`, speaking to this suite's API. */
  async function snippet(name: string): Promise<string> {
    const code = new RegExp(`<!-- snippet: ${name} -->\\n\`\`\`\\w+\\n([^]*?)\n\`\`\``).exec(await readFile('README.md', 'utf8'))?.[1];
    if (!code) throw new Error(`README.md has no snippet ${name}`);
    return code.replaceAll('http://127.0.0.1:4000', stack.url);
  }

  async function videoMade(): Promise<string> {
    const video = await readFile(path.join(folder, 'cat.mp4'));
    await rm(path.join(folder, 'cat.mp4'));
    return video.subarray(4, 8).toString();
  }

  it.skipIf(!findTool('curl'))('the one for curl makes a video', async () => {
    await run('sh', ['-ec', await snippet('curl')], { cwd: folder });
    expect(await videoMade()).toBe('ftyp');
  });

  it.skipIf(!findTool('curl'))('the one for curl ends with an error where no job is created', async () => {
    const broken = (await snippet('curl')).replaceAll('PAN_L', 'SPIN');
    await expect(run('sh', ['-c', broken], { cwd: folder })).rejects.toMatchObject({
      stderr: expect.stringContaining('no job was created'),
    });
  });

  it('the one in JavaScript makes a video', async () => {
    // Long enough for its stage to be seen on any machine.
    await writeFile(
      path.join(folder, 'snippet.mjs'),
      (await snippet('javascript')).replace("'P360', durationSeconds: 3", "'P720', durationSeconds: 12"),
    );
    const { stdout } = await run(process.execPath, ['snippet.mjs'], { cwd: folder });
    expect(stdout).toMatch(/PROCESSING RENDERING .*COMPLETED {2}100 %/s);
    expect(await videoMade()).toBe('ftyp');
  });
});
