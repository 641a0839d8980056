import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config.ts';
import { decodePhoto, inspectPhoto, photoLimits } from '../../../src/infra/media/photo.ts';
import type { Picture } from '../../../src/infra/media/picture.ts';

const photos = path.join(import.meta.dirname, '../../fixtures/photos');
const fixture = (name: string) => path.join(photos, name);
const limits = photoLimits(readConfig({}));

let folder: string;
let cat: Buffer;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'photo-'));
  cat = await sharp(fixture('cat.jpg')).png().toBuffer();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let serial = 0;
/** A file without an extension, so that its name does not reveal the format. */
async function file(content: Buffer | string | Sharp): Promise<string> {
  const name = path.join(folder, `photo-${serial++}`);
  await writeFile(name, typeof content === 'string' || Buffer.isBuffer(content) ? content : await content.toBuffer());
  return name;
}

const plain = async (image: Sharp): Promise<Picture> => {
  const { data, info } = await image.removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
};

/** Mean difference between two pictures, in grey levels. */
function difference(a: Picture, b: Picture): number {
  expect([a.width, a.height, a.data.length]).toEqual([b.width, b.height, b.data.length]);
  return a.data.reduce((sum, value, i) => sum + Math.abs(value - b.data[i]!), 0) / a.data.length;
}

const FORMATS: [what: string, format: string, make: () => Sharp, tolerance: number][] = [
  ['JPEG', 'jpeg', () => sharp(cat).jpeg({ quality: 95 }), 3],
  ['progressive JPEG', 'jpeg', () => sharp(cat).jpeg({ quality: 95, progressive: true }), 3],
  ['CMYK JPEG', 'jpeg', () => sharp(cat).toColourspace('cmyk').jpeg({ quality: 95 }), 16],
  ['CMYK JPEG with its profile', 'jpeg', () => sharp(cat).withIccProfile('cmyk').jpeg({ quality: 95 }), 16],
  ['PNG', 'png', () => sharp(cat).png(), 0],
  ['16-bit PNG', 'png', () => sharp(cat).toColourspace('rgb16').png(), 0.5],
  ['palette PNG', 'png', () => sharp(cat).png({ palette: true, colours: 256 }), 5],
  ['Display P3 PNG', 'png', () => sharp(cat).withIccProfile('p3').png(), 1],
  ['Display P3 JPEG', 'jpeg', () => sharp(cat).withIccProfile('p3').jpeg({ quality: 95 }), 3],
  ['WebP', 'webp', () => sharp(cat).webp({ quality: 95 }), 4],
  ['lossless WebP', 'webp', () => sharp(cat).webp({ lossless: true }), 0],
  ['AVIF', 'avif', () => sharp(cat).avif({ quality: 80, effort: 0 }), 4],
  ['10-bit AVIF', 'avif', () => sharp(cat).avif({ quality: 80, effort: 0, bitdepth: 10 }), 4],
  ['TIFF', 'tiff', () => sharp(cat).tiff({ compression: 'lzw' }), 0],
  ['CMYK TIFF', 'tiff', () => sharp(cat).toColourspace('cmyk').tiff({ compression: 'lzw' }), 16],
];

