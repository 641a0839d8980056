import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig, VARIABLES } from '../../src/config.ts';

describe('configuration', () => {
  it('has a valid default for every variable', () => {
    expect(readConfig({})).toMatchObject({
      HOST: '127.0.0.1',
      PORT: 4000,
      API_KEYS: [],
      QUEUE_LIMIT: 10,
      BACKLOG_LIMIT: 1_000,
      OWNER_LIMIT: 20,
      RETRY_DELAY_SECONDS: 40,
      WORKER_DEVICES: ['auto'],
      GRAPHIQL: undefined,
    });
    expect(readConfig({ PORT: '', API_KEYS: ' ' })).toEqual(readConfig({}));
  });

  it('reads keys, lists, flags and addresses', () => {
    expect(
      readConfig({
        API_KEYS: 'a:0123456789abcdef, bot:fedcba9876543210:act-as',
        CORS_ORIGINS: 'https://x.example/, http://localhost:3000',
        ALLOW_ANONYMOUS: '1',
        GRAPHIQL: '0',
        PUBLIC_URL: 'https://v.example/api/',
        WORKER_DEVICES: 'cuda:0,cuda:1',
      }),
    ).toMatchObject({
      API_KEYS: [
        { name: 'a', secret: '0123456789abcdef', actAs: false },
        { name: 'bot', secret: 'fedcba9876543210', actAs: true },
      ],
      CORS_ORIGINS: ['https://x.example', 'http://localhost:3000'],
      ALLOW_ANONYMOUS: true,
      GRAPHIQL: false,
      PUBLIC_URL: 'https://v.example/api',
      WORKER_DEVICES: ['cuda:0', 'cuda:1'],
    });
  });

  it('reports every invalid variable at once without repeating secrets', () => {
    const secret = 'hunter2';
    const problemsOf = (environment: Record<string, string>): ConfigError => {
      try {
        readConfig(environment);
      } catch (error) {
        if (error instanceof ConfigError) return error;
      }
      throw new Error('the configuration was accepted');
    };
    const { problems, message } = problemsOf({
      PORT: 'x',
      API_KEYS: `me:${secret}`,
      DATABASE_URL: `mysql://u:${secret}@h/d`,
      BOT_TOKEN: secret,
      WORKER_DEVICES: 'toaster',
      CORS_ORIGINS: 'nope',
    });
    expect(problems.map(({ name }) => name).toSorted()).toEqual([
      'API_KEYS',
      'BOT_TOKEN',
      'CORS_ORIGINS',
      'DATABASE_URL',
      'PORT',
      'WORKER_DEVICES',
    ]);
    expect(message).not.toContain(secret);
  });

  it('rejects periods that overflow timers or dates', () => {
    for (const name of [
      'JOB_TIMEOUT_SECONDS',
      'STEP_TIMEOUT_SECONDS',
      'RETRY_DELAY_SECONDS',
      'HEARTBEAT_SECONDS',
      'HOUSEKEEPING_SECONDS',
      'STALLED_SECONDS',
      'FILES_KEPT_HOURS',
      'JOBS_KEPT_DAYS',
    ]) {
      expect(() => readConfig({ [name]: '3000000' })).toThrow(name);
    }
    expect(readConfig({ JOB_TIMEOUT_SECONDS: '2000000' }).JOB_TIMEOUT_SECONDS * 1000).toBeLessThan(2 ** 31);
  });

  it('rejects two API keys with the same name', () => {
    expect(() => readConfig({ API_KEYS: 'a:0123456789abcdef,a:fedcba9876543210' })).toThrow('same name');
  });

  it('lists every variable in .env.example, in order', () => {
    const named = readFileSync('.env.example', 'utf8')
      .match(/^#([A-Z_]+)=/gm)!
      .map((line) => line.slice(1, -1));
    expect(named).toEqual(Object.keys(VARIABLES));
  });
});
