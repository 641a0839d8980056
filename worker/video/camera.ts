/**
 * The position of the virtual camera in each frame: a pure function of motion, variation, frame and frame count. PREVIEW renders the photo
 * along this path.
 */
import { FRAMES_PER_SECOND, type Motion } from '../../src/catalog/catalog.ts';

/**
 * What the camera sees, relative to the whole picture at rest.
 *
 * `x` and `y` are the camera's distance from the centre, in fractions of the frame's width and height as it appears in the video: at
 * x = 0.1 the picture's content appears a tenth of the frame further left. `y` grows downwards. Both hold at any zoom.
 * The path stays inside a picture of the frame's aspect ratio: |x| and |y| never exceed (zoom − 1) / 2.
 */
export interface CameraTransform {
  readonly x: number;
  readonly y: number;
  /** 1 shows the whole picture; 1.25 magnifies it by a quarter. Never below 1. */
  readonly zoom: number;
}

/**
 * How a path differs from the plain path of its motion. Each value is between −1 and 1. Every variation keeps the properties of a motion:
 * its direction, a travel within the limits in docs/video.md, a gentle start and end, and the loop of MICRO.
 */
export interface CameraVariation {
  /** Distance that the camera travels. */
  readonly travel: number;
  readonly zoom: number;
  /** Point of the picture that the camera looks at: horizontally (for pans and tilts, along the travel) and vertically. */
  readonly focusX: number;
  readonly focusY: number;
  /** How gently the path starts and ends. */
  readonly easing: number;
  /** Above 0 the first half is faster, below 0 the second. */
  readonly skew: number;
  /** MICRO begins on the left or right, drifts first up or down, and first grows or shrinks: 1 or −1 each. */
  readonly side: number;
  readonly turn: number;
  readonly breath: number;
}

/** The path without variation. */
export const PLAIN: CameraVariation = { travel: 0, zoom: 0, focusX: 0, focusY: 0, easing: 0, skew: 0, side: 1, turn: 1, breath: 1 };

/** `progress` goes from 0 to 1, eased; `seconds` is the length of the whole path. */
type CameraPath = (progress: number, seconds: number, variation: CameraVariation) => CameraTransform;

/** Distance that pans and tilts travel, in fractions of the frame, and by how much it varies. */
const TRAVEL = { mean: 0.158, swing: 0.012 } as const;
/** Zoom of pans and tilts. Even the smallest leaves room for the longest travel. */
const TRAVEL_ZOOM = { mean: 1.22, swing: 0.03 } as const;
/** Zoom at the end of DOLLY_IN. */
const DOLLY_ZOOM = { mean: 1.28, swing: 0.04 } as const;
/** Maximum distance of DOLLY_IN's focus from the centre, in fractions of the frame. */
const DOLLY_FOCUS = 0.12;
/**
 * MICRO: seconds of one breath, radius of the drift in fractions of the frame, mean zoom and its amplitude (`breathing`), and the share of
 * the free room that the focus may use.
 */
const BREATH = {
  seconds: 6,
  radius: { mean: 0.016, swing: 0.002 },
  zoom: { mean: 1.07, swing: 0.008 },
  breathing: 0.015,
  focus: 0.55,
} as const;
/** Share of the free room around a pan or tilt that the focus may use. */
const FOCUS_ROOM = 0.9;

/** A value of `mean` ± `swing`. */
const varied = ({ mean, swing }: { readonly mean: number; readonly swing: number }, variation: number) => mean + swing * variation;

/**
 * A pan or tilt: the offset along its axis, from the positive side to the negative one, shifted by the focus, and the zoom.
 * Perpendicular to its axis it stays centred: any offset would make the photo smaller under CONTAIN.
 */
function traverse(progress: number, { travel, zoom, focusX }: CameraVariation): { along: number; zoom: number } {
  const distance = varied(TRAVEL, travel);
  const scale = varied(TRAVEL_ZOOM, zoom);
  const room = (scale - 1) / 2;
  return { along: distance * (0.5 - progress) + FOCUS_ROOM * (room - distance / 2) * focusX, zoom: scale };
}

/** One path per motion of the catalogue. */
const PATHS: Record<Motion, CameraPath> = {
  MICRO: (progress, seconds, { travel, zoom, focusX, focusY, side, turn, breath }) => {
    const angle = (2 * Math.PI * progress * seconds) / BREATH.seconds;
    const radius = varied(BREATH.radius, travel);
    const scale = varied(BREATH.zoom, zoom);
    const { breathing } = BREATH;
    // The room that zoom and drift leave in the worst case, which horizontally is shortly before the drift is widest.
    const roomX = (scale - 1) / 2 - radius - breathing ** 2 / (8 * radius);
    const roomY = (scale - breathing - 1) / 2 - radius;
    return {
      x: BREATH.focus * roomX * focusX - side * radius * Math.cos(angle),
      y: BREATH.focus * roomY * focusY + turn * radius * Math.sin(angle),
      // Zooms fastest where the horizontal drift is slowest, so that the picture never stands still.
      zoom: scale + breath * breathing * Math.sin(angle),
    };
  },
  PAN_L: (progress, _, variation) => {
    const { along, zoom } = traverse(progress, variation);
    return { x: along, y: 0, zoom };
  },
  PAN_R: (progress, _, variation) => {
    const { along, zoom } = traverse(progress, variation);
    return { x: -along, y: 0, zoom };
  },
  TILT_UP: (progress, _, variation) => {
    const { along, zoom } = traverse(progress, variation);
    return { x: 0, y: along, zoom };
  },
  TILT_DOWN: (progress, _, variation) => {
    const { along, zoom } = traverse(progress, variation);
    return { x: 0, y: -along, zoom };
  },
  DOLLY_IN: (progress, _, { zoom, focusX, focusY }) => {
    // Exponential: the zoom grows by the same factor in every frame, which looks steady.
    const scale = varied(DOLLY_ZOOM, zoom) ** progress;
    // The focus keeps its position in the frame.
    return { x: DOLLY_FOCUS * focusX * (scale - 1), y: DOLLY_FOCUS * focusY * (scale - 1), zoom: scale };
  },
};

/**
 * The camera in frame `frame` (0 to `frameCount` − 1) of a video of `frameCount` frames. Paths start and end gently but never slower
 * than a third of their mean speed, so that no two frames are identical.
 */
export function cameraAt(motion: Motion, frame: number, frameCount: number, variation = PLAIN): CameraTransform {
  const progress = frameCount > 1 ? ease(frame / (frameCount - 1), variation) : 0;
  return PATHS[motion](progress, frameCount / FRAMES_PER_SECOND, variation);
}

/** The camera in every frame. */
export function cameraPath(motion: Motion, frameCount: number, variation = PLAIN): CameraTransform[] {
  return Array.from({ length: frameCount }, (_, frame) => cameraAt(motion, frame, frameCount, variation));
}

/** Share of smoothstep in the easing, and how far the skew moves its middle. */
const EASING = { mean: 0.5, swing: 0.06 } as const;
const SKEW = 0.05;

/** Progress over time, 0–1 to 0–1: at about half the mean speed at both ends and 1.25 times the mean in the middle. */
function ease(time: number, { easing, skew }: CameraVariation): number {
  const skewed = time + SKEW * skew * time * (1 - time);
  const smoothstep = skewed * skewed * (3 - 2 * skewed);
  const share = varied(EASING, easing);
  return (1 - share) * skewed + share * smoothstep;
}