describe('a photo', () => {
  it.each(FORMATS)('as %s is known by its content and decoded to sRGB', async (_, format, make, tolerance) => {
    const name = await file(make());
    expect(await inspectPhoto(name, limits)).toMatchObject({ format, width: 451, height: 300 });
    expect(difference(await decodePhoto(name, limits), await plain(sharp(cat)))).toBeLessThanOrEqual(tolerance);
  });

  it.each<[string, () => Sharp]>([
    ['8-bit', () => sharp(cat).toColourspace('b-w').png()],
    ['16-bit', () => sharp(cat).toColourspace('grey16').png()],
    ['JPEG', () => sharp(cat).toColourspace('b-w').jpeg({ quality: 95 })],
  ])('in %s greyscale becomes grey RGB', async (_, make) => {
    const { data } = await decodePhoto(await file(make()), limits);
    const grey = await sharp(cat).greyscale().raw().toBuffer(); // one channel
    expect(data).toHaveLength(grey.length * 3);
    expect(data.every((value, i) => i % 3 === 0 || value === data[i - 1])).toBe(true);
    expect(grey.reduce((sum, value, i) => sum + Math.abs(value - data[i * 3]!), 0) / grey.length).toBeLessThan(3);
  });

  it.each<[string, (half: Sharp) => Sharp]>([
    ['PNG', (half) => half.png()],
    ['16-bit PNG', (half) => half.toColourspace('rgb16').png()],
    ['WebP', (half) => half.webp({ lossless: true })],
    ['TIFF', (half) => half.tiff({ compression: 'lzw' })],
  ])('with transparency lies on white (%s)', async (_, make) => {
    const half = sharp({ create: { width: 80, height: 80, channels: 4, background: { r: 200, g: 0, b: 100, alpha: 0.5 } } });
    const { data } = await decodePhoto(await file(make(half)), limits);
    for (const [i, value] of [227, 127, 177].entries()) expect(Math.abs(data[i]! - value)).toBeLessThanOrEqual(1);
  });

  it('that is animated gives its first frame', async () => {
    const name = await file(sharp([fixture('rocket.jpg'), fixture('galaxies.jpg')], { join: { animated: true } }).webp({ quality: 90 }));
    expect(await inspectPhoto(name, limits)).toMatchObject({ format: 'webp', width: 1000 });
    const shown = await decodePhoto(name, limits);
    const top = await sharp(shown.data, { raw: { width: shown.width, height: shown.height, channels: 3 } })
      .extract({ left: 0, top: 0, width: 640, height: 427 })
      .toColourspace('srgb')
      .raw()
      .toBuffer();
    const rocket = await plain(sharp(fixture('rocket.jpg')));
    expect(difference({ ...rocket, data: top }, rocket)).toBeLessThan(4);
  });

  // Red, green, blue and white quarters as stored, and how each EXIF orientation shows them: from the top left, row by row.
  it.each([
    [1, 'RGBW'],
    [2, 'GRWB'],
    [3, 'WBGR'],
    [4, 'BWRG'],
    [5, 'RBGW'],
    [6, 'BRWG'],
    [7, 'WGBR'],
    [8, 'GWRB'],
  ])('with EXIF orientation %i is turned upright', async (orientation, shown) => {
    const colours: Record<string, number[]> = { R: [255, 0, 0], G: [0, 255, 0], B: [0, 0, 255], W: [255, 255, 255] };
    const stored = Buffer.from(
      Array.from({ length: 96 * 64 }, (_, i) => colours['RGBW'[(i % 96 >= 48 ? 1 : 0) + (i >= 96 * 32 ? 2 : 0)]!]!).flat(),
    );
    for (const save of ['png', 'tiff', 'jpeg'] as const) {
      const name = await file(
        sharp(stored, { raw: { width: 96, height: 64, channels: 3 } })
          .withMetadata({ orientation })
          .toFormat(save),
      );
      const size = orientation < 5 ? { width: 96, height: 64 } : { width: 64, height: 96 };
      expect(await inspectPhoto(name, limits)).toMatchObject(size);
      const { data, width, height } = await decodePhoto(name, limits);
      expect({ width, height }).toEqual(size);
      for (const [quarter, colour] of [...shown].entries()) {
        const at = (Math.floor(height * (quarter < 2 ? 0.25 : 0.75)) * width + Math.floor(width * (quarter % 2 ? 0.75 : 0.25))) * 3;
        for (const channel of [0, 1, 2]) expect(Math.abs(data[at + channel]! - colours[colour]![channel]!)).toBeLessThan(6);
      }
    }
  });
});

