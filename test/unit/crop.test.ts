import { describe, expect, it } from 'vitest';
import { frameSize, names, RESOLUTIONS, type Size } from '../../src/catalog/catalog.ts';
import { coverCrop, resolveFit, type PhotoGeometry } from '../../src/catalog/crop.ts';

const photoOf = (width: number, height: number, x = 0.5, y = 0.5): PhotoGeometry => ({ width, height, focus: { x, y } });

const FRAMES: [string, Size][] = names(RESOLUTIONS).flatMap((resolution) =>
  (['LANDSCAPE', 'PORTRAIT'] as const).map((orientation): [string, Size] => [
    `${resolution} in ${orientation}`,
    frameSize({ resolution, orientation }),
  ]),
);
const PHOTOS = [
  [4032, 3024],
  [3024, 4032],
  [6000, 4000],
  [1080, 1080],
  [300, 420],
  [12_000, 1000],
  [65, 64],
  [64, 4999],
] as const;

describe.each(FRAMES)('the crop for %s', (_, frame) => {
  it.each(PHOTOS)('has its aspect ratio to within half a pixel and spans one side of a photo of %i×%i pixels', (width, height) => {
    const crop = coverCrop(photoOf(width, height), frame);
    const misses = [crop.height - (crop.width * frame.height) / frame.width, crop.width - (crop.height * frame.width) / frame.height];
    expect(Math.min(...misses.map(Math.abs))).toBeLessThanOrEqual(0.5);
    expect(crop.width === width || crop.height === height).toBe(true);
  });

  it.each(PHOTOS)('has the focus point in its middle, as far as a photo of %i×%i pixels allows', (width, height) => {
    for (const [x, y] of [
      [0, 0],
      [0.2, 0.3],
      [0.5, 0.5],
      [0.61, 0.9],
      [1, 1],
    ] as const) {
      const crop = coverCrop(photoOf(width, height, x, y), frame);
      for (const [start, size, side, focus] of [
        [crop.x, crop.width, width, x],
        [crop.y, crop.height, height, y],
      ] as const) {
        expect(Number.isInteger(start) && start >= 0 && start + size <= side).toBe(true);
        const wanted = focus * side - size / 2;
        expect(Math.abs(start - Math.min(side - size, Math.max(0, wanted)))).toBeLessThanOrEqual(0.5);
      }
    }
  });

  it('is the whole photo if it already has that aspect ratio', () => {
    for (const scale of [1, 3]) {
      const size = { width: frame.width * scale, height: frame.height * scale };
      expect(coverCrop(photoOf(size.width, size.height, 0, 1), frame)).toEqual({ x: 0, y: 0, ...size });
    }
  });
});

describe('AUTO', () => {
  const WIDE = { width: 1280, height: 720 };
  const fitOf = (width: number, height: number, frame: Size) => resolveFit('AUTO', photoOf(width, height), frame).fit;

  it('crops while at most a fifth of the photo is lost, and shows the whole photo beyond', () => {
    expect(fitOf(1600, 1125, WIDE)).toBe('COVER'); // 900 of 1125 rows remain: exactly four fifths
    expect(fitOf(1600, 1126, WIDE)).toBe('CONTAIN');
    expect(fitOf(2000, 900, WIDE)).toBe('COVER'); // 1600 of 2000 columns remain
    expect(fitOf(2001, 900, WIDE)).toBe('CONTAIN');
    expect(fitOf(1125, 1600, { width: 720, height: 1280 })).toBe('COVER');
    expect(fitOf(1126, 1600, { width: 720, height: 1280 })).toBe('CONTAIN');
  });

  it.each([
    ['a camera photo, 3:2', 6000, 4000, 'COVER'],
    ['a phone photo, 4:3', 4032, 3024, 'CONTAIN'],
    ['a square photo', 1080, 1080, 'CONTAIN'],
    ['a screenshot, 16:9', 1920, 1080, 'COVER'],
  ])('resolves %s in a frame of 16:9', (_, width, height, fit) => {
    expect(fitOf(width, height, WIDE)).toBe(fit);
  });

  it('reports the crop of COVER and none for CONTAIN', () => {
    expect(resolveFit('AUTO', photoOf(6000, 4000, 0.5, 0.3), WIDE)).toEqual({
      fit: 'COVER',
      crop: { x: 0, y: 0, width: 6000, height: 3375 },
    });
    expect(resolveFit('AUTO', photoOf(1000, 1000), WIDE)).toEqual({ fit: 'CONTAIN', crop: null });
  });
});

it('COVER and CONTAIN are applied as requested, however much is cropped', () => {
  const photo = photoOf(1000, 1000, 0.5, 0.1);
  const frame = { width: 1280, height: 720 };
  expect(resolveFit('COVER', photo, frame)).toEqual({ fit: 'COVER', crop: { x: 0, y: 0, width: 1000, height: 563 } });
  expect(resolveFit('CONTAIN', { ...photo, width: 1778 }, frame)).toEqual({ fit: 'CONTAIN', crop: null });
});
