/** Entry point of the bot process: a Telegram bot that is a client of the API. */
import { setMaxListeners } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GrammyError, HttpError } from 'grammy';
import type { UserFromGetMe } from 'grammy/types';
import type { z } from 'zod';
import type { Config } from '../src/config.ts';
import { localHost } from '../src/process/address.ts';
import type { Logger } from '../src/process/log.ts';
import { runPart, type Part } from '../src/process/run.ts';
import { StartupError } from '../src/process/startup-error.ts';
import { ROOT } from '../src/process/version.ts';
import { BotApi } from './api.ts';
import { hasCode } from '../src/client/error.ts';
import { answerTap, createDispatch, replyToFlood } from './dispatch.ts';
import { createMetrics } from './metrics.ts';
import { RequestGroup } from './requests/group.ts';
import { Deliveries } from './requests/deliveries.ts';
import { Requests } from './requests/requests.ts';
import { ExampleFiles, MotionExamples } from './screens/examples.ts';
import { startServer, WEBHOOK_PATH } from './server.ts';
import { ChatRecord, Chats } from './state/chats.ts';
import { JsonFolder } from './state/folder.ts';
import { lockFolder } from './state/lock.ts';
import { registerCommands } from './telegram/commands.ts';
import { openTelegram, type Telegram } from './telegram/client.ts';
import { openFile } from './telegram/files.ts';
import { Inbox } from './telegram/inbox.ts';
import { poll } from './telegram/polling.ts';
import { routeUpdates, type Webhook } from './telegram/routing.ts';
import { AnyUpdate } from './telegram/update.ts';
import { Texts } from './texts/texts.ts';
import { megabytes } from './units.ts';

/** How long handlers in progress may take when the bot stops; updates not handled by then are delivered again. */
const STOP_MS = 2_500;
/** The bot is not ready after this time without a response from Telegram. */
const MAX_SILENCE_MS = 90_000;
const RETRY_MS = 5_000;
/** The bot counts as started after this time even if Telegram is unreachable; it keeps trying. */
const READY_MS = 10_000;

interface Settings {
  readonly token: string;
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly stateDir: string;
  readonly webhook: Webhook | null;
}

/** @throws StartupError for a missing variable */
function settingsOf(config: Config): Settings {
  const { BOT_TOKEN: token, BOT_API_KEY: apiKey, BOT_WEBHOOK_URL: url, BOT_WEBHOOK_SECRET: secret, HOST } = config;
  if (!token)
    throw new StartupError('BOT_TOKEN is not set.', 'Get a token from @BotFather in Telegram and set it in .env or the environment.');
  if (!apiKey)
    throw new StartupError(
      'BOT_API_KEY is not set.',
      'Set it to the same secret for bot and API, or to a key of API_KEYS with :act-as. npm start generates one unless BOT_API_URL is set.',
    );
  if (url && !secret)
    throw new StartupError(
      'BOT_WEBHOOK_URL is set, but BOT_WEBHOOK_SECRET is not: anyone could pretend to be Telegram.',
      'Set BOT_WEBHOOK_SECRET to at least 16 letters and digits.',
    );
  return {
    token,
    apiKey,
    // A server can listen on all addresses, but a client needs one of them.
    apiUrl: config.BOT_API_URL?.replace(/\/\/(0\.0\.0\.0|\[::\])/, '//127.0.0.1') ?? `http://${localHost(HOST)}:${config.PORT}`,
    // Ids of messages and files are valid for one bot only; a token starts with the bot's id.
    stateDir: path.join(
      config.BOT_STATE_DIR ? path.resolve(ROOT, config.BOT_STATE_DIR) : path.resolve(ROOT, config.STORAGE_DIR, 'bot'),
      token.split(':')[0]!,
    ),
    webhook: url && secret ? { url: url + WEBHOOK_PATH, secret } : null,
  };
}

