import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { names, RESOLUTIONS } from '../../../src/catalog/catalog.ts';
import { renderSize } from '../../../src/catalog/engines/svd-xt.ts';
import { decodePhoto } from '../../../src/infra/media/photo.ts';
import type { Picture } from '../../../worker/engine.ts';
import { fitPhoto, PADDED_SIDE_MAX } from '../../../worker/video/fit.ts';

const CONTAIN = { fit: 'CONTAIN', crop: null } as const;
const MIDDLE = { fit: 'COVER', crop: null } as const;
const WIDE = { width: 1024, height: 576 };
const UPRIGHT = { width: 576, height: 1024 };

/** A picture whose pixels encode their position: x in red and green, y in blue and green. */
function located(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set([x & 255, (x >> 8) * 16 + (y >> 8), y & 255], (y * width + x) * 3);
  }
  return { width, height, data };
}

/** The part of `picture` that begins at `left`, `top`, row by row. */
function part({ data, width }: Picture, left: number, top: number, size: { width: number; height: number }): Buffer {
  const row = (y: number) => data.subarray((y * width + left) * 3, (y * width + left + size.width) * 3);
  return Buffer.concat(Array.from({ length: size.height }, (_, y) => row(top + y)));
}

describe('COVER', () => {
  it('returns exactly the crop, pixel by pixel', async () => {
    const photo = located(1000, 700);
    for (const crop of [
      { x: 0, y: 0, width: 1000, height: 563 },
      { x: 0, y: 137, width: 1000, height: 563 },
      { x: 606, y: 0, width: 394, height: 700 },
    ]) {
      const fitted = await fitPhoto(photo, WIDE, { fit: 'COVER', crop });
      expect([fitted.width, fitted.height]).toEqual([crop.width, crop.height]);
      expect(part(photo, crop.x, crop.y, crop).equals(fitted.data)).toBe(true);
    }
  });

  it.each([
    [[1000, 400], WIDE, [711, 400], [145, 0]],
    [[400, 1000], WIDE, [400, 225], [0, 388]],
    [[301, 301], UPRIGHT, [169, 301], [66, 0]],
    [[1919, 1080], WIDE, [1919, 1079], [0, 1]],
  ] as const)(
    'takes the middle of a photo of %j pixels for %o if no crop is stored',
    async ([width, height], aspect, size, [left, top]) => {
      const photo = located(width, height);
      const fitted = await fitPhoto(photo, aspect, MIDDLE);
      expect([fitted.width, fitted.height]).toEqual(size);
      expect(part(photo, left, top, fitted).equals(fitted.data)).toBe(true);
    },
  );
});

describe('CONTAIN', () => {
  it.each([
    ['portrait.jpg', WIDE, [747, 420], [224, 0]],
    ['coffee.jpg', UPRIGHT, [600, 1067], [0, 334]],
  ] as const)('keeps every pixel of %s in the middle of a soft surround for %o', async (name, aspect, [width, height], [left, top]) => {
    const photo = await decodePhoto(path.join(import.meta.dirname, '../../fixtures/photos', name), { maxPixels: 50e6 });
    const fitted = await fitPhoto(photo, aspect, CONTAIN);
    expect([fitted.width, fitted.height]).toEqual([width, height]);
    expect(part(fitted, left, top, photo).equals(photo.data)).toBe(true);
    const alongside =
      left > 0
        ? Array.from({ length: height }, (_, y) => fitted.data[(y * width + 30) * 3]!)
        : Array.from({ length: width }, (_, x) => fitted.data[(30 * width + x) * 3]!);
    expect(Math.max(...alongside) - Math.min(...alongside)).toBeGreaterThan(10);
    expect(Math.max(...alongside.slice(1).map((value, i) => Math.abs(value - alongside[i]!)))).toBeLessThan(8);
  });

  it.each([
    [12_000, 90, UPRIGHT, [2304, 4096]],
    [90, 12_000, WIDE, [4096, 2304]],
    [4200, 2600, WIDE, [4096, 2304]],
  ] as const)('keeps a photo of %i×%i pixels within the longest side allowed', async (width, height, aspect, size) => {
    const fitted = await fitPhoto(located(width, height), aspect, CONTAIN);
    expect([fitted.width, fitted.height]).toEqual(size);
    expect(Math.max(...size)).toBe(PADDED_SIDE_MAX);
  });
});

describe.each([CONTAIN, MIDDLE])('$fit', (options) => {
  it.each(names(RESOLUTIONS))('returns a photo that has the aspect ratio of %s unchanged, at any size', async (resolution) => {
    const aspect = renderSize({ resolution, orientation: 'PORTRAIT' });
    for (const scale of [0.25, 1, 5]) {
      const photo = located(aspect.width * scale, aspect.height * scale);
      expect(await fitPhoto(photo, aspect, options)).toBe(photo);
    }
  });

  it.each([
    [1, 1],
    [64, 1],
    [1, 3000],
    [65, 64],
    [333, 1000],
  ])('is within half a pixel of the aspect for %i×%i pixels', async (width, height) => {
    for (const aspect of [WIDE, UPRIGHT]) {
      const fitted = await fitPhoto(located(width, height), aspect, options);
      const [wanted, other] = [(fitted.height * aspect.width) / aspect.height, (fitted.width * aspect.height) / aspect.width];
      expect(Math.min(Math.abs(fitted.width - wanted), Math.abs(fitted.height - other))).toBeLessThanOrEqual(0.5);
      expect(fitted.data).toHaveLength(fitted.width * fitted.height * 3);
    }
  });

  it('is deterministic', async () => {
    const photo = located(500, 300);
    const [one, two] = [await fitPhoto(photo, UPRIGHT, options), await fitPhoto(photo, UPRIGHT, options)];
    expect(Buffer.compare(one.data, two.data)).toBe(0);
  });
});
