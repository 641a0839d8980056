import type { Logger } from '../../src/process/log.ts';
import type { ApiClient } from '../api/client.ts';
import type { Metrics } from '../metrics.ts';
import type { Chats } from '../state/chats.ts';
import type { JsonFolder } from '../state/folder.ts';
import type { Telegram } from '../telegram/client.ts';
import type { Texts } from '../texts/texts.ts';
import type { Batch } from './group.ts';
import type { Deliveries } from './deliveries.ts';
import type { PhotoSource } from './submit.ts';

/** What carrying out orders needs. */
export interface DeskPorts {
  readonly api: ApiClient;
  readonly telegram: Telegram;
  readonly photos: PhotoSource;
  readonly deliveries: Deliveries;
  readonly chats: Chats;
  readonly batches: JsonFolder<Batch>;
  readonly texts: Texts;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Ends all work; it is picked up at the next start. */
  readonly signal: AbortSignal;
  /** Shortest time between two edits of progress in one chat, in milliseconds. */
  readonly editMs: number;
  /** Wait before something is asked for again, in milliseconds. */
  readonly retryMs: number;
  /** How long an API that is away is asked again, in milliseconds. */
  readonly patienceMs: number;
  /** Largest video that is sent as such, in bytes. */
  readonly videoMaxBytes: number;
}
