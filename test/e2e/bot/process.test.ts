/** The bot's process: startup errors, the webhook, health, and secrets in logs. */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Stack } from '../../support/stack.ts';
import { FakeTelegram } from '../../support/telegram.ts';
import { TOKEN } from '../../support/token.ts';
import { until } from '../../support/waiting.ts';

const SECRET = 'secret_of_the_webhook';
const folder = mkdtempSync(path.join(tmpdir(), 'fm-bot-'));
let telegram: FakeTelegram;

beforeEach(async () => {
  telegram = await FakeTelegram.start();
});
afterEach(() => telegram.close());
afterAll(() => rm(folder, { recursive: true }));

const environmentOf = (environment: Record<string, string>) => ({
  ...process.env,
  LOG_LEVEL: 'trace',
  BOT_PORT: '0',
  STORAGE_DIR: folder,
  BOT_TOKEN: TOKEN,
  BOT_API_KEY: 'the-key-of-the-bot-0123456789',
  BOT_API_ROOT: telegram.url,
  ...environment,
});

/**
 * Runs a bot until it exits or its output matches; its whole output, and its exit code if it exited by itself.
 * @param atLast runs before the bot is stopped, with the address of its health
 */
async function runBot(
  environment: Record<string, string>,
  enough?: RegExp,
  atLast: (health: string) => Promise<void> = async () => {},
): Promise<{ output: string; code: number | null }> {
  const child = fork(path.resolve('dist/bot/main.js'), [], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: environmentOf(environment),
  });
  let output = '';
  let last: Promise<void> | undefined;
  const ended = once(child, 'exit');
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const health = /"health":"([^"]+)"/.exec(output)?.[1];
      if (enough?.test(output) && health) last ??= atLast(health).finally(() => child.kill('SIGTERM'));
    });
  }
  const [code] = await ended;
  await last;
  return { output, code: code as number | null };
}

describe('the bot', () => {
  it.each([
    ['a token', { BOT_TOKEN: '' }, /BOT_TOKEN is not set/],
    ['a key', { BOT_API_KEY: '' }, /BOT_API_KEY is not set/],
    ['a secret for its webhook', { BOT_WEBHOOK_URL: 'https://bot.example' }, /BOT_WEBHOOK_SECRET is not/],
  ])('does not start without %s, and prints a hint', async (_what, environment, words) => {
    const { output, code } = await runBot(environment);
    expect(code).toBe(1);
    expect(output).toMatch(words);
  });

  it('does not start with a token that Telegram does not know', async () => {
    const { output, code } = await runBot({ BOT_TOKEN: '1:some-other-token-0123456789' });
    expect(code).toBe(1);
    expect(output).toMatch(/Telegram does not know BOT_TOKEN/);
    expect(output).not.toContain('some-other-token');
  });

  it('does not start while another process uses its state folder, and starts once that is killed', async () => {
    const environment = { BOT_STATE_DIR: path.join(folder, 'shared') };
    const first = fork(path.resolve('dist/bot/main.js'), [], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: environmentOf(environment),
    });
    await once(first, 'message');
    const { output, code } = await runBot(environment);
    expect([code, output]).toEqual([1, expect.stringMatching(/Another process is running this bot/)]);
    first.kill('SIGKILL');
    await once(first, 'exit');
    const { output: later } = await runBot(environment, /bot @test_bot/);
    expect(later).not.toMatch(/Another process/);
  });

  it('logs once that the API does not respond', async () => {
    const { output } = await runBot({ BOT_API_URL: 'http://127.0.0.1:1' }, /the API does not respond/);
    expect(output.match(/the API does not respond/g)).toHaveLength(1);
  });

  it('waits while Telegram is unreachable, and never logs its token', async () => {
    telegram.isDown = true;
    const { output } = await runBot({}, /is unreachable/, async (health) => {
      const readiness = await fetch(`${health}/readyz`);
      expect([readiness.status, await readiness.json()]).toMatchObject([503, { failures: { telegram: 'No recent response.' } }]);
    });
    expect(output).toMatch(/Telegram is unreachable; retrying/);
    expect(output).not.toContain(TOKEN.split(':')[1]);
  });
});

