import type { Logger } from '../../src/process/log.ts';
import type { BotApi } from '../api.ts';
import type { Metrics } from '../metrics.ts';
import type { Chats } from '../state/chats.ts';
import type { JsonFolder } from '../state/folder.ts';
import type { Telegram } from '../telegram/client.ts';
import type { Texts } from '../texts/texts.ts';
import type { RequestGroup } from './group.ts';
import type { Deliveries } from './deliveries.ts';
import type { PhotoSource } from './submit.ts';

/** What running requests depends on. */
export interface RequestPorts {
  readonly api: BotApi;
  readonly telegram: Telegram;
  readonly photos: PhotoSource;
  readonly deliveries: Deliveries;
  readonly chats: Chats;
  readonly groups: JsonFolder<RequestGroup>;
  readonly texts: Texts;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Stops all work; the next start resumes it. */
  readonly signal: AbortSignal;
  /** Shortest time between two edits of progress in one chat, in milliseconds. */
  readonly editMs: number;
  /** Delay before a retry, in milliseconds. */
  readonly retryMs: number;
  /** How long to retry while the API is unreachable, in milliseconds. */
  readonly patienceMs: number;
  /** Largest video sent as a file, in bytes; larger ones are sent as a link. */
  readonly videoMaxBytes: number;
}