describe('HEIC', () => {
  it.each(['coffee-phone.heic', 'coffee-tiles.heic'])('as written by phones (%s) is decoded upright and in sRGB', async (name) => {
    expect(await inspectPhoto(fixture(name), limits)).toMatchObject({ format: 'heic', width: 600, height: 400 });
    const shown = await decodePhoto(fixture(name), limits);
    // Interpreted as sRGB, its Display P3 numbers would be off by more than 7 grey levels.
    expect(difference(shown, await plain(sharp(fixture('coffee.jpg'))))).toBeLessThan(4);
  });

  it('is decoded without blocking the event loop', async () => {
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    await decodePhoto(fixture('coffee-phone.heic'), limits);
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(5);
  });

  it('leaves no thread behind, and several at once are all decoded', async () => {
    const threads: Worker[] = [];
    const remember = (thread: Worker) => threads.push(thread);
    process.on('worker', remember);
    const shown = await Promise.all(Array.from({ length: 3 }, () => decodePhoto(fixture('coffee-phone.heic'), limits)));
    process.off('worker', remember);
    expect(shown.every(({ data }) => Buffer.compare(data, shown[0]!.data) === 0)).toBe(true);
    expect(threads.map(({ threadId }) => threadId)).toEqual([-1, -1, -1]); // the id of a thread that has ended
  });

  it('that is cut off is IMAGE_UNREADABLE', async () => {
    const whole = await readFile(fixture('coffee-phone.heic'));
    const name = await file(whole.subarray(0, whole.length / 2));
    await expect(inspectPhoto(name, limits)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    await expect(decodePhoto(name, limits)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  });
});

describe('refused:', () => {
  it.each<[string, () => Promise<Buffer> | string, RegExp]>([
    ['a GIF', () => sharp(cat).gif().toBuffer(), /GIF/],
    ['an SVG', () => '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"/>', /SVG/],
    ['a PDF', () => '%PDF-1.7\n', /PDF/],
    ['a BMP', () => 'BM\x36\0\0\0', /BMP/],
    ['a web page', () => '<!DOCTYPE html><html><body>photo.jpg</body></html>', /web page/],
    ['a video', () => '\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41', /video/],
    ['text', () => 'hello', /unknown format/],
    ['an empty file', () => '', /empty/],
  ])('%s is UNSUPPORTED_FORMAT, and the message says what it is and what is wanted', async (_, make, message) => {
    const name = await file(await make());
    await expect(inspectPhoto(name, limits)).rejects.toMatchObject({ code: 'UNSUPPORTED_FORMAT', message: expect.stringMatching(message) });
    await expect(inspectPhoto(name, limits)).rejects.toThrow(/JPEG, PNG, WebP, AVIF, TIFF or HEIC/);
    await expect(decodePhoto(name, limits)).rejects.toMatchObject({ code: 'UNSUPPORTED_FORMAT' });
  });

  it.each<[string, () => Sharp]>([
    ['JPEG', () => sharp(cat).jpeg()],
    ['progressive JPEG', () => sharp(cat).jpeg({ progressive: true })],
    ['PNG', () => sharp(cat).png()],
    ['WebP', () => sharp(cat).webp()],
    ['AVIF', () => sharp(cat).avif({ effort: 0 })],
    ['TIFF', () => sharp(cat).tiff({ compression: 'lzw' })],
  ])('a %s that is cut off anywhere is IMAGE_UNREADABLE', async (_, make) => {
    const whole = await make().toBuffer();
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      const name = await file(whole.subarray(0, Math.floor(whole.length * share)));
      await expect(inspectPhoto(name, limits)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
      await expect(decodePhoto(name, limits)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    }
  });

  it.each<[string, () => Sharp]>([
    ['JPEG', () => sharp(cat).jpeg()],
    ['PNG', () => sharp(cat).png()],
    ['TIFF', () => sharp(cat).tiff({ compression: 'lzw' })],
  ])('a %s whose middle is wiped out is IMAGE_UNREADABLE', async (_, make) => {
    const whole = await make().toBuffer();
    whole.fill(0, Math.floor(whole.length * 0.4), Math.floor(whole.length * 0.6));
    await expect(inspectPhoto(await file(whole), limits)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  });

  it('a JPEG with stray bytes between its parts, as some cameras write, is not', async () => {
    const jpeg = await sharp(cat).jpeg().toBuffer();
    const stray = Buffer.concat([jpeg.subarray(0, 20), Buffer.from([0, 0, 0]), jpeg.subarray(20)]);
    expect(await inspectPhoto(await file(stray), limits)).toMatchObject({ format: 'jpeg' });
  });

  it('a small file with enormous dimensions is IMAGE_TOO_LARGE before any pixel is decoded', async () => {
    const bomb = Buffer.from(cat);
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(50_000, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    const name = await file(bomb);
    await expect(inspectPhoto(name, limits)).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: 'The photo has 60000×50000 pixels, 3000 megapixels; at most 50 megapixels are allowed.',
    });
    await expect(decodePhoto(name, limits)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  it.each([
    ['jpeg', 'cat.jpg'],
    ['heic', 'coffee-phone.heic'],
  ])('one pixel over the limit is IMAGE_TOO_LARGE, exactly the limit is accepted (%s)', async (_, name) => {
    const { width, height } = await inspectPhoto(fixture(name), limits);
    expect(await inspectPhoto(fixture(name), { ...limits, maxPixels: width * height })).toMatchObject({ width, height });
    await expect(inspectPhoto(fixture(name), { ...limits, maxPixels: width * height - 1 })).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
    });
    await expect(decodePhoto(fixture(name), { maxPixels: width * height - 1 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  it('a file one byte over the limit is IMAGE_TOO_LARGE, and the message states its size', async () => {
    const { size } = await stat(fixture('galaxies.jpg'));
    expect(await inspectPhoto(fixture('galaxies.jpg'), { ...limits, maxBytes: size })).toMatchObject({ width: 1000 });
    await expect(inspectPhoto(fixture('galaxies.jpg'), { ...limits, maxBytes: size - 1 })).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringMatching(/ MB; at most .* MB/),
    });
  });

  it('a side below the limit is IMAGE_TOO_SMALL, one exactly at the limit is accepted', async () => {
    const sized = (width: number, height: number) => file(sharp(cat).resize(width, height).png());
    expect(await inspectPhoto(await sized(64, 64), limits)).toMatchObject({ width: 64, height: 64 });
    await expect(inspectPhoto(await sized(63, 500), limits)).rejects.toMatchObject({
      code: 'IMAGE_TOO_SMALL',
      message: 'The photo has 63×500 pixels; each side needs at least 64.',
    });
  });
});

it('limits come from the configuration', () => {
  expect(limits).toEqual({ maxBytes: 20_000_000, maxPixels: 50_000_000, minSide: 64 });
});