describe('a key that may not act for users', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start({ worker: false });
  });
  afterAll(() => stack.stop());

  it.each(['other:0123456789abcdef:act-as', 'bot:the-key-of-the-bot-0123456789', ''])(
    'is logged at once, and the bot is not ready, if API_KEYS is %j',
    async (API_KEYS) => {
      await stack.api.stop();
      await stack.startApi({ API_KEYS });
      const { output } = await runBot({ BOT_API_URL: stack.url }, /set BOT_API_KEY/, async (health) => {
        const readiness = await fetch(`${health}/readyz`);
        expect([readiness.status, await readiness.json()]).toMatchObject([503, { failures: { api: expect.any(String) } }]);
      });
      expect(output).toMatch(/the API does not allow this bot to act for its users; set BOT_API_KEY/);
    },
  );
});

describe('a local Bot API server', () => {
  it('provides photos of more than 20 MB as files on disk', async () => {
    const stack = await Stack.start({ environment: { BOT_API_KEY: 'the-key-of-the-bot-0123456789', UPLOAD_MAX_MB: '40' } });
    await stack.startBot(telegram, { BOT_PHOTO_MAX_MB: '40' });
    telegram.localFolder = folder;
    const user = telegram.user();
    await user.chooses('3 seconds', '360p', 'Pan left');
    const size = { width: 3000, height: 2500, channels: 3 } as const;
    const photo = await sharp(randomBytes(size.width * size.height * size.channels), { raw: size })
      .png({ compressionLevel: 0 })
      .toBuffer();
    expect(photo.length).toBeGreaterThan(20_000_000);
    user.file(photo, 'large.png', 'image/png');
    await user.getsVideos(1);
    telegram.losesFiles = true;
    user.file('cat.jpg', 'gone.jpg', 'image/jpeg');
    await user.sees(/❌ Telegram no longer has this photo/);
    await stack.stop();
  });
});

describe('the webhook', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start({ worker: false, environment: { BOT_API_KEY: 'the-key-of-the-bot-0123456789' } });
  });
  afterEach(() => stack.bot!.stop());
  afterAll(() => stack.stop());

  it('accepts updates with the right secret only', async () => {
    const { ready } = await stack.startBot(telegram, { BOT_WEBHOOK_URL: 'https://bot.example/', BOT_WEBHOOK_SECRET: SECRET });
    await until(async () => telegram.webhook !== null);
    expect(telegram.webhook).toEqual({ url: 'https://bot.example/telegram', secret: SECRET });
    telegram.webhook = { url: `${ready['health']}/telegram`, secret: SECRET };
    const user = telegram.user();
    user.send('/start');
    await user.sees(/Hello/);
    expect([await telegram.deliver({ update_id: 1 }, 'another_secret'), await telegram.deliver({ update_id: 1 }, null)]).toEqual([
      401, 401,
    ]);
    expect(await telegram.deliver({ update: 1 }, SECRET)).toBe(400);
  });

  it('that Telegram refuses at first is set again, and readiness reports that until then', async () => {
    telegram.refuse('setWebhook', { error_code: 400, description: 'Bad Request: bad webhook: Failed to resolve host' }, Infinity);
    const { ready } = await stack.startBot(telegram, { BOT_WEBHOOK_URL: 'https://bot.example', BOT_WEBHOOK_SECRET: SECRET });
    const readiness = async () =>
      (await (await fetch(`${ready['health']}/readyz`)).json()) as { status: string; failures?: Record<string, string> };
    const { failures } = await until(async () => readiness().then((answer) => (answer.status === 'ready' ? null : answer)));
    expect(failures).toEqual({ telegram: 'could not set the webhook: Bad Request: bad webhook: Failed to resolve host' });
    telegram.accept('setWebhook');
    await until(async () => (await readiness()).status === 'ready');
    expect(telegram.webhook?.url).toBe('https://bot.example/telegram');
  });

  it('is optional: health and metrics are served without it', async () => {
    const { ready } = await stack.startBot(telegram);
    const get = (where: string) => fetch(ready['health']! + where);
    expect(await (await get('/healthz')).json()).toMatchObject({ status: 'alive' });
    expect((await get('/readyz')).status).toBe(200);
    const user = telegram.user();
    user.send('/help');
    await user.sees(/up to 20 MB/);
    // The update is handled once Telegram's response has reached the bot.
    await until(async () => /fanslymotion_bot_updates_total\{kind="handled"\} 1/.test(await (await get('/metrics')).text()));
  });
});
