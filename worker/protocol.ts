/** Messages between the worker and its renderer, over the child process's IPC channel. */
import type { EngineName, RenderOptions } from '../src/catalog/engines.ts';
import type { RenderFigures } from '../src/jobs/attempt.ts';
import type { ErrorCode } from '../src/jobs/errors.ts';
import type { RenderProgress } from '../src/jobs/store.ts';
import type { Capability } from './engine.ts';

export interface RenderRequest {
  readonly jobId: string;
  readonly attempt: number;
  readonly options: RenderOptions;
  /** Expected duration of the render in seconds, corrected by the measured times of finished jobs. */
  readonly estimatedSeconds: number;
  readonly photoPath: string;
  readonly photoSha256: string;
  /** The attempt's scratch folder. The worker publishes or removes what the renderer leaves there. */
  readonly folder: string;
}

/** Names of the finished files in the attempt's folder. */
export const OUTPUT = { video: 'video.mp4', poster: 'poster.jpg' } as const;

/** An engine's capability on the renderer's device. */
export interface EngineCapability extends Capability {
  readonly engine: EngineName;
}

export type ToRenderer =
  | { readonly type: 'render'; readonly request: RenderRequest }
  /** Stop at the next frame or step. */
  | { readonly type: 'stop' }
  /** Send the engines' capabilities again; a model may have been installed. */
  | { readonly type: 'probe' };

export type FromRenderer =
  /** Sent at startup, after `probe`, and when a model has turned out to be invalid. */
  | { readonly type: 'ready'; readonly capabilities: readonly EngineCapability[] }
  /** Expected durations of the render that is starting, in seconds. */
  | { readonly type: 'planned'; readonly expectedSeconds: number; readonly longestStepSeconds: number }
  /** `previewPath` is the path of a new preview picture, which the worker moves away; null if there is none. */
  | { readonly type: 'progress'; readonly progress: RenderProgress; readonly previewPath: string | null }
  | { readonly type: 'done'; readonly figures: RenderFigures }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string }
  /** The device has failed, see DeviceFailure; the renderer exits. */
  | { readonly type: 'device-failed'; readonly reason: string }
  | { readonly type: 'stopped' };
