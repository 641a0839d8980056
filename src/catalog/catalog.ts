/**
 * What a request can ask for, with any engine: resolutions, durations, motions, orientations and fits. API types, CLI flags, bot
 * menus and docs are generated from these tables. Engines have entries of their own in `engines/`, listed in `engines.ts`.
 *
 * A new resolution needs an entry here and a render size in each engine that has render sizes. A new motion needs an entry here, a camera
 * path in `worker/video/camera.ts`, a motion bucket in `engines/svd-xt.ts` and a name in each `bot/texts/*.ftl`. The compiler reports
 * every table that lacks an entry; a test reports every missing text.
 */

/** Frames per second of every video. */
export const FRAMES_PER_SECOND = 12;

/** In pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface ResolutionEntry {
  /** Width and height in pixels in landscape; portrait swaps them. Both are even, as yuv420p requires. */
  readonly width: number;
  readonly height: number;
  readonly description: string;
}

export const RESOLUTIONS = {
  P360: { width: 480, height: 360, description: '480×360, 4:3: the quickest, for previews and slow connections' },
  P480: { width: 640, height: 480, description: '640×480, 4:3: small files' },
  P720: { width: 1280, height: 720, description: '1280×720, 16:9: the default, good on phones' },
  P1080: { width: 1920, height: 1080, description: '1920×1080, 16:9: for large screens, the slowest' },
} as const satisfies Record<string, ResolutionEntry>;

export type Resolution = keyof typeof RESOLUTIONS;

/** Durations to choose from, in seconds. Every video has exactly `seconds × FRAMES_PER_SECOND` frames. */
export const DURATIONS = [3, 6, 8, 10, 12] as const;

export interface MotionEntry {
  readonly description: string;
  /** Kind of photo that the motion suits. */
  readonly bestFor: string;
}

export const MOTIONS = {
  MICRO: { description: 'a slow, breathing drift and zoom, just enough to make a still look alive', bestFor: 'portraits and close-ups' },
  PAN_L: { description: 'the camera turns left: the picture moves right', bestFor: 'landscapes' },
  PAN_R: { description: 'the camera turns right: the picture moves left', bestFor: 'landscapes' },
  TILT_UP: { description: 'the camera tilts up: the picture moves down', bestFor: 'buildings' },
  TILT_DOWN: { description: 'the camera tilts down: the picture moves up', bestFor: 'aerial views' },
  DOLLY_IN: { description: 'the camera moves in: the picture grows', bestFor: 'emphasis' },
} as const satisfies Record<string, MotionEntry>;

export type Motion = keyof typeof MOTIONS;

export const ORIENTATIONS = {
  AUTO: { description: 'as the photo: portrait if it is taller than wide, else landscape' },
  LANDSCAPE: { description: 'wider than tall' },
  PORTRAIT: { description: 'taller than wide: width and height of the resolution are swapped' },
} as const;

export type Orientation = keyof typeof ORIENTATIONS;

export const FITS = {
  AUTO: { description: 'COVER if that crops at most a fifth of the photo, otherwise CONTAIN' },
  CONTAIN: { description: 'the whole photo is shown, over a blurred copy of itself that fills the rest of the frame' },
  COVER: { description: 'the photo fills the frame; the overflow is cropped, with people kept in the frame where possible' },
} as const;

export type Fit = keyof typeof FITS;

/** The part of a photo that is shown, in whole pixels of the photo as displayed; the origin is its top left corner. */
export interface Crop {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Stages of a render, in order. An engine reports those that apply to it. */
export const STAGES = {
  PREPARING: 'the photo is decoded and fitted to the frame',
  LOADING_MODEL: 'the weights are loaded into memory',
  ENCODING_IMAGE: 'the model encodes the photo',
  DENOISING: 'the model turns noise into latents, step by step',
  DECODING: 'latents become frames',
  INTERPOLATING: 'in-between frames are computed',
  RENDERING: 'the camera moves over the photo, frame by frame',
  ENCODING_VIDEO: 'frames are encoded as H.264 video',
} as const;

export type Stage = keyof typeof STAGES;

/** Range of seeds, both ends included. */
export const SEED = { min: 0, max: 2_147_483_647 } as const;

/** Values of options that a request leaves out. */
export const DEFAULTS = {
  resolution: 'P720',
  durationSeconds: 6,
  motion: 'MICRO',
  orientation: 'AUTO',
  fit: 'AUTO',
} as const satisfies { resolution: Resolution; durationSeconds: number; motion: Motion; orientation: Orientation; fit: Fit };

/** The resolved options that all engines share. Those of a single engine are its tuning. */
export interface CommonOptions {
  readonly resolution: Resolution;
  readonly orientation: Exclude<Orientation, 'AUTO'>;
  readonly fit: Exclude<Fit, 'AUTO'>;
  /** The part of the photo that fills the frame; null for CONTAIN, and for COVER in jobs older than this field, which show the middle. */
  readonly crop: Crop | null;
  readonly motion: Motion;
  readonly durationSeconds: number;
  /** Within `SEED`. The same seed and options give the same frames on the same engine and device. */
  readonly seed: number;
}

/** Size of the video in pixels. */
export function frameSize({ resolution, orientation }: Pick<CommonOptions, 'resolution' | 'orientation'>): Size {
  return oriented(RESOLUTIONS[resolution], orientation);
}

/** A landscape size turned to `orientation`. */
export function oriented({ width, height }: Size, orientation: CommonOptions['orientation']): Size {
  return orientation === 'PORTRAIT' ? { width: height, height: width } : { width, height };
}

/** The exact number of frames of a video of `durationSeconds`. */
export function frameCount(durationSeconds: number): number {
  return Math.round(durationSeconds * FRAMES_PER_SECOND);
}

/** The keys of a catalogue table, typed. */
export function names<T extends object>(table: T): (keyof T & string)[] {
  return Object.keys(table) as (keyof T & string)[];
}
