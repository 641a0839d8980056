import { afterAll, describe, expect, it } from 'vitest';
import { Place } from '../../support/cli.ts';

const place = new Place();
afterAll(() => place.remove());
/** No card is visible and no provider of another folder is used, so that the result does not depend on the machine. */
const cuda = (...args: string[]) => place.runWith({ CUDA_VISIBLE_DEVICES: '', ORT_CUDA_PROVIDER_DIR: '' }, 'cuda', ...args);

describe('npm run cuda', () => {
  it('explains its commands', async () => {
    expect(await cuda()).toMatchObject({ code: 0, stdout: expect.stringContaining('install --from FILE') });
  });

  it.each([[['chek']], [['check', 'now']], [['check', '--from', 'x']], [['install', '--force']]])(
    'exits 2 for the wrong arguments %j',
    async (args) => {
      expect(await cuda(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('npm run cuda -- --help') });
    },
  );

  it('check exits 1 and says what to do where CUDA cannot be used', async () => {
    const { code, stdout } = await cuda('check');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^warn {2}CUDA .*\n +→ \S/);
    expect(stdout).toContain('docs/cuda.md');
  });

  it.skipIf(process.platform !== 'linux' || process.arch !== 'x64')(
    'install exits 1 and names another way if the provider cannot be downloaded',
    async () => {
      const { code, stderr } = await place.runWith({ HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: '' }, 'cuda', 'install');
      expect(code).toBe(1);
      expect(stderr).toMatch(/127\.0\.0\.1.*installer failed \(exit code 1\)\.\n.*install --from FILE/s);
    },
  );

  it('install exits 1 if there is no such package', async () => {
    expect(await cuda('install', '--from', 'nowhere.tgz')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/nowhere\.tgz|linux-x64/),
    });
  });
});
