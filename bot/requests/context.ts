/** What a request depends on. */
import type { Logger } from '../../src/process/log.ts';
import type { BotApi } from '../api.ts';
import type { Metrics } from '../metrics.ts';
import type { Chats } from '../state/chats.ts';
import type { JsonFolder } from '../state/folder.ts';
import type { Telegram } from '../telegram/client.ts';
import type { Say, Texts } from '../texts/texts.ts';
import type { Cancellation } from './cancellation.ts';
import type { Deliveries } from './deliveries.ts';
import type { RequestGroup, VideoRequest } from './group.ts';
import type { Progress } from './status.ts';

export interface PhotoSource {
  /** @throws FileError */
  open(fileId: string): Promise<AsyncIterable<Uint8Array>>;
}

/** Shared by the requests of all chats. */
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
  /** Shortest time between two edits of status messages in one chat, in milliseconds. */
  readonly editMs: number;
  /** Delay before a retry, in milliseconds. */
  readonly retryMs: number;
  /** How long to retry while the API is unreachable, in milliseconds. */
  readonly patienceMs: number;
  /** Largest video sent as a file, in bytes; larger ones are sent as a link. */
  readonly videoMaxBytes: number;
}

/** One running request. */
export interface RunContext extends RequestPorts {
  readonly owner: string;
  readonly chatId: number;
  readonly group: RequestGroup;
  readonly request: VideoRequest;
  readonly cancellation: Cancellation;
  /** Withdraws the cancellation after cancelling failed, so that the request continues and can be cancelled again. */
  continueAfterFailedCancellation(): void;
  /** Resolves when it is this request's turn to be submitted. */
  readonly turn: Promise<void>;
  /** Lets the next request of the chat be submitted. */
  endTurn(): void;
  say(): Promise<Say>;
  /** Stores the request in its current state. */
  store(): Promise<void>;
  report(progress: Progress): void;
}