async function startBot(config: Config, log: Logger): Promise<Part> {
  const settings = settingsOf(config);
  const { token } = settings;
  const stopping = new AbortController();
  const polling = new AbortController();
  setMaxListeners(0, stopping.signal, polling.signal);
  const { signal } = stopping;
  await mkdir(settings.stateDir, { recursive: true, mode: 0o700 });
  if (!(await lockFolder(settings.stateDir)))
    throw new StartupError(
      `Another process is running this bot, with its state in ${settings.stateDir}.`,
      'Stop it first: only one process can run a bot.',
    );
  const open = <T>(name: string, schema: z.ZodType<T>) =>
    JsonFolder.open(path.join(settings.stateDir, name), schema, (id) =>
      log.error({ file: path.join(settings.stateDir, name, id) }, 'skipping a file that is damaged or from another version'),
    );
  const [chatFolder, groups] = [await open('chats', ChatRecord), await open('groups', RequestGroup)];
  const [exampleFolder, stored] = [await open('examples', ExampleFiles), await open('updates', AnyUpdate)];

  const retryMs = config.BOT_RETRY_SECONDS * 1000;
  const onReachability = (isReachable: boolean) =>
    isReachable ? log.info('the API responds again') : log.warn({ api: settings.apiUrl }, 'the API does not respond');
  const api = new BotApi({ url: settings.apiUrl, key: settings.apiKey, retryMs, signal, onReachability });
  const telegram = openTelegram(token, config.BOT_API_ROOT, signal);
  const texts = Texts.load(path.join(ROOT, 'bot', 'texts'));
  const chats = new Chats(chatFolder);
  const metrics = createMetrics();
  const photos = { open: (fileId: string) => openFile(telegram, token, config.BOT_API_ROOT, fileId, signal) };
  const deliveries = new Deliveries();
  const requests = new Requests({
    api,
    telegram,
    photos,
    deliveries,
    chats,
    groups,
    texts,
    log,
    metrics,
    signal,
    retryMs,
    editMs: config.BOT_EDIT_SECONDS * 1000,
    patienceMs: config.BOT_PATIENCE_SECONDS * 1000,
    videoMaxBytes: megabytes(config.BOT_VIDEO_MAX_MB),
  });

  /** When Telegram last responded; null before the first response. */
  let contactAt: number | null = null;
  let problem: string | null = null;
  const connect = async () => {
    const me = await identify(telegram, log, signal);
    contactAt = Date.now();
    const kit = {
      api,
      requests,
      chats,
      texts,
      photosAtOnce: config.BOT_PHOTOS_AT_ONCE,
      photoMaxMb: config.BOT_PHOTO_MAX_MB,
      examples: new MotionExamples(api, exampleFolder, me.id, log, signal),
    };
    const dispatch = {
      token,
      me,
      telegram,
      kit,
      admits: admissionOf(config),
      albumMs: config.BOT_ALBUM_SECONDS * 1000,
      log,
      metrics,
      signal,
    };
    const inbox = new Inbox({
      handle: createDispatch(dispatch),
      stored,
      log,
      onArrival: (update) => void answerTap(dispatch, update),
      onFlood: (update) => void replyToFlood(dispatch, update),
    });
    await requests.resume();
    await inbox.resume();
    log.info({ bot: me.username, api: settings.apiUrl, updates: settings.webhook ? 'webhook' : 'polling' }, `bot @${me.username}`);
    return { inbox, username: me.username };
  };
  const connected = connect();
  void checkKey(api, log);
  const failed = connected.then(() => new Promise<never>(() => {}));
  const listen = async () => {
    const { inbox } = await connected;
    await routeUpdates(telegram, settings.webhook, log, polling.signal, (reason) => (problem = reason));
    contactAt = Date.now();
    if (!settings.webhook) await poll(telegram.once, inbox, log, polling.signal, () => (contactAt = Date.now()));
  };
  // A webhook is silent as long as no user writes.
  const isResponding = () => contactAt !== null && (settings.webhook !== null || Date.now() - contactAt < MAX_SILENCE_MS);
  const listening = listen().catch(() => {}); // `failed` has the reason, unless the bot is stopping
  const registered = connected.then(
    () =>
      registerCommands(telegram.api, texts).catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error }, 'could not register the commands');
      }),
    () => {},
  );
  const server = await startServer({
    host: config.HOST,
    port: config.BOT_PORT,
    metrics,
    log,
    probe: async () => ({
      ...(await api.ping().then(
        () => ({}),
        (error: Error) => ({ api: error.message }),
      )),
      ...(problem !== null || !isResponding() ? { telegram: problem ?? 'No recent response.' } : {}),
    }),
    webhook: settings.webhook && { secret: settings.webhook.secret, take: async (update) => (await connected).inbox.take(update) },
  });
  log.info({ health: server.url }, `health of the bot at ${server.url}`);

  return {
    failed,
    // The other processes do not wait for Telegram.
    ready: Promise.race([connected.then(({ username }) => ({ bot: username })), sleep(READY_MS, {})]).then((bot) => ({
      ...bot,
      health: server.url,
    })),
    async stop() {
      polling.abort();
      const handled = connected.then(
        ({ inbox }) => inbox.idle(),
        () => {},
      );
      await Promise.race([Promise.all([server.close(), listening, handled, deliveries.close()]), sleep(STOP_MS)]);
      stopping.abort();
      await Promise.race([Promise.all([requests.idle(), registered, api.close()]), sleep(1_000)]);
    },
  };
}

/** The bot's own user; retried while Telegram is unreachable. @throws StartupError for an invalid token */
async function identify({ once }: Telegram, log: Logger, signal: AbortSignal): Promise<UserFromGetMe> {
  for (;;) {
    try {
      return await once.getMe();
    } catch (error) {
      if (error instanceof GrammyError && (error.error_code === 401 || error.error_code === 404)) {
        throw new StartupError('Telegram does not know BOT_TOKEN.', 'Copy it again from @BotFather, where /revoke creates a new one.');
      }
      log.warn({ reason: String(error instanceof HttpError ? error.error : error) }, 'Telegram is unreachable; retrying');
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

/** Logs at startup that the key is not sufficient. An unreachable API is no error, since it may start later. */
async function checkKey(api: BotApi, log: Logger): Promise<void> {
  try {
    await api.ping();
  } catch (error) {
    if (hasCode(error, 'UNAUTHENTICATED', 'FORBIDDEN'))
      log.error(
        { err: error },
        'the API does not allow this bot to act for its users; set BOT_API_KEY to the secret of a key of its API_KEYS with :act-as',
      );
  }
}

function admissionOf({ BOT_ALLOWED_USERS: allowed, BOT_DENIED_USERS: denied }: Config): (userId: number) => boolean {
  return (userId) => (allowed.length === 0 || allowed.includes(userId)) && !denied.includes(userId);
}

runPart('bot', startBot);
