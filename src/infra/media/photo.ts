/**
 * Photos from users: identified by content, checked before their pixels are decoded, and decoded to one common form. The API checks a new
 * photo with `inspectPhoto`; the renderer reads its pixels with `decodePhoto`.
 */
import { open, stat } from 'node:fs/promises';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import type { Metadata, Sharp, SharpOptions } from 'sharp';
import type { Config } from '../../config.ts';
import { AppError } from '../../jobs/errors.ts';
import type { PhotoFormat, PhotoInfo, PhotoLimits } from '../../jobs/ports/photo.ts';
import { FOCUS_SIDE, focusOf } from './focus.ts';
import { decodeHeic, type HeicPixels } from './heic.ts';
import type { Picture } from './picture.ts';

// libvips would keep recently read files open, which blocks their deletion on Windows, and could serve a deleted one.
sharp.cache(false);

/** The limits that the configuration sets; a megabyte is 10⁶ bytes. */
export function photoLimits(config: Pick<Config, 'UPLOAD_MAX_MB' | 'PHOTO_MAX_MEGAPIXELS' | 'PHOTO_MIN_SIDE'>): PhotoLimits {
  return {
    maxBytes: Math.floor(config.UPLOAD_MAX_MB * 1e6),
    maxPixels: Math.floor(config.PHOTO_MAX_MEGAPIXELS * 1e6),
    minSide: config.PHOTO_MIN_SIDE,
  };
}

/**
 * Checks a photo without trusting its name: format and size from its header, then every pixel is decoded once, to detect damage and to
 * find the focus point.
 * @throws AppError UNSUPPORTED_FORMAT for anything but `PHOTO_FORMATS`, IMAGE_TOO_LARGE (bytes or pixels, before any pixel is decoded),
 *   IMAGE_TOO_SMALL, IMAGE_UNREADABLE (truncated or corrupt)
 */
export async function inspectPhoto(file: string, limits: PhotoLimits): Promise<PhotoInfo> {
  const { size } = await stat(file);
  if (size > limits.maxBytes) {
    throw new AppError('IMAGE_TOO_LARGE', `The photo is ${inMegabytes(size)}; at most ${inMegabytes(limits.maxBytes)} are allowed.`);
  }
  const header = await readHeader(file);
  const { format, metadata } = header;
  checkPixels(metadata, limits.maxPixels);
  const { width, height } = metadata.autoOrient;
  if (Math.min(width, height) < limits.minSide) {
    throw new AppError('IMAGE_TOO_SMALL', `The photo has ${width}×${height} pixels; each side needs at least ${limits.minSide}.`);
  }
  if (format === 'heic') return await inspectHeic(file, metadata.icc).catch(unreadable);
  const thumbnail = await decodeOnce(file, header, limits.maxPixels).catch(unreadable);
  return { format, width, height, focus: focusOf(thumbnail) };
}

/**
 * The photo's pixels, upright, in sRGB, and nothing else: orientation applied; colour profile, CMYK, 16 bit and greyscale converted;
 * transparency composited over white, as in most viewers; only the first frame of an animation; no metadata.
 * @throws AppError UNSUPPORTED_FORMAT, IMAGE_TOO_LARGE (pixels), IMAGE_UNREADABLE
 */
export async function decodePhoto(file: string, { maxPixels }: Pick<PhotoLimits, 'maxPixels'>): Promise<Picture> {
  const { format, metadata } = await readHeader(file);
  checkPixels(metadata, maxPixels);
  const image =
    format === 'heic'
      ? await decodeHeic(file)
          .then((pixels) => openPixels(pixels, metadata.icc))
          .catch(unreadable)
      : sharp(file, decodeOptions(maxPixels));
  return await toPicture(image).catch(unreadable);
}

