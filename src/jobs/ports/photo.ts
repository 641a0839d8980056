/** The port to photos: what the API needs to know of one before it accepts it. */
import type { PhotoGeometry } from '../../catalog/crop.ts';

export const PHOTO_FORMATS = ['jpeg', 'png', 'webp', 'avif', 'tiff', 'heic'] as const;

export type PhotoFormat = (typeof PHOTO_FORMATS)[number];

/** What inspecting a photo found. */
export interface PhotoInfo extends PhotoGeometry {
  readonly format: PhotoFormat;
}

export interface PhotoLimits {
  readonly maxBytes: number;
  /** Width × height. */
  readonly maxPixels: number;
  /** Minimum length of the shorter side, in pixels. */
  readonly minSide: number;
}
