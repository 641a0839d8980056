/**
 * Where the virtual camera is in each frame. A pure function of motion, frame and frame count: PREVIEW moves over the photo with it,
 * and it steers the models.
 */
import { FRAMES_PER_SECOND, type Motion } from '../../src/catalog/catalog.ts';

/**
 * What the camera sees, relative to resting on the whole picture.
 *
 * `x` and `y` are the camera's way from the middle, in fractions of the frame's width and height as it appears in the video: at
 * x = 0.1 everything in the picture stands a tenth of the frame further left. `y` grows downwards. Both hold at any zoom.
 * The path stays inside a picture of the frame's own shape: |x| and |y| are never above (zoom − 1) / 2.
 */
export interface CameraTransform {
  readonly x: number;
  readonly y: number;
  /** 1 shows the whole picture; at 1.25 everything is a quarter larger. Never below 1. */
  readonly zoom: number;
}

/** `progress` goes from 0 to 1, eased; `seconds` is the length of the whole path. */
type CameraPath = (progress: number, seconds: number) => CameraTransform;

/** How far pans and tilts go, in fractions of the frame. */
const TRAVEL = 0.16;
/** Room around the path of pans and tilts; more than 1 + TRAVEL. */
const TRAVEL_ZOOM = 1.2;
const DOLLY_ZOOM = 1.3;
/** MICRO: one breath, in seconds, its drift as a radius in fractions of the frame, and its zoom. */
const BREATH = { seconds: 6, radius: 0.016, zoom: 1.06, swing: 0.015 } as const;

const away = (progress: number) => TRAVEL * (0.5 - progress);

/** One path a motion of the catalogue; a motion without one does not compile. */
const PATHS: Record<Motion, CameraPath> = {
  MICRO: (progress, seconds) => {
    const angle = (2 * Math.PI * progress * seconds) / BREATH.seconds;
    return {
      x: -BREATH.radius * Math.cos(angle),
      y: BREATH.radius * Math.sin(angle),
      // Fastest where the drift across is slowest, so that something always moves.
      zoom: BREATH.zoom + BREATH.swing * Math.sin(angle),
    };
  },
  PAN_L: (progress) => ({ x: away(progress), y: 0, zoom: TRAVEL_ZOOM }),
  PAN_R: (progress) => ({ x: -away(progress), y: 0, zoom: TRAVEL_ZOOM }),
  TILT_UP: (progress) => ({ x: 0, y: away(progress), zoom: TRAVEL_ZOOM }),
  TILT_DOWN: (progress) => ({ x: 0, y: -away(progress), zoom: TRAVEL_ZOOM }),
  // Exponential, so that it grows by the same factor in equal times and seems to move steadily.
  DOLLY_IN: (progress) => ({ x: 0, y: 0, zoom: DOLLY_ZOOM ** progress }),
};

/**
 * The camera in frame `frame` (0 to `frameCount` − 1) of a video of `frameCount` frames. Paths start and end gently but never slower
 * than a third of their mean speed, so that no two frames are equal.
 */
export function cameraAt(motion: Motion, frame: number, frameCount: number): CameraTransform {
  const progress = frameCount > 1 ? ease(frame / (frameCount - 1)) : 0;
  return PATHS[motion](progress, frameCount / FRAMES_PER_SECOND);
}

/** The camera in every frame. */
export function cameraPath(motion: Motion, frameCount: number): CameraTransform[] {
  return Array.from({ length: frameCount }, (_, frame) => cameraAt(motion, frame, frameCount));
}

/** Progress over time, 0–1 to 0–1: half the mean speed at both ends, five quarters in the middle. */
function ease(time: number): number {
  const smoothstep = time * time * (3 - 2 * time);
  return (time + smoothstep) / 2;
}
