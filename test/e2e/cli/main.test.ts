import { readFile } from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { Place } from '../../support/cli.ts';

const place = new Place();
afterAll(() => place.remove());

describe('the command line', () => {
  it('prints its commands and its version', async () => {
    const [help, version] = await Promise.all([place.run('--help'), place.run('--version')]);
    expect(help.code).toBe(0);
    for (const command of ['animate', 'start', 'doctor', 'models']) expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(version.stdout.trim()).toBe((JSON.parse(await readFile('package.json', 'utf8')) as { version: string }).version);
  });

  it.each([[[]], [['animat']], [['start', 'now']], [['models', 'fetch']]])(
    'exits 2 for %j, with nothing on standard output',
    async (args) => {
      expect(await place.run(...args)).toMatchObject({ code: 2, stdout: '' });
    },
  );

  it('suggests the command that was probably meant', async () => {
    expect((await place.run('animat')).stderr).toContain('did you mean animate?');
  });
});
