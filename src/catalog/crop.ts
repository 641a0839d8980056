/** Decides how a photo fills a frame of another aspect ratio: cropped or whole, and the position of the crop. */
import type { CommonOptions, Crop, Fit, Size } from './catalog.ts';

/** A point of a photo in fractions of its displayed width and height, 0–1; (0, 0) is the top left corner. */
export interface FocusPoint {
  readonly x: number;
  readonly y: number;
}

export const CENTRE: FocusPoint = { x: 0.5, y: 0.5 };

/** What decides how a photo fills a frame: its size as displayed (EXIF or HEIF orientation applied) and its focus point. */
export interface PhotoGeometry extends Size {
  readonly focus: FocusPoint;
}

/** AUTO crops while at least this share of the photo remains. */
const KEPT_MIN = { numerator: 4, denominator: 5 } as const;

/**
 * The resolved fit, and the crop of a photo that covers the frame.
 * @param frame any size with the frame's aspect ratio
 */
export function resolveFit(fit: Fit, photo: PhotoGeometry, frame: Size): Pick<CommonOptions, 'fit' | 'crop'> {
  const covers = fit === 'COVER' || (fit === 'AUTO' && isCropSmall(photo, frame));
  return covers ? { fit: 'COVER', crop: coverCrop(photo, frame) } : { fit: 'CONTAIN', crop: null };
}

/** In integer arithmetic, so that rounding cannot decide the case in which exactly the limit remains. */
function isCropSmall(photo: Size, frame: Size): boolean {
  const [a, b] = [photo.width * frame.height, photo.height * frame.width];
  return KEPT_MIN.denominator * Math.min(a, b) >= KEPT_MIN.numerator * Math.max(a, b);
}

/**
 * The largest part of the photo that has the frame's aspect ratio to within half a pixel, centred on the focus point as far as the photo's
 * edges allow.
 * @param frame any size with the frame's aspect ratio
 */
export function coverCrop({ width, height, focus }: PhotoGeometry, frame: Size): Crop {
  const isTooWide = width * frame.height > height * frame.width;
  const size = isTooWide
    ? { width: Math.max(1, Math.round((height * frame.width) / frame.height)), height }
    : { width, height: Math.max(1, Math.round((width * frame.height) / frame.width)) };
  return { x: cropStart(width, size.width, focus.x), y: cropStart(height, size.height, focus.y), ...size };
}

/** Offset at which `part` of `side` starts: centred on `focus`, 0–1, but moved so that it stays within the side. */
function cropStart(side: number, part: number, focus: number): number {
  return Math.min(side - part, Math.max(0, Math.round(focus * side - part / 2)));
}
