import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openBus } from '../../../src/infra/bus/bus.ts';
import { createLog } from '../../../src/process/log.ts';
import { openQueue } from '../../../src/infra/queue/queue.ts';
import { ownPrefix, redisUrl } from '../../support/redis.ts';
import { eventually } from '../../support/waiting.ts';

const SECRET = 'correct-horse-battery';

describe('the log', () => {
  it('says what went wrong without the secrets that errors carry along', () => {
    const lines: string[] = [];
    const log = createLog('test', 'info', { write: (line: string) => void lines.push(line) });
    const failed = Object.assign(new Error('WRONGPASS invalid username-password pair'), {
      command: { name: 'auth', args: ['default', SECRET] },
    });
    log.error({ err: failed }, 'one');
    log.error({ err: new Error('outer', { cause: failed }) }, 'two');
    log.error({ err: new AggregateError([failed], 'all of them') }, 'three');
    log.error({ err: Object.assign(new Error('unlucky'), { lastError: { previous: failed } }) }, 'four');
    log.error({ err: Object.assign(new TypeError('Invalid URL'), { input: `redis://u:${SECRET}@host:x` }) }, 'five');
    expect(lines).toHaveLength(5);
    expect(lines.join('')).not.toContain(SECRET);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      msg: 'one',
      err: { type: 'Error', message: 'WRONGPASS invalid username-password pair', command: { name: 'auth' }, stack: expect.any(String) },
    });
  });

  it.skipIf(!redisUrl())('does not repeat the password that Redis refuses', async () => {
    const lines: string[] = [];
    const log = createLog('test', 'info', { write: (line: string) => void lines.push(line) });
    const url = new URL(redisUrl()!);
    Object.assign(url, { username: 'somebody', password: SECRET });
    const settings = { redisUrl: url.href, databaseUrl: 'postgresql://localhost/none', prefix: ownPrefix(), log };
    const parts = [openQueue({ ...settings, stalledSeconds: 1 }), openBus(settings)];
    await Promise.allSettled(parts.map((part) => part.ping()));
    await eventually(() => expect(lines.join('')).toMatch(/WRONGPASS/));
    await sleep(200);
    await Promise.all(parts.map((part) => part.close()));
    expect(lines.join('')).toContain('"args":"[secret]"');
    expect(lines.join('')).not.toContain(SECRET);
  });
});

describe('secrets that the log is given', () => {
  const lineOf = (secrets: readonly string[], text: string): string => {
    let line = '';
    createLog('test', 'info', { write: (part: string) => void (line += part) }, secrets).info(text);
    return (JSON.parse(line) as { msg: string }).msg;
  };

  it('are taken out whole, also where one is part of another', () => {
    expect(lineOf(['12345678', '12345678-and-more'], 'a 12345678-and-more b 12345678')).toBe('a [secret] b [secret]');
  });

  it('are taken out as JSON and addresses write them', () => {
    expect(lineOf(['quo"ted\\secret'], 'it is quo"ted\\secret')).toBe('it is [secret]');
    expect(lineOf(['sec/ret:value'], 'http://host/?key=sec%2Fret%3Avalue')).toBe('http://host/?key=[secret]');
  });

  it('stay where they are no longer than ordinary words', () => {
    expect(lineOf(['start'], 'to start again')).toBe('to start again');
  });
});
