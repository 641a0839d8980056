/** Dispatches updates: skips repeated ones, refuses users without access, and passes all others to the screens. */
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
import { inReplyTo } from './telegram/parameters.ts';
import { addressesBot, senderOf } from './telegram/update.ts';
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
  /** Aborted when the bot stops: updates not handled by then are delivered again. */
  readonly signal: AbortSignal;
}

/** Creates the handler of updates. It resolves once an update is handled or its effects are on disk, even if it failed. */
export function createDispatch(options: DispatchOptions): (update: Update, chatId: number) => Promise<void> {
  const { token, me, telegram, kit, admits, log, metrics, signal } = options;
  const bot = new Bot<BotContext>(token, { botInfo: me, client: telegram.options });
  bot.api.config.use(...telegram.transformers);
  bot.use(memberships(options), groups(options), admission(options));
  bot.errorBoundary(
    (error) => replyWithFailure(error, log, signal),
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
    const sender = senderOf(update);
    // Nothing is stored about groups and users without access.
    const record = sender && admits(sender.id) ? await kit.chats.get(chatId) : null;
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
      if (isBlocked(cause)) log.info({ chatId }, 'the user blocked the bot');
      else log.error({ err: cause, updateId: update.update_id }, 'an update failed');
    }
    if (!record) return;
    noteHandled(record, update.update_id);
    await kit.chats.save(chatId, record);
  };
}

/** Every request that fails gets a reply. */
async function replyWithFailure({ error, ctx }: BotError<BotContext>, log: Logger, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (isBlocked(error)) throw error;
  const code = error instanceof ApiError ? error.code : 'INTERNAL';
  const isBug = !(error instanceof ApiError) || error.fault === 'SERVER';
  log[isBug ? 'error' : 'warn']({ err: error, updateId: ctx.update.update_id }, 'an update failed');
  await ctx.reply(code === 'INTERNAL' ? ctx.say('trouble') : failureText(ctx.say, code));
}

/** Handles a user who blocks the bot, and the bot being added to a group. */
function memberships(options: DispatchOptions): Composer<BotContext> {
  const composer = new Composer<BotContext>();
  composer.on('my_chat_member', async (ctx) => {
    const { chat, new_chat_member: now, old_chat_member: before, from } = ctx.myChatMember;
    const isMember = (status: string) => status !== 'left' && status !== 'kicked';
    if (chat.type === 'private') {
      if (!isMember(now.status)) await options.kit.requests.forget(chat.id);
    } else if (chat.type !== 'channel' && isMember(now.status) && !isMember(before.status)) {
      await sendNotice(options, chat.id, from, 'group', { username: ctx.me.username });
    }
  });
  return composer;
}

/** In groups the bot only explains that it works in private chats, and only to users who address it. */
function groups(options: DispatchOptions): Composer<BotContext> {
  const composer = new Composer<BotContext>();
  composer.filter(
    ({ chat }) => chat?.type !== 'private',
    async (ctx) => {
      if (ctx.chat && addressesBot(ctx.update, ctx.me, COMMANDS))
        await sendNotice(options, ctx.chat.id, ctx.from, 'group', { username: ctx.me.username }, ctx.msg);
    },
  );
  return composer;
}

/** A user without access gets at most one refusal within this time, however many messages they send. */
const REFUSAL_MS = 3_000;

/** Refuses users without access; loads the record of all others. */
function admission(options: DispatchOptions): Composer<BotContext> {
  let lastRefusal = { userId: 0, at: 0 };
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
      // Only one for messages that arrive together, such as an album.
      if (from.id !== lastRefusal.userId || Date.now() - lastRefusal.at > REFUSAL_MS)
        await sendNotice(options, chat.id, from, 'not-allowed', { user: String(from.id) });
      lastRefusal = { userId: from.id, at: Date.now() };
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

/** Sends a notice to a chat that the bot does not serve. One try; a failure is ignored. */
async function sendNotice(
  { telegram, kit: { texts } }: DispatchOptions,
  chatId: number,
  to: User | undefined,
  key: string,
  args: TextArguments,
  replyTo?: Message,
): Promise<void> {
  const extras = { ...inReplyTo(replyTo?.message_id), ...(replyTo?.is_topic_message && { message_thread_id: replyTo.message_thread_id }) };
  await telegram.once.sendMessage(chatId, texts.in(languageOf(texts, to))(key, args), extras).catch(() => {});
}

/** The language that the user chose, or else the closest to that of their Telegram client. */
const languageOf = (texts: Texts, user: User | undefined, record?: ChatRecord): string =>
  record?.languageChosen ? record.language : texts.nearest(user?.language_code);

/** Tells the user that some of their updates are dropped. */
export async function replyToFlood({ telegram, kit: { chats, texts }, admits, metrics }: DispatchOptions, update: Update): Promise<void> {
  metrics.updates.inc({ kind: 'refused' });
  const sender = senderOf(update);
  if (!sender || !admits(sender.id)) return;
  try {
    await telegram.once.sendMessage(sender.id, texts.in(languageOf(texts, sender, await chats.get(sender.id)))('flood'));
  } catch {
    // The notice is optional.
  }
}

/**
 * Answers a tap before it is handled, because the button shows a spinner until then. A cancellation is confirmed at once, since the
 * edit of the message may have to wait.
 */
export async function answerTap(
  { telegram, kit: { requests, chats, texts } }: DispatchOptions,
  { callback_query: tap }: Update,
): Promise<void> {
  if (!tap) return;
  try {
    const [, groupId] = /^cancel:(.+)$/.exec(tap.data ?? '') ?? [];
    const cancels = groupId !== undefined && requests.isRendering(tap.from.id, groupId);
    const text = cancels ? texts.in(languageOf(texts, tap.from, await chats.get(tap.from.id)))('status-cancelling') : undefined;
    await telegram.once.answerCallbackQuery(tap.id, { text });
  } catch {
    // A tap that is too old to be answered is still handled.
  }
}
