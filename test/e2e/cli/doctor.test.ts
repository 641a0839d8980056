import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { examine } from '../../../src/cli/doctor.ts';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { satisfies } from '../../../src/cli/doctor/machine.ts';
import { checkVariables } from '../../../src/cli/doctor/variables.ts';
import { nearest } from '../../../src/cli/suggest.ts';
import { createEmptyDatabase, createTestDatabase } from '../../support/database.ts';
import { Place } from '../../support/cli.ts';
import { FakeTelegram } from '../../support/telegram.ts';
import { TOKEN } from '../../support/token.ts';

const place = new Place();
afterAll(() => place.remove());

const variables = (environment: Record<string, string>, dotEnv: Record<string, string> = {}) =>
  checkVariables(environment, dotEnv).findings.map(({ level, message, hint }) => [level, message, hint ?? ''].join(' '));
const finding = async (check: string, environment: Record<string, string>): Promise<Finding> => {
  const findings = await examine(place.work, { PATH: process.env['PATH'], STORAGE_DIR: place.storage, PORT: '0', ...environment });
  return findings.find((candidate) => candidate.check === check)!;
};

describe('doctor', () => {
  it('exits 0 on a machine that can render videos', async () => {
    const { code, stdout } = await place.run('doctor');
    expect(code).toBe(0);
    for (const check of ['Node', 'PostgreSQL', 'Redis', 'ffmpeg', 'storage', 'GPU', 'weights', 'port', 'variables'])
      expect(stdout).toMatch(new RegExp(`^(ok|warn) +${check} `, 'm'));
    expect(stdout).not.toContain('FAIL');
  });

  it('exits 1 and prints hints on a machine that cannot render videos', async () => {
    const { code, stdout } = await place.runWith(
      { DATABASE_URL: 'postgresql://somebody:secret-word@127.0.0.1:9/x', FFMPEG_PATH: '/there/is/none' },
      'doctor',
      '--json',
    );
    expect(code).toBe(1);
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Finding[] };
    expect(ok).toBe(false);
    expect(checks.filter(({ level }) => level === 'FAIL').map(({ check }) => check)).toEqual(['PostgreSQL', 'ffmpeg']);
    expect(checks.filter(({ level }) => level === 'FAIL').every(({ hint }) => hint)).toBe(true);
    expect(stdout).not.toContain('secret-word');
  });

  it('exits 2 for unknown options', async () => {
    expect(await place.run('doctor', '--fast')).toMatchObject({ code: 2, stdout: '' });
  });

  it('reports every invalid variable and where it is set, without secrets', () => {
    const findings = variables({ PORT: 'many', API_KEYS: 'short' }, { LOG_LEVEL: 'loud', BOT_TOKEN: '12-secret' });
    expect(findings).toHaveLength(4);
    expect(findings.find((text) => text.includes('PORT'))).toMatch(/^FAIL PORT: "many".*in the environment/);
    expect(findings.find((text) => text.includes('LOG_LEVEL'))).toMatch(/^FAIL LOG_LEVEL: "loud".*in \.env/);
    expect(findings.join()).not.toContain('12-secret');
  });

  it('reports every unknown variable of .env and suggests a name', () => {
    expect(variables({}, { DATABSE_URL: 'x', SHOE_SIZE: '46' })).toEqual([
      expect.stringMatching(/^warn DATABSE_URL in \.env .*Did you mean DATABASE_URL\?$/),
      expect.stringMatching(/^warn SHOE_SIZE in \.env /),
    ]);
  });

  it('reports only those variables of the environment that are almost named like a known one', () => {
    const others = {
      HOME: '/',
      HOSTNAME: 'h',
      PATH: '/bin',
      LOGNAME: 'me',
      PORTS: '1',
      npm_config_cache: 'x',
      DEBUG: '1',
      NODE_OPTIONS: '',
      REDISCLI_AUTH: 'x',
      PGHOST: 'h',
    };
    expect(variables({ ...others, STORAGEDIR: '/x', REDIS_URI: 'redis://x' })).toEqual([
      expect.stringMatching(/STORAGEDIR.*Did you mean STORAGE_DIR\?/),
      expect.stringMatching(/REDIS_URI.*Did you mean REDIS_URL\?/),
    ]);
  });

  it('reads .env of the given folder, with precedence for the environment', async () => {
    await writeFile(path.join(place.work, '.env'), 'QUEUE_LIMT=3\nPORT=none\n');
    const findings = await examine(place.work, { PATH: process.env['PATH'], STORAGE_DIR: place.storage, PORT: '0' });
    expect(findings.filter(({ check }) => check === 'variables').map(({ message }) => message)).toEqual([
      expect.stringContaining('QUEUE_LIMT'),
    ]);
  });

  it('reports pending migrations of a database without changing it', async () => {
    const [empty, migrated] = await Promise.all([createEmptyDatabase(), createTestDatabase()]);
    try {
      for (let times = 0; times < 2; times++)
        expect((await finding('PostgreSQL', { DATABASE_URL: empty.url })).message).toContain('migrations to apply');
      expect((await finding('PostgreSQL', { DATABASE_URL: migrated.url })).message).toContain('up to date');
      await empty.drop();
      expect(await finding('PostgreSQL', { DATABASE_URL: empty.url })).toMatchObject({
        level: 'ok',
        message: expect.stringContaining('created at the first start'),
      });
    } finally {
      await Promise.all([empty.drop(), migrated.drop()]);
    }
  });

  it.skipIf(!inject('redisUrl'))('finds a Redis that can be used', async () => {
    expect(await finding('Redis', { REDIS_URL: inject('redisUrl')! })).toMatchObject({
      level: 'ok',
      message: expect.stringMatching(/^Redis \d+\.\d+/),
    });
  });

  it('reports that Redis does not respond', async () => {
    expect(await finding('Redis', { REDIS_URL: 'redis://127.0.0.1:9' })).toMatchObject({
      level: 'FAIL',
      hint: expect.stringContaining('REDIS_URL'),
    });
  });

  it('warns about a port that another program uses', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    try {
      const { port } = other.address() as AddressInfo;
      expect(await finding('port', { PORT: String(port) })).toMatchObject({
        level: 'warn',
        message: expect.stringContaining(String(port)),
      });
    } finally {
      other.close();
    }
  });

  it('asks Telegram about the bot without revealing its token', async () => {
    const telegram = await FakeTelegram.start();
    const BOT_API_ROOT = telegram.url;
    try {
      expect(await finding('Telegram', {})).toMatchObject({ level: 'ok', message: expect.stringContaining('BOT_TOKEN is not set') });
      expect(await finding('Telegram', { BOT_API_ROOT, BOT_TOKEN: TOKEN })).toMatchObject({
        level: 'ok',
        message: expect.stringContaining('@test_bot'),
      });
      expect(await finding('Telegram', { BOT_API_ROOT, BOT_TOKEN: '1:some-other-token-0123456789' })).toMatchObject({
        level: 'warn',
        message: expect.stringContaining('does not know BOT_TOKEN'),
      });
      telegram.isDown = true;
      const away = await finding('Telegram', { BOT_API_ROOT, BOT_TOKEN: TOKEN });
      expect(away).toMatchObject({ level: 'warn', message: expect.stringContaining('cannot be reached') });
      expect(JSON.stringify(away)).not.toContain(TOKEN.split(':')[1]);
    } finally {
      await telegram.close();
    }
  });

  it('warns about an address that npm start would refuse', async () => {
    expect(await finding('port', { HOST: '0.0.0.0' })).toMatchObject({ level: 'warn', hint: expect.stringContaining('API_KEYS') });
  });

  it('reports that the storage folder is not writable', async () => {
    await writeFile(path.join(place.work, 'file'), '');
    chmodSync(path.join(place.work, 'file'), 0o600);
    expect(await finding('storage', { STORAGE_DIR: path.join(place.work, 'file', 'storage') })).toMatchObject({
      level: 'FAIL',
      hint: expect.stringContaining('STORAGE_DIR'),
    });
  });

  it.each([
    ['20.19.0', true],
    ['20.18.9', false],
    ['20.20.2', true],
    ['21.7.0', false],
    ['22.11.0', false],
    ['22.12.0', true],
    ['23.5.0', false],
    ['24.0.0', true],
    ['26.1.3', true],
  ])('takes Node %s: %s', (version, good) => {
    expect(satisfies(version, '^20.19.0 || ^22.12.0 || >=24.0.0')).toBe(good);
  });

  it.each([
    ['motoin', 'motion'],
    ['Dolly-In', 'DOLLY_IN'],
    ['xyz', undefined],
    ['pot', undefined],
  ])('takes %s for %s', (text, meant) => {
    expect(nearest(text, ['motion', 'DOLLY_IN', 'resolution'])).toBe(meant);
  });
});
