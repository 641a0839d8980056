/** The bot started by npm start, with BOT_TOKEN as its only setting. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Place } from '../../support/cli.ts';
import { FakeTelegram } from '../../support/telegram.ts';
import { TOKEN } from '../../support/token.ts';

let telegram: FakeTelegram;
let place: Place;

beforeAll(async () => {
  telegram = await FakeTelegram.start();
  place = new Place({ BOT_TOKEN: TOKEN, BOT_API_ROOT: telegram.url, BOT_PORT: '0', LOG_LEVEL: 'debug' });
});
afterAll(async () => {
  await place.remove();
  await telegram.close();
});

it('npm start runs the bot if BOT_TOKEN is set, never logs the token, and leaves no process or file behind', async () => {
  const run = place.start('start');
  await run.says(/"msg":"ready /);
  const user = telegram.user();
  await user.chooses('3 seconds', '360p', 'Pan left');
  user.photo('cat.jpg');
  await user.getsVideos(1);
  await user.sees(/Done/);
  run.pressCtrlC();
  expect(await run.code).toBe(0);
  expect(run.stdout + run.stderr).not.toContain(TOKEN.split(':')[1]);
  expect(run.stdout).toContain('@test_bot');
  expect(run.stdout).not.toContain('stopped unexpectedly');
  expect(await place.leftovers()).toEqual([]);
});

it('npm start continues without a bot that does not start, and logs that', async () => {
  telegram.refuse('getMe', { error_code: 401, description: 'Unauthorized' });
  const run = place.start('start');
  await run.says(/"msg":"ready /);
  expect(run.stdout).toMatch(/Telegram does not know BOT_TOKEN/);
  expect(run.stdout).toMatch(/"level":50[^\n]*the bot process did not start[^\n]*retrying/);
  const [, url] = /"msg":"ready +(http:[^"]+?)[,"]/.exec(run.stdout)!;
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  run.pressCtrlC();
  expect(await run.code).toBe(0);
  expect(await place.leftovers()).toEqual([]);
});
