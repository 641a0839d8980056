import type { RetryPolicy } from '../../client/retry.ts';

/** How long an API may be unreachable before the command gives up, in milliseconds. */
const GIVE_UP_MS = 60_000;
/** Delay between two tries, and polling interval where WebSockets are blocked, in milliseconds. */
export const RETRY_MS = 1_000;

/** Repeats a request every second for a minute while the API is unreachable, as it is during a restart. */
export const whileUnreachable: RetryPolicy = ({ error, sinceMs }) =>
  error.code === 'UNREACHABLE' && sinceMs < GIVE_UP_MS ? RETRY_MS : null;
