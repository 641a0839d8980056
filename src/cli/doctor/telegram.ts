/** Checks the bot, if one is configured: its token, and whether Telegram can be reached. */
import type { Config } from '../../config.ts';
import { ok, warn, type Finding } from './finding.ts';

const RESPONSE_MS = 8_000;

/** Never fails: videos can be rendered without a bot. */
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
      'BOT_WEBHOOK_URL is set without BOT_WEBHOOK_SECRET; the bot cannot start',
      'Set BOT_WEBHOOK_SECRET to 16 letters and digits or more.',
    );
  const { host } = new URL(root);
  try {
    const response = await fetch(`${root}/bot${token}/getMe`, { signal: AbortSignal.timeout(RESPONSE_MS) });
    const { result } = (await response.json()) as { result?: { username?: string } };
    if (result?.username) return ok('Telegram', `bot @${result.username} at ${host}`);
    if (response.status === 401 || response.status === 404)
      return warn('Telegram', `${host} does not know BOT_TOKEN`, 'Copy it again from @BotFather, or issue a new one there with /revoke.');
    return warn('Telegram', `${host} responds with status ${response.status}`, 'Check BOT_API_ROOT, and try again later.');
  } catch {
    // Without the error's own message, which may contain the URL and thereby the token.
    return warn('Telegram', `${host} cannot be reached`, 'Check the network, a proxy, and BOT_API_ROOT; the bot retries automatically.');
  }
}
