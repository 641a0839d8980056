/** Variables of the Telegram bot. */
import { z } from 'zod';
import { define, defineSecret, list, number, seconds, url, whole } from './values.ts';

/** Ids of Telegram users. */
const userIds = list.pipe(z.array(z.string().regex(/^\d+$/, 'is not the id of a Telegram user').transform(Number)));

export const BOT_VARIABLES = {
  BOT_TOKEN: defineSecret(
    z
      .string()
      .regex(/^\d+:[\w-]{20,}$/, 'is not a token as issued by @BotFather')
      .optional(),
    'Telegram bot token from @BotFather; if it is set, npm start runs the bot',
  ),
  BOT_API_URL: define(url.optional(), '', 'API that the bot uses; default: the one that npm start runs, otherwise http://HOST:PORT'),
  BOT_API_KEY: defineSecret(
    z.string().min(16, 'must have 16 characters or more').optional(),
    'key with which the bot calls the API, valid in addition to API_KEYS; npm start generates one per run',
  ),
  BOT_API_ROOT: define(url, 'https://api.telegram.org', "Bot API server: Telegram's, or one of your own"),
  BOT_PORT: define(whole(0, 65_535), '4001', "port for the bot's health, metrics and webhook; 0 takes a free one"),
  BOT_WEBHOOK_URL: define(url.optional(), '', 'URL at which Telegram reaches BOT_PORT; default: none, the bot polls Telegram for updates'),
  BOT_WEBHOOK_SECRET: defineSecret(
    z
      .string()
      .regex(/^[\w-]{16,256}$/, 'must have 16 to 256 letters, digits, _ or -')
      .optional(),
    'secret that Telegram sends with every call of the webhook; required with BOT_WEBHOOK_URL',
  ),
  BOT_STATE_DIR: define(z.string().optional(), '', "folder of the bot's persistent state; default: bot in STORAGE_DIR"),
  BOT_ALLOWED_USERS: define(userIds, '', 'ids of the only Telegram users who may use the bot, comma-separated; default: everyone may'),
  BOT_DENIED_USERS: define(userIds, '', 'ids of Telegram users who may not use the bot, comma-separated'),
  BOT_PHOTO_MAX_MB: define(
    number(0.01, 2000),
    '20',
    "largest photo that the bot accepts, in megabytes; Telegram's own server delivers at most 20",
  ),
  BOT_VIDEO_MAX_MB: define(
    number(0.01, 2000),
    '50',
    "largest video that the bot sends, in megabytes; larger ones become a link; Telegram's own server accepts at most 50",
  ),
  BOT_PHOTOS_AT_ONCE: define(
    whole(1, 100),
    '20',
    'unfinished videos of one chat; the bot refuses further photos. Not more than OWNER_LIMIT',
  ),
  BOT_ALBUM_SECONDS: define(seconds(0), '1', 'how long the bot waits for the rest of an album'),
  BOT_EDIT_SECONDS: define(seconds(0), '3', 'shortest time between two edits of progress messages in one chat'),
  BOT_RETRY_SECONDS: define(seconds(0.05), '5', 'delay between tries of the bot while the API or Telegram does not respond'),
  BOT_PATIENCE_SECONDS: define(seconds(0), '600', 'how long the bot keeps retrying while the API does not respond or has no worker'),
} as const;
