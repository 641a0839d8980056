/** What worker and renderer say to each other over the child process's channel. */
import type { Stage } from '../src/catalog/catalog.ts';
import type { EngineName, RenderOptions } from '../src/catalog/engines.ts';
import type { Capability } from './engine.ts';
import type { ErrorCode } from '../src/jobs/errors.ts';

export interface RenderRequest {
  readonly jobId: string;
  readonly attempt: number;
  readonly options: RenderOptions;
  /** What finished jobs have taught to expect, in seconds. */
  readonly estimatedSeconds: number;
  readonly photoPath: string;
  readonly photoSha256: string;
  /** Folder of this attempt's own; what it leaves there is the worker's to take or to delete. */
  readonly folder: string;
}

/** Names in the attempt's folder. */
export const OUTPUT = { video: 'video.mp4', poster: 'poster.jpg' } as const;

export type ToRenderer =
  | { readonly type: 'render'; readonly request: RenderRequest }
  /** Stop at the next frame or step. */
  | { readonly type: 'stop' }
  /** Send the engines' capabilities again; a model may have been installed. */
  | { readonly type: 'probe' };

/** What an engine can do on the renderer's device. */
export interface EngineCapability extends Capability {
  readonly engine: EngineName;
}

export interface RenderProgress {
  readonly stage: Stage;
  readonly step: number;
  readonly totalSteps: number;
  readonly percent: number;
  readonly etaSeconds: number;
  /** A finished preview picture to be taken away; null if there is none this time. */
  readonly preview: string | null;
}

export type FromRenderer =
  /** At the start, after `probe`, and when a model turned out to be invalid. */
  | { readonly type: 'ready'; readonly capabilities: readonly EngineCapability[] }
  /** What is expected of the render that begins, in seconds. */
  | { readonly type: 'planned'; readonly expectedSeconds: number; readonly longestStepSeconds: number }
  | { readonly type: 'progress'; readonly progress: RenderProgress }
  | { readonly type: 'done'; readonly sizeBytes: number; readonly sha256: string; readonly renderSeconds: number }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly type: 'stopped' };
