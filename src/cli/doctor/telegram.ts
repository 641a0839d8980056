/** The bot, where there is one: its token, and whether Telegram can be reached. */
import type { Config } from '../../config.ts';
import { ok, warn, type Finding } from './finding.ts';

const ANSWER_MS = 8_000;

/** Videos can be made without a bot: what is wrong with it is worth knowing, and no more. */
export async function checkTelegram({
  BOT_TOKEN: token,
  BOT_API_ROOT: root,
  BOT_WEBHOOK_URL: webhook,
  BOT_WEBHOOK_SECRET: secret,
}: Config): Promise<Finding> {
  if (!token) return ok('Telegram', 'no bot: BOT_TOKEN is not set');
  if (webhook && !secret)
    return warn(
      'Telegram',
      'BOT_WEBHOOK_URL is set, but BOT_WEBHOOK_SECRET is not; the bot would not start',
      'Set BOT_WEBHOOK_SECRET to 16 letters and digits or more.',
    );
  const { host } = new URL(root);
  try {
    const response = await fetch(`${root}/bot${token}/getMe`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const { result } = (await response.json()) as { result?: { username?: string } };
    if (result?.username) return ok('Telegram', `bot @${result.username} at ${host}`);
    if (response.status === 401 || response.status === 404)
      return warn('Telegram', `${host} does not know BOT_TOKEN`, 'Copy it again from @BotFather; /revoke there makes a new one.');
    return warn('Telegram', `${host} answers ${response.status}`, 'Check BOT_API_ROOT, and try again later.');
  } catch {
    // Without its cause, which may name the address, and that holds the token.
    return warn(
      'Telegram',
      `${host} cannot be reached`,
      'Check the network, a proxy, and BOT_API_ROOT; the bot waits and goes on by itself.',
    );
  }
}
