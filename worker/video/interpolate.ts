/**
 * Computes the frames of a clip from the keyframes of a model. The port, and one implementation: optical flow in both directions
 * between neighbouring keyframes, once per pair, from which any moment in between is rendered.
 *
 *   keyframe ─▶ pyramid ─┐                                             ┌─▶ flow at each moment ─▶ warp, mix ─▶ frame
 *                        ├─▶ flow both ways ─▶ occlusions ─────────────┘
 *   keyframe ─▶ pyramid ─┘
 */
import { setImmediate as immediate } from 'node:timers/promises';
import type { Picture } from '../../src/infra/media/picture.ts';
import { flowBetween } from './between.ts';
import { opticalFlow } from './flow.ts';
import { pyramid, type Level } from './pyramid.ts';
import { resolveOcclusions, type TrustedFlow } from './visibility.ts';
import { refine, warp, type FinePicture } from './warp.ts';

export interface Interpolator {
  /**
   * Yields exactly `frameCount` pictures, evenly spread from the first keyframe to the last: frame i is at keyframe
   * i × (keyframes.length − 1) / (frameCount − 1). A frame that falls on a keyframe is that keyframe. `frameCount` may be
   * smaller than the number of keyframes; with 1, it is the first keyframe.
   * @throws RangeError at once if there are fewer than two keyframes or no frames, or if keyframes differ in size
   * @throws the signal's reason, at the next frame, once `signal` is aborted
   */
  interpolate(keyframes: readonly Picture[], frameCount: number, signal: AbortSignal): AsyncIterable<Picture>;
}

/** Motion-compensated; deterministic. Memory beside the keyframes: 150 MB at 1024×576 for any number of frames, most of it short-lived. */
export const flowInterpolator: Interpolator = {
  interpolate(keyframes, frameCount, signal) {
    if (keyframes.length < 2) throw new RangeError(`at least two keyframes are needed, not ${keyframes.length}`);
    if (!Number.isInteger(frameCount) || frameCount < 1)
      throw new RangeError(`frameCount must be a positive whole number, not ${frameCount}`);
    const { width, height } = keyframes[0]!;
    if (keyframes.some((picture) => picture.width !== width || picture.height !== height)) throw new RangeError('keyframes differ in size');
    return frames(keyframes, frameCount, signal);
  },
};

async function* frames(keyframes: readonly Picture[], frameCount: number, signal: AbortSignal): AsyncGenerator<Picture, void, undefined> {
  const intervals = Math.max(1, frameCount - 1);
  let pair: Pair | null = null;
  for (let frame = 0; frame < frameCount; frame++) {
    await yieldToEventLoop(signal);
    // In integer arithmetic, so that a frame that falls on a keyframe is that keyframe.
    const position = frame * (keyframes.length - 1);
    const index = Math.floor(position / intervals);
    const time = (position % intervals) / intervals;
    if (time === 0) {
      yield keyframes[index]!;
      continue;
    }
    if (pair?.index !== index) pair = await preparePair(keyframes, index, pair, signal);
    yield warp(pair.first.fine, pair.second.fine, flowBetween(pair.forward, pair.backward, time), time);
  }
}

/** Lets other tasks run, since each part of the work takes tens of milliseconds. */
async function yieldToEventLoop(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await immediate();
  signal.throwIfAborted();
}

interface Keyframe {
  readonly levels: readonly Level[];
  readonly fine: FinePicture;
}

interface Pair {
  /** Index of the pair's first keyframe. */
  readonly index: number;
  readonly first: Keyframe;
  readonly second: Keyframe;
  readonly forward: TrustedFlow;
  readonly backward: TrustedFlow;
}

/** Everything that the frames between keyframe `index` and the next share; a keyframe shared with the `previous` pair is reused. */
async function preparePair(keyframes: readonly Picture[], index: number, previous: Pair | null, signal: AbortSignal): Promise<Pair> {
  const prepare = (picture: Picture): Keyframe => ({ levels: pyramid(picture), fine: refine(picture) });
  const first = previous?.index === index - 1 ? previous.second : prepare(keyframes[index]!);
  await yieldToEventLoop(signal);
  const second = prepare(keyframes[index + 1]!);
  await yieldToEventLoop(signal);
  const forward = opticalFlow(first.levels, second.levels);
  await yieldToEventLoop(signal);
  const backward = opticalFlow(second.levels, first.levels);
  await yieldToEventLoop(signal);
  return { index, first, second, ...resolveOcclusions(forward, backward, first.levels[0]!.luma, second.levels[0]!.luma) };
}
