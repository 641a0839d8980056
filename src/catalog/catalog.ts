/**
 * The product's vocabulary: what a person can ask for, in one place. API types, worker, CLI, bot menus and docs are built from it;
 * adding a motion or a resolution is one entry here.
 */

/** Frames per second of every video. */
export const FRAMES_PER_SECOND = 12;

/** In pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface ResolutionEntry {
  /** Pixels of the landscape picture; portrait swaps the two. Always even (yuv420p). */
  readonly width: number;
  readonly height: number;
  /**
   * Size at which a diffusion model renders, landscape; the frames are then brought to the size of the video. Multiples of 64, exactly
   * of the video's aspect, and near the 1024×576 that Stable Video Diffusion was trained on, away from which it gets worse.
   */
  readonly render: Size;
  readonly description: string;
}

export const RESOLUTIONS = {
  // A third of the work, and still more pixels than the video shows.
  P360: {
    width: 480,
    height: 360,
    render: { width: 512, height: 384 },
    description: '480×360, 4:3: the quickest, for previews and slow connections',
  },
  // The trained height, and as wide as 4:3 makes it.
  P480: { width: 640, height: 480, render: { width: 768, height: 576 }, description: '640×480, 4:3: small files' },
  // The trained size; a larger one would cost more and look worse.
  P720: { width: 1280, height: 720, render: { width: 1024, height: 576 }, description: '1280×720, 16:9: the default, good on phones' },
  P1080: {
    width: 1920,
    height: 1080,
    render: { width: 1024, height: 576 },
    description: '1920×1080, 16:9: for large screens, the slowest',
  },
} as const satisfies Record<string, ResolutionEntry>;

export type Resolution = keyof typeof RESOLUTIONS;

/** Lengths on offer, in seconds; every video has exactly `seconds × FRAMES_PER_SECOND` frames. */
export const DURATIONS = [3, 6, 8, 10, 12] as const;

export interface MotionEntry {
  /** Stable Video Diffusion's motion bucket (1–255): how much movement the model is asked for. */
  readonly motionBucketId: number;
  readonly description: string;
  readonly bestFor: string;
}

export const MOTIONS = {
  MICRO: {
    motionBucketId: 50,
    description: 'a slow breathing drift and zoom, barely more than alive',
    bestFor: 'portraits and close-ups',
  },
  PAN_L: { motionBucketId: 100, description: 'the camera turns left: the picture moves right', bestFor: 'landscapes' },
  PAN_R: { motionBucketId: 100, description: 'the camera turns right: the picture moves left', bestFor: 'landscapes' },
  TILT_UP: { motionBucketId: 100, description: 'the camera tilts up: the picture moves down', bestFor: 'buildings' },
  TILT_DOWN: { motionBucketId: 100, description: 'the camera tilts down: the picture moves up', bestFor: 'aerial views' },
  DOLLY_IN: { motionBucketId: 127, description: 'the camera moves in: the picture grows from its centre', bestFor: 'emphasis' },
} as const satisfies Record<string, MotionEntry>;

export type Motion = keyof typeof MOTIONS;

export const ORIENTATIONS = {
  AUTO: { description: 'as the photo: portrait if it is taller than wide, else landscape' },
  LANDSCAPE: { description: 'wider than tall' },
  PORTRAIT: { description: 'taller than wide: width and height of the resolution are swapped' },
} as const;

export type Orientation = keyof typeof ORIENTATIONS;

export const FITS = {
  COVER: { description: 'the photo fills the frame; what is over at two sides is cut off' },
  CONTAIN: { description: 'the whole photo is shown; the rest of the frame is a blurred surround of it' },
} as const;

export type Fit = keyof typeof FITS;

export interface EngineEntry {
  readonly description: string;
  /** The higher, the sooner it is chosen when a request names none and a live worker offers it. */
  readonly preference: number;
  /** First guess of the render time in seconds, until finished jobs have taught better. `megapixels` counts those of all frames. */
  readonly guessSeconds: (work: { megapixels: number; steps: number }) => number;
}

export const ENGINES = {
  PREVIEW: {
    description: 'moves a virtual camera over the photo; any machine, seconds',
    preference: 1,
    guessSeconds: ({ megapixels }) => 0.6 + 0.06 * megapixels,
  },
  SVD_XT: {
    description: "Stable Video Diffusion XT: the picture itself comes alive; wants a graphics card and the model's weights",
    preference: 2,
    guessSeconds: ({ megapixels, steps }) => 10 + 0.15 * megapixels + 2 * steps,
  },
} as const satisfies Record<string, EngineEntry>;

export type EngineName = keyof typeof ENGINES;

/** What a render goes through, in order; an engine uses those that apply to it. */
export const STAGES = {
  PREPARING: 'the photo is decoded and brought to the frame',
  LOADING_MODEL: 'the weights are brought into memory',
  ENCODING_IMAGE: 'the model looks at the photo',
  DENOISING: 'the model works noise into latents, step by step',
  DECODING: 'latents become frames',
  INTERPOLATING: 'frames in between are added',
  RENDERING: 'the camera moves over the photo, frame by frame',
  ENCODING_VIDEO: 'frames become H.264 video',
} as const;

export type Stage = keyof typeof STAGES;

export interface Range {
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

/** Fine control. Ranges include both ends. */
export const TUNING = {
  steps: { min: 4, max: 50, default: 24 },
  minGuidanceScale: { min: 1, max: 10, default: 1 },
  maxGuidanceScale: { min: 1, max: 10, default: 3 },
  noiseAugStrength: { min: 0, max: 1, default: 0.1 },
} as const satisfies Record<string, Range>;

export const SEED_MAX = 2_147_483_647;
export const MOTION_BUCKET = { min: 1, max: 255 } as const;

/** What a request gets when it does not say. */
export const DEFAULTS = {
  resolution: 'P720',
  durationSeconds: 6,
  motion: 'MICRO',
  orientation: 'AUTO',
  fit: 'COVER',
} as const satisfies { resolution: Resolution; durationSeconds: number; motion: Motion; orientation: Orientation; fit: Fit };

/** Everything that decides a video's frames, with no value left open. What a worker renders and a result reports. */
export interface RenderOptions {
  readonly engine: EngineName;
  readonly resolution: Resolution;
  readonly orientation: Exclude<Orientation, 'AUTO'>;
  readonly fit: Fit;
  readonly motion: Motion;
  readonly durationSeconds: number;
  /** Inference steps; meaningless to PREVIEW, as are guidance and noise augmentation. */
  readonly steps: number;
  readonly minGuidanceScale: number;
  readonly maxGuidanceScale: number;
  readonly noiseAugStrength: number;
  readonly motionBucketId: number;
  /** 0–2147483647 */
  readonly seed: number;
}

/** The size of the video in pixels, portrait swapped. */
export function frameSize(options: Pick<RenderOptions, 'resolution' | 'orientation'>): Size {
  return oriented(RESOLUTIONS[options.resolution], options.orientation);
}

/** The size at which a diffusion model renders the video, in pixels, portrait swapped. */
export function renderSize(options: Pick<RenderOptions, 'resolution' | 'orientation'>): Size {
  return oriented(RESOLUTIONS[options.resolution].render, options.orientation);
}

function oriented({ width, height }: Size, orientation: RenderOptions['orientation']): Size {
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
