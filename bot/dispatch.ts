/** What happens to an update: known ones are passed over, strangers turned away, everything else goes to the screens. */
import { Bot, BotError, Composer } from 'grammy';
import type { Message, Update, User, UserFromGetMe } from 'grammy/types';
import type { Logger } from '../src/process/log.ts';
import { ownerOf } from './api.ts';
import { ApiError } from '../src/client/error.ts';
import type { Metrics } from './metrics.ts';
import { historyScreens } from './screens/history.ts';
import type { BotContext } from './screens/context.ts';
import type { Kit } from './screens/kit.ts';
import { menuScreens } from './screens/menu.ts';
import { otherScreens } from './screens/others.ts';
import { photoScreens } from './screens/photo.ts';
import { privacyScreens } from './screens/privacy.ts';
import { settingsScreens } from './screens/settings.ts';
import { videoScreens } from './screens/video.ts';
import { wizardScreens } from './screens/wizard.ts';
import { failureText } from './requests/status.ts';
import { noteHandled, wasHandled, type ChatRecord } from './state/chats.ts';
import type { Telegram } from './telegram/client.ts';
import { COMMANDS } from './telegram/commands.ts';
import { isBlocked } from './telegram/errors.ts';
import { inReplyTo } from './telegram/reply.ts';
import { isForUs, personOf } from './telegram/update.ts';
import type { TextArguments, Texts } from './texts/texts.ts';

export interface DispatchOptions {
  readonly token: string;
  readonly me: UserFromGetMe;
  readonly telegram: Telegram;
  readonly kit: Kit;
  /** Whether a user may use the bot. */
  readonly admits: (userId: number) => boolean;
  readonly albumMs: number;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Aborted when the bot ends: what is not handled by then is delivered again. */
  readonly signal: AbortSignal;
}

/** A handler for updates: resolves once an update is handled or safely kept, whatever went wrong with it. */
export function createDispatch(options: DispatchOptions): (update: Update, chatId: number) => Promise<void> {
  const { token, me, telegram, kit, admits, log, metrics, signal } = options;
  const bot = new Bot<BotContext>(token, { botInfo: me, client: telegram.options });
  bot.api.config.use(...telegram.transformers);
  bot.use(memberships(options), groups(options), admission(options));
  bot.errorBoundary(
    (error) => tellTrouble(error, log, signal),
    menuScreens(kit),
    wizardScreens(kit),
    videoScreens(kit),
    historyScreens(kit),
    settingsScreens(kit),
    privacyScreens(kit),
    photoScreens(kit, options.albumMs),
    otherScreens(),
  );

  return async (update, chatId) => {
    const person = personOf(update);
    // Of groups and strangers nothing is remembered.
    const record = person && admits(person.id) ? await kit.chats.get(chatId) : null;
    if (record && wasHandled(record, update.update_id)) {
      metrics.updates.inc({ kind: 'repeated' });
      return;
    }
    try {
      await bot.handleUpdate(update);
      metrics.updates.inc({ kind: 'handled' });
    } catch (error) {
      signal.throwIfAborted();
      metrics.updates.inc({ kind: 'failed' });
      const cause = error instanceof BotError ? (error.error as unknown) : error;
      if (isBlocked(cause)) log.info({ chatId }, 'the chat is closed to the bot');
      else log.error({ err: cause, updateId: update.update_id }, 'an update failed');
    }
    if (!record) return;
    noteHandled(record, update.update_id);
    await kit.chats.save(chatId, record);
  };
}

/** Never silence: who asked for something hears that it did not work. */
async function tellTrouble({ error, ctx }: BotError<BotContext>, log: Logger, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (isBlocked(error)) throw error;
  const code = error instanceof ApiError ? error.code : 'INTERNAL';
  const isOurs = !(error instanceof ApiError) || error.fault === 'SERVER';
  log[isOurs ? 'error' : 'warn']({ err: error, updateId: ctx.update.update_id }, 'an update failed');
  await ctx.reply(code === 'INTERNAL' ? ctx.say('trouble') : failureText(ctx.say, code));
}

