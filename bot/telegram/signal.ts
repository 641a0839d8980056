import type { Api } from 'grammy';

/** grammY's own AbortSignal type, which comes from a polyfill. Cast a native AbortSignal to it when calling Telegram. */
export type TelegramSignal = NonNullable<Parameters<Api['getMe']>[0]>;
