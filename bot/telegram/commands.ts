import type { Api } from 'grammy';
import type { LanguageCode } from 'grammy/types';
import type { Texts } from '../texts/texts.ts';

/** What the bot can be told to do. */
export const COMMANDS = ['start', 'history', 'settings', 'cancel', 'help', 'privacy'] as const;

/** Tells Telegram which commands there are, in every language; the fallback stands for those we do not speak. */
export async function announceCommands(api: Api, texts: Texts): Promise<void> {
  for (const language of [undefined, ...texts.languages]) {
    const say = texts.in(texts.nearest(language));
    const commands = COMMANDS.map((command) => ({ command, description: say(`command-${command}`) }));
    await api.setMyCommands(commands, {
      scope: { type: 'all_private_chats' },
      ...(language !== undefined && { language_code: language as LanguageCode }),
    });
  }
}
