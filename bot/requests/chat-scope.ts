import type { Editor } from '../telegram/editor.ts';
import type { RequestPorts } from './context.ts';
import type { RequestGroup } from './group.ts';
import type { Turns } from './turns.ts';

/** What the groups of one chat share. */
export interface ChatScope {
  readonly ports: RequestPorts;
  readonly chatId: number;
  readonly editor: Editor;
  /** Order of submission, so that jobs are created in the order in which the photos arrived. */
  readonly turns: Turns;
  /** Aborted when the bot stops, or when the chat's requests are abandoned. */
  readonly signal: AbortSignal;
  /** Stores a group, unless the chat's requests are abandoned. */
  store(group: RequestGroup): Promise<void>;
  /** Runs work in the background. Work that stops with an error is resumed by the next start. */
  spawn(work: Promise<void>): void;
}
