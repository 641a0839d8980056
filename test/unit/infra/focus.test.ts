import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frameSize } from '../../../src/catalog/catalog.ts';
import { resolveFit, type FocusPoint } from '../../../src/catalog/crop.ts';
import { readConfig } from '../../../src/config.ts';
import { focusOf } from '../../../src/infra/media/focus.ts';
import { inspectPhoto, photoLimits } from '../../../src/infra/media/photo.ts';

const fixture = (name: string) => path.join(import.meta.dirname, '../../fixtures/photos', name);
const limits = photoLimits(readConfig({}));
const LANDSCAPE = frameSize({ resolution: 'P720', orientation: 'LANDSCAPE' });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'focus-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let serial = 0;
async function inspect(photo: Sharp) {
  const file = path.join(folder, `photo-${serial++}`);
  await writeFile(file, await photo.toBuffer());
  return await inspectPhoto(file, limits);
}

/** A grey picture with a patch of one colour. */
function patched(width: number, height: number, [red, green, blue]: readonly number[], left: number, top: number, side: number) {
  const data = new Uint8Array(width * height * 3).fill(128);
  for (let y = top; y < top + side; y++) for (let x = left; x < left + side; x++) data.set([red!, green!, blue!], (y * width + x) * 3);
  return { width, height, data };
}

/** Of portrait.jpg, 300×420: the hair begins in row 17, the chin ends in row 182, and the head lies in columns 65 to 215. */
const HEAD = { top: 17, bottom: 182, left: 65, right: 215 };

describe('the focus point', () => {
  it.each([
    ['light', [225, 180, 155]],
    ['brown', [150, 105, 80]],
    ['dark', [85, 58, 44]],
    ['light in the shade', [110, 86, 72]],
  ])('lies on %s skin, in its upper part', (_, colour) => {
    const { x, y } = focusOf(patched(128, 96, colour, 90, 20, 30));
    expect(x).toBeGreaterThan(86 / 128); // without any skin it would be in the middle, at 64
    expect(x).toBeLessThan(120 / 128);
    expect(y).toBeGreaterThan(20 / 96);
    expect(y).toBeLessThan(35 / 96);
  });

  it('is the middle of a wide photo and above the middle of any other if there is no skin', () => {
    const colour = [30, 90, 200];
    expect(focusOf(patched(128, 96, colour, 0, 0, 20))).toEqual({ x: 0.5, y: 0.5 });
    expect(focusOf(patched(96, 128, colour, 0, 0, 20))).toEqual({ x: 0.5, y: 1 / 3 });
    expect(focusOf({ width: 3, height: 2, data: new Uint8Array(18) })).toEqual({ x: 0.5, y: 0.5 });
  });

  it('is hardly moved by a few skin-coloured pixels', () => {
    const { x, y } = focusOf(patched(128, 96, [225, 180, 155], 124, 92, 4));
    expect(x).toBeLessThan(0.6);
    expect(y).toBeLessThan(0.6);
  });

  it('is deterministic', async () => {
    const [one, two] = [await inspectPhoto(fixture('portrait.jpg'), limits), await inspectPhoto(fixture('portrait.jpg'), limits)];
    expect(one).toEqual(two);
  });

  it('is found in the photo as displayed, whatever its EXIF orientation', async () => {
    const upright = await sharp(fixture('portrait.jpg')).png().toBuffer();
    const { focus } = await inspect(sharp(upright).png());
    /** Stores the photo such that the orientation turns it upright again. */
    const stored: [orientation: number, store: (photo: Sharp) => Sharp][] = [
      [2, (photo) => photo.flop()],
      [3, (photo) => photo.rotate(180)],
      [4, (photo) => photo.flip()],
      [6, (photo) => photo.rotate(270)],
      [8, (photo) => photo.rotate(90)],
    ];
    for (const [orientation, store] of stored) {
      const turned = await store(sharp(upright)).png().toBuffer();
      for (const format of ['jpeg', 'png', 'tiff', 'webp'] as const) {
        const photo = await inspect(sharp(turned).withMetadata({ orientation }).toFormat(format, { quality: 95 }));
        expect([photo.width, photo.height]).toEqual([300, 420]);
        expect(distance(photo.focus, focus)).toBeLessThan(0.03);
      }
    }
  });

  it('is the same in HEIC, whose colours are Display P3, as in JPEG', async () => {
    const { focus } = await inspectPhoto(fixture('coffee.jpg'), limits);
    for (const name of ['coffee-phone.heic', 'coffee-tiles.heic'])
      expect(distance((await inspectPhoto(fixture(name), limits)).focus, focus)).toBeLessThan(0.02);
  });
});

const distance = (a: FocusPoint, b: FocusPoint) => Math.hypot(a.x - b.x, a.y - b.y);

describe('a portrait that covers a landscape frame', () => {
  const square = (top: number) => sharp(fixture('portrait.jpg')).extract({ left: 0, top, width: 300, height: 300 }).png();

  it('keeps the head, from hair to chin, if it is square', async () => {
    const { crop } = resolveFit('COVER', await inspect(square(0)), LANDSCAPE);
    expect(crop!.y).toBeLessThanOrEqual(HEAD.top);
    expect(crop!.y + crop!.height).toBeGreaterThan(HEAD.bottom - 17);
  });

  it.each([0.35, 0.6, 1.1])('keeps the head at %f times the brightness', async (brightness) => {
    const { crop } = resolveFit('COVER', await inspect(square(0).linear(brightness, 0)), LANDSCAPE);
    expect(crop!.y).toBeLessThanOrEqual(HEAD.top);
  });

  it('keeps the head if it is tall', async () => {
    const { crop } = resolveFit('COVER', await inspectPhoto(fixture('portrait.jpg'), limits), LANDSCAPE);
    expect(crop!.y).toBeLessThanOrEqual(HEAD.top);
    expect(crop!.y + crop!.height).toBeGreaterThan(HEAD.bottom - 17);
  });
});

it('a square portrait is shown whole in a landscape frame by default', async () => {
  const photo = await inspect(sharp(fixture('portrait.jpg')).extract({ left: 0, top: 0, width: 300, height: 300 }).png());
  expect(resolveFit('AUTO', photo, LANDSCAPE)).toEqual({ fit: 'CONTAIN', crop: null });
});