/** Being blocked, and being added to a group. */
function memberships(options: DispatchOptions): Composer<BotContext> {
  const composer = new Composer<BotContext>();
  composer.on('my_chat_member', async (ctx) => {
    const { chat, new_chat_member: now, old_chat_member: before, from } = ctx.myChatMember;
    const isIn = (status: string) => status !== 'left' && status !== 'kicked';
    if (chat.type === 'private') {
      if (!isIn(now.status)) await options.kit.requests.forget(chat.id);
    } else if (chat.type !== 'channel' && isIn(now.status) && !isIn(before.status)) {
      await tell(options, chat.id, from, 'group', { username: ctx.me.username });
    }
  });
  return composer;
}

/** In groups the bot only says where it works, and only to those who talk to it. */
function groups(options: DispatchOptions): Composer<BotContext> {
  const composer = new Composer<BotContext>();
  composer.filter(
    ({ chat }) => chat?.type !== 'private',
    async (ctx) => {
      if (ctx.chat && isForUs(ctx.update, ctx.me, COMMANDS))
        await tell(options, ctx.chat.id, ctx.from, 'group', { username: ctx.me.username }, ctx.msg);
    },
  );
  return composer;
}

/** Who is turned away is told so once in that time. */
const STRANGER_MS = 3_000;

/** Lets in who may use the bot, with what is remembered of them. */
function admission(options: DispatchOptions): Composer<BotContext> {
  let lastStranger = { id: 0, at: 0 };
  const {
    kit: { chats, texts },
    admits,
    metrics,
  } = options;
  const composer = new Composer<BotContext>();
  composer.use(async (ctx, next) => {
    const { from, chat } = ctx;
    if (!from || !chat) return;
    if (!admits(from.id)) {
      metrics.updates.inc({ kind: 'refused' });
      // Once for all that comes at once, such as an album.
      if (from.id !== lastStranger.id || Date.now() - lastStranger.at > STRANGER_MS)
        await tell(options, chat.id, from, 'not-allowed', { user: String(from.id) });
      lastStranger = { id: from.id, at: Date.now() };
      return;
    }
    ctx.record = await chats.get(chat.id);
    ctx.record.language = languageOf(texts, from, ctx.record);
    ctx.say = texts.in(ctx.record.language);
    ctx.owner = ownerOf(from.id);
    await next();
  });
  return composer;
}

/** Says something to whom the bot does not work for: one try, and nobody misses it. */
async function tell(
  { telegram, kit: { texts } }: DispatchOptions,
  chatId: number,
  to: User | undefined,
  key: string,
  args: TextArguments,
  answers?: Message,
): Promise<void> {
  const extras = { ...inReplyTo(answers?.message_id), ...(answers?.is_topic_message && { message_thread_id: answers.message_thread_id }) };
  await telegram.once.sendMessage(chatId, texts.in(languageOf(texts, to))(key, args), extras).catch(() => {});
}

/** The language that somebody chose, or else what comes nearest to that of their Telegram. */
const languageOf = (texts: Texts, user: User | undefined, record?: ChatRecord): string =>
  record?.languageChosen ? record.language : texts.nearest(user?.language_code);

/** So much came of one chat that some of it is let go. */
export async function answerFlood({ telegram, kit: { chats, texts }, admits, metrics }: DispatchOptions, update: Update): Promise<void> {
  metrics.updates.inc({ kind: 'refused' });
  const person = personOf(update);
  if (!person || !admits(person.id)) return;
  try {
    await telegram.once.sendMessage(person.id, texts.in(languageOf(texts, person, await chats.get(person.id)))('flood'));
  } catch {
    // Nobody misses it.
  }
}

/**
 * Taps are answered before anything is done about them: until then the button shows that it waits. A wish to stop is confirmed at once,
 * as the message itself may have to wait until it can say so.
 */
export async function answerTap(
  { telegram, kit: { requests, chats, texts } }: DispatchOptions,
  { callback_query: tap }: Update,
): Promise<void> {
  if (!tap) return;
  try {
    const [, groupId] = /^cancel:(.+)$/.exec(tap.data ?? '') ?? [];
    const stops = groupId !== undefined && requests.isInTheMaking(tap.from.id, groupId);
    const text = stops ? texts.in(languageOf(texts, tap.from, await chats.get(tap.from.id)))('status-cancelling') : undefined;
    await telegram.once.answerCallbackQuery(tap.id, { text });
  } catch {
    // One that is too old to be answered is handled all the same.
  }
}
