/** A picture in memory: 8-bit sRGB, interleaved RGB, rows from the top, no padding. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] */
  readonly data: Uint8Array;
}
