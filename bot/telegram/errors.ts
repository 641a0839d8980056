/** Classification of Telegram's errors. */
import { GrammyError, HttpError } from 'grammy';

const matches = (error: unknown, status: number, pattern: RegExp): boolean =>
  error instanceof GrammyError && error.error_code === status && pattern.test(error.description);

/** The user blocked the bot or deleted the account, or the chat no longer exists. */
export const isBlocked = (error: unknown): boolean =>
  error instanceof GrammyError && (error.error_code === 403 || matches(error, 400, /chat not found/i));

export const isNotModified = (error: unknown): boolean => matches(error, 400, /message is not modified/i);

/** The request itself is refused and would be again, for example because the message is deleted or can no longer be edited. */
export const isRefused = (error: unknown): boolean =>
  error instanceof GrammyError && error.error_code >= 400 && error.error_code < 500 && error.error_code !== 429;

export const isTooLarge = (error: unknown): boolean =>
  error instanceof GrammyError && (error.error_code === 413 || matches(error, 400, /too (big|large)/i));

/** The file does not exist or is no longer available. */
export const isFileGone = (error: unknown): boolean =>
  error instanceof GrammyError && (error.error_code === 400 || error.error_code === 404);

/** Telegram refuses the URL of a button. */
export const isBadLink = (error: unknown): boolean => matches(error, 400, /\burl\b|BUTTON_URL_INVALID/i);

/** Seconds that Telegram asks to wait; null if it does not. */
export const retryAfter = (error: unknown): number | null => (error instanceof GrammyError ? (error.parameters.retry_after ?? null) : null);

/** Telegram is unreachable, overloaded or failing internally. */
export const isTelegramAway = (error: unknown): boolean =>
  error instanceof HttpError || (error instanceof GrammyError && (error.error_code >= 500 || error.error_code === 429));
