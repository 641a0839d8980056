/**
 * Photos as people send them: told apart by content, checked before their pixels are unpacked, decoded to one plain form. The API
 * looks at a photo with `inspectPhoto` when it comes in; the renderer turns it into pixels with `decodePhoto`.
 */
import { open, stat } from 'node:fs/promises';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import type { Metadata, Sharp, SharpOptions } from 'sharp';
import type { Config } from '../../config.ts';
import { AppError } from '../../jobs/errors.ts';
import { decodeHeic } from './heic.ts';

// Photos are deleted soon after use: no file is kept open (Windows) and no stale one served.
sharp.cache(false);

/** A picture in memory: 8-bit sRGB, interleaved RGB, rows from the top, no padding. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] */
  readonly data: Uint8Array;
}

export const PHOTO_FORMATS = ['jpeg', 'png', 'webp', 'avif', 'tiff', 'heic'] as const;

export type PhotoFormat = (typeof PHOTO_FORMATS)[number];

export interface PhotoInfo {
  readonly format: PhotoFormat;
  /** Pixels as displayed: EXIF or HEIF orientation applied. */
  readonly width: number;
  readonly height: number;
}

export interface PhotoLimits {
  readonly maxBytes: number;
  /** Width × height. */
  readonly maxPixels: number;
  /** The shortest side a photo may have, in pixels. */
  readonly minSide: number;
}

/** The limits that the configuration sets; a megabyte is 10⁶ bytes. */
export function photoLimits(config: Pick<Config, 'UPLOAD_MAX_MB' | 'PHOTO_MAX_MEGAPIXELS' | 'PHOTO_MIN_SIDE'>): PhotoLimits {
  return {
    maxBytes: Math.floor(config.UPLOAD_MAX_MB * 1e6),
    maxPixels: Math.floor(config.PHOTO_MAX_MEGAPIXELS * 1e6),
    minSide: config.PHOTO_MIN_SIDE,
  };
}

/**
 * Looks at a photo without trusting its name: format and size from its header, then one cheap pass over all its pixels.
 * @throws AppError UNSUPPORTED_FORMAT for anything but the formats above, IMAGE_TOO_LARGE (bytes or pixels, before any pixel is
 *   unpacked), IMAGE_TOO_SMALL, IMAGE_UNREADABLE (truncated or corrupt)
 */
export async function inspectPhoto(file: string, limits: PhotoLimits): Promise<PhotoInfo> {
  const { size } = await stat(file);
  if (size > limits.maxBytes) {
    throw new AppError('IMAGE_TOO_LARGE', `The photo has ${megabytes(size)}; at most ${megabytes(limits.maxBytes)} are allowed.`);
  }
  const header = await readHeader(file);
  const { format, metadata } = header;
  checkPixels(metadata, limits.maxPixels);
  const { width, height } = metadata.autoOrient;
  if (Math.min(width, height) < limits.minSide) {
    throw new AppError('IMAGE_TOO_SMALL', `The photo has ${width}×${height} pixels; each side needs at least ${limits.minSide}.`);
  }
  if (format === 'heic') {
    const shown = await decodeHeic(file).catch(unreadable);
    return { format, width: shown.width, height: shown.height };
  }
  await decodeOnce(file, header, limits.maxPixels).catch(unreadable);
  return { format, width, height };
}

/**
 * The photo's pixels, upright, in sRGB, and nothing else of it: orientation applied, colour profile, CMYK, 16 bit and greyscale
 * converted, transparency laid over white (as paper and most viewers show it), the first frame of an animation, metadata dropped.
 * @throws AppError UNSUPPORTED_FORMAT, IMAGE_TOO_LARGE (pixels), IMAGE_UNREADABLE
 */
export async function decodePhoto(file: string, { maxPixels }: Pick<PhotoLimits, 'maxPixels'>): Promise<Picture> {
  const { format, metadata } = await readHeader(file);
  checkPixels(metadata, maxPixels);
  const pixels = format === 'heic' ? await openHeic(file, metadata.icc).catch(unreadable) : sharp(file, decoding(maxPixels));
  const { data, info } = await pixels
    .flatten({ background: '#fff' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch(unreadable);
  return { width: info.width, height: info.height, data };
}

/** Damage that libvips calls an error stops decoding; its warnings are about harmless oddities of cameras. */
const decoding = (maxPixels: number): SharpOptions => ({ limitInputPixels: maxPixels, failOn: 'error', autoOrient: true });

/** JPEG decoders only warn of wrong bytes inside the picture, but also of these, which phones write and no viewer shows. */
const HARMLESS_IN_JPEG = /extraneous bytes|Invalid SOS parameters|JFIF revision|color transform/;

/** Unpacks every pixel once, row by row, and keeps next to nothing. JPEG and WebP have no checksums: not all damage can be seen. */
async function decodeOnce(file: string, { format, metadata: { width, height } }: Header, maxPixels: number): Promise<void> {
  const pass = async (failOn: 'warning' | 'error') => {
    // Without the cut, JPEG would be decoded at an eighth of its size, which skips most of its bytes unseen.
    const all = sharp(file, { ...decoding(maxPixels), failOn, autoOrient: false }).extract({ left: 0, top: 0, width, height });
    await all.resize(16, 16, { fit: 'fill' }).raw().toBuffer();
  };
  if (format === 'jpeg') {
    const strict = await pass('warning').catch((error: Error) => error);
    if (!(strict instanceof Error)) return;
    if (!HARMLESS_IN_JPEG.test(strict.message)) throw strict;
  }
  await pass('error');
}

/**
 * A HEIC photo as sharp sees any other. libheif turns it upright but leaves its colours as they are, mostly Display P3; carried on as
 * a PNG with the photo's profile, they are converted like those of any other format.
 */
async function openHeic(file: string, profile: Uint8Array | undefined): Promise<Sharp> {
  const { data, width, height } = await decodeHeic(file);
  const raw = { width, height, channels: 4 } as const;
  if (!profile) return sharp(data, { raw, limitInputPixels: false });
  const png = await sharp(data, { raw, limitInputPixels: false }).png({ compressionLevel: 0 }).toBuffer();
  return sharp(withProfile(png, profile), { limitInputPixels: false });
}

/** `png` with an embedded ICC profile: an iCCP chunk directly behind IHDR, which ends at byte 33. */
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
  /** Width and height in it are as stored; those in its `autoOrient` as displayed. */
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
 * What the first bytes say, so that no decoder but those of the formats on offer ever sees the file (sharp would open SVG, which may
 * name other files).
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
  throw unsupported(OTHERS.find(([pattern]) => pattern.test(head))?.[1] ?? (bytesRead === 0 ? 'empty' : 'in no format known here'));
}

const OTHERS: readonly [RegExp, string][] = [
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
  throw new AppError('IMAGE_UNREADABLE', 'The photo cannot be decoded: it is cut off or damaged.', {}, error);
}

function checkPixels({ width, height }: Metadata, maxPixels: number): void {
  if (width * height <= maxPixels) return;
  throw new AppError(
    'IMAGE_TOO_LARGE',
    `The photo has ${width}×${height} pixels, ${megapixels(width * height)}; at most ${megapixels(maxPixels)} are allowed.`,
  );
}

// Rounded up, so that what is just over a limit never reads like the limit.
const millions = (value: number) => Math.ceil(value / 1e4) / 100;
const megabytes = (bytes: number) => `${millions(bytes)} MB`;
const megapixels = (pixels: number) => `${millions(pixels)} megapixels`;
