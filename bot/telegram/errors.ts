/** What Telegram's refusals mean. */
import { GrammyError, HttpError } from 'grammy';

const says = (error: unknown, status: number, pattern: RegExp): boolean =>
  error instanceof GrammyError && error.error_code === status && pattern.test(error.description);

/** The user blocked the bot, deleted the account, or the chat is gone. */
export const isBlocked = (error: unknown): boolean =>
  error instanceof GrammyError && (error.error_code === 403 || says(error, 400, /chat not found/i));

export const isNotModified = (error: unknown): boolean => says(error, 400, /message is not modified/i);

/** The message to edit is gone or can no longer be changed, as is whatever else is wrong with the request itself. */
export const isRefused = (error: unknown): boolean =>
  error instanceof GrammyError && error.error_code >= 400 && error.error_code < 500 && error.error_code !== 429;

export const isTooLarge = (error: unknown): boolean =>
  error instanceof GrammyError && (error.error_code === 413 || says(error, 400, /too (big|large)/i));

/** There is no such file, or it is not given any more. */
export const isFileGone = (error: unknown): boolean =>
  error instanceof GrammyError && (error.error_code === 400 || error.error_code === 404);

/** Telegram does not take a button's link. */
export const isBadLink = (error: unknown): boolean => says(error, 400, /\burl\b|BUTTON_URL_INVALID/i);

/** Seconds that Telegram asks to wait; null if it does not. */
export const retryAfter = (error: unknown): number | null => (error instanceof GrammyError ? (error.parameters.retry_after ?? null) : null);

/** Telegram is out of reach or has trouble of its own. */
export const isTelegramAway = (error: unknown): boolean =>
  error instanceof HttpError || (error instanceof GrammyError && (error.error_code >= 500 || error.error_code === 429));
