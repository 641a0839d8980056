import type { Api } from 'grammy';
import type { LanguageCode } from 'grammy/types';
import type { Texts } from '../texts/texts.ts';

/** The bot's commands. */
export const COMMANDS = ['start', 'history', 'settings', 'cancel', 'help', 'privacy'] as const;

/** Registers the commands with Telegram in every language; users of other languages see the fallback's. */
export async function registerCommands(api: Api, texts: Texts): Promise<void> {
  for (const language of [undefined, ...texts.languages]) {
    const say = texts.in(texts.nearest(language));
    const commands = COMMANDS.map((command) => ({ command, description: say(`command-${command}`) }));
    await api.setMyCommands(commands, {
      scope: { type: 'all_private_chats' },
      ...(language !== undefined && { language_code: language as LanguageCode }),
    });
  }
}