async function toPicture(image: Sharp): Promise<Picture> {
  const { data, info } = await toOpaqueSrgb(image).raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

const toOpaqueSrgb = (image: Sharp): Sharp => image.flatten({ background: '#fff' }).toColourspace('srgb');

/** libvips reports damage as errors; its warnings are about harmless oddities of cameras. */
const decodeOptions = (maxPixels: number): SharpOptions => ({ limitInputPixels: maxPixels, failOn: 'error', autoOrient: true });

/** The JPEG decoder reports damaged image data only as warnings. It also warns about these oddities of phones, which viewers ignore. */
const HARMLESS_IN_JPEG = /extraneous bytes|Invalid SOS parameters|JFIF revision|color transform/;

const thumbnailOf = (image: Sharp): Sharp => image.resize({ width: FOCUS_SIDE, height: FOCUS_SIDE, fit: 'inside' });

/**
 * Decodes every pixel once, row by row, and returns an upright thumbnail for `focusOf`. JPEG and WebP have no checksums: not all damage is
 * detected.
 */
async function decodeOnce(file: string, { format, metadata }: Header, maxPixels: number): Promise<Picture> {
  const { width, height, orientation = 1 } = metadata;
  const pass = async (failOn: 'warning' | 'error') => {
    // Without `extract`, JPEG would be decoded at an eighth of its size, which skips most of its bytes.
    const all = sharp(file, { ...decodeOptions(maxPixels), failOn, autoOrient: false }).extract({ left: 0, top: 0, width, height });
    // Rotated only after downscaling, because rotation needs all pixels in memory.
    return await toOpaqueSrgb(thumbnailOf(all)).withMetadata({ orientation }).png().toBuffer();
  };
  const upright = (png: Buffer) => toPicture(sharp(png, { autoOrient: true }));
  if (format === 'jpeg') {
    const strict = await pass('warning').catch((error: Error) => error);
    if (!(strict instanceof Error)) return await upright(strict);
    if (!HARMLESS_IN_JPEG.test(strict.message)) throw strict;
  }
  return await upright(await pass('error'));
}

async function inspectHeic(file: string, profile: Uint8Array | undefined): Promise<PhotoInfo> {
  const pixels = await decodeHeic(file);
  const { data, info } = await thumbnailOf(openRaw(pixels)).raw().toBuffer({ resolveWithObject: true });
  const thumbnail = await openPixels({ data, width: info.width, height: info.height }, profile);
  return { format: 'heic', width: pixels.width, height: pixels.height, focus: focusOf(await toPicture(thumbnail)) };
}

const openRaw = ({ data, width, height }: HeicPixels): Sharp =>
  sharp(data, { raw: { width, height, channels: 4 }, limitInputPixels: false });

/**
 * Opens the pixels of a HEIC photo like those of any other format. libheif rotates them upright but does not convert their colours, mostly
 * Display P3; sharp does, once they are a PNG with the photo's profile.
 */
async function openPixels(pixels: HeicPixels, profile: Uint8Array | undefined): Promise<Sharp> {
  if (!profile) return openRaw(pixels);
  const png = await openRaw(pixels).png({ compressionLevel: 0 }).toBuffer();
  return sharp(withProfile(png, profile), { limitInputPixels: false });
}

/** `png` with an embedded ICC profile: an iCCP chunk directly after IHDR, which ends at byte 33. */
function withProfile(png: Buffer, profile: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from('iCCPicc\0\0', 'latin1'), deflateSync(profile)]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]);
}

interface Header {
  readonly format: PhotoFormat;
  /** Its `width` and `height` are as stored, those in its `autoOrient` as displayed. */
  readonly metadata: Metadata;
}

async function readHeader(file: string): Promise<Header> {
  const container = await sniff(file);
  const metadata = await sharp(file, { limitInputPixels: false }).metadata().catch(unreadable);
  if (container !== 'heif') return { format: container, metadata };
  if (metadata.compression === 'av1') return { format: 'avif', metadata };
  if (metadata.compression === 'hevc') return { format: 'heic', metadata };
  throw unsupported(`a HEIF picture compressed as ${metadata.compression}`);
}

/**
 * The container format according to the first bytes, so that only decoders of accepted formats read the file (sharp would open SVG, which
 * may refer to other files).
 */
async function sniff(file: string): Promise<Exclude<PhotoFormat, 'avif' | 'heic'> | 'heif'> {
  const handle = await open(file);
  const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(512) }).finally(() => handle.close());
  const head = buffer.toString('latin1', 0, bytesRead);
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (/^RIFF[^]{4}WEBP/.test(head)) return 'webp';
  if (/^(II[*+]\0|MM\0[*+])/.test(head)) return 'tiff';
  if (/^[^]{4}ftyp(avif|avis|hei[cxms]|hev[cxms]|mif1|msf1)/.test(head)) return 'heif';
  throw unsupported(
    UNSUPPORTED_FORMATS.find(([pattern]) => pattern.test(head))?.[1] ?? (bytesRead === 0 ? 'empty' : 'in an unknown format'),
  );
}

const UNSUPPORTED_FORMATS: readonly [RegExp, string][] = [
  [/^GIF8/, 'a GIF'],
  [/^%PDF/, 'a PDF'],
  [/^BM/, 'a BMP'],
  [/^(\xef\xbb\xbf)?\s*(<\?xml[^]*)?(<!--[^]*-->\s*)?(<!DOCTYPE svg[^]*)?<svg/i, 'an SVG drawing'],
  [/^(\xef\xbb\xbf)?\s*<(!doctype html|html)/i, 'a web page'],
  [/^[^]{4}ftyp/, 'a video'],
  [/^[^]{4}JXL /, 'JPEG XL'],
  [/^[^]{4}jP {2}/, 'JPEG 2000'],
];

const unsupported = (actual: string) =>
  new AppError('UNSUPPORTED_FORMAT', `The file is ${actual}; photos are JPEG, PNG, WebP, AVIF, TIFF or HEIC.`);

function unreadable(error: unknown): never {
  if (error instanceof AppError) throw error;
  throw new AppError('IMAGE_UNREADABLE', 'The photo cannot be decoded: it is truncated or damaged.', {}, error);
}

function checkPixels({ width, height }: Metadata, maxPixels: number): void {
  if (width * height <= maxPixels) return;
  throw new AppError(
    'IMAGE_TOO_LARGE',
    `The photo has ${width}×${height} pixels, ${inMegapixels(width * height)}; at most ${inMegapixels(maxPixels)} are allowed.`,
  );
}

// Rounded up, so that a value just over a limit never reads like the limit.
const millions = (value: number) => Math.ceil(value / 1e4) / 100;
const inMegabytes = (bytes: number) => `${millions(bytes)} MB`;
const inMegapixels = (pixels: number) => `${millions(pixels)} megapixels`;
