/** What `animate` prints about a finished video. */
import path from 'node:path';
import type { Job } from '../../client/client.ts';
import { croppedShare, isCropped } from '../../client/crop.ts';
import type { Result } from './download.ts';

/** A finished video that has been saved. */
export interface SavedVideo {
  /** Absolute. */
  readonly path: string;
  readonly job: Job;
  readonly result: Result;
  /** Whether it repeats the options of another video, which flags cannot change. */
  readonly isCopy: boolean;
  /** From the start of the command to the saved file. */
  readonly totalSeconds: number;
}

/** The text for people. */
export function summary({ path: file, job, result, isCopy, totalSeconds }: SavedVideo): string {
  const { options } = job;
  const { width, height, frameCount, framesPerSecond, durationSeconds, sizeBytes, renderSeconds } = result;
  const shown = path.relative('', file);
  return [
    shown.startsWith('..') ? file : shown,
    `  size     ${width}×${height}, ${(sizeBytes / 1e6).toFixed(sizeBytes < 1e6 ? 2 : 1)} MB`,
    ...(isCropped(job)
      ? [`  cropped  ${percent(croppedShare(job))} of the photo is outside the frame${isCopy ? '' : '; --fit CONTAIN shows all of it'}`]
      : []),
    `  frames   ${frameCount}: ${durationSeconds} s at ${framesPerSecond} frames per second`,
    `  engine   ${options.engine}, ${options.motion}`,
    `  seed     ${options.seed}`,
    `  seconds  ${totalSeconds.toFixed(1)}, of which rendering took ${renderSeconds.toFixed(1)}`,
    '',
  ].join('\n');
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** The JSON object of --json, for programs. */
export function jsonSummary({ path: file, job: { id, options }, result, totalSeconds }: SavedVideo) {
  const { video: _video, poster: _poster, renderSeconds, ...measures } = result;
  const { __typename: _type, ...tuning } = options.tuning ?? { __typename: null };
  return {
    path: file,
    jobId: id,
    ...measures,
    engine: options.engine,
    seed: options.seed,
    renderSeconds,
    totalSeconds: Number(totalSeconds.toFixed(3)),
    options: { ...options, tuning: options.tuning && tuning },
  };
}
