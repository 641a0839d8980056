/** Signed downloads: GET and HEAD of /videos/:id.mp4, /posters/:id.jpg and /previews/:id.jpg. */
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { create as contentDisposition } from 'content-disposition';
import { Router, type Request, type Response } from 'express';
import { AppError } from '../../jobs/errors.ts';
import type { BlobStore, ByteRange } from '../../jobs/ports/blobs.ts';
import { isUuid } from '../../jobs/store.ts';
import { FILE_KINDS, type FileKind, type LinkSigner } from './links.ts';

/** A file as described by the database. */
export interface StoredFile {
  readonly key: string;
  /** Changes whenever the content does, such as its SHA-256; without quotes. */
  readonly etag: string;
  readonly contentType: string;
  readonly fileName: string;
  readonly lastModified: Date;
}

export interface DownloadPorts {
  readonly signer: LinkSigner;
  /** Null if the file does not exist or has been deleted. */
  find(kind: FileKind, id: string): Promise<StoredFile | null>;
  readonly blobs: Pick<BlobStore, 'read' | 'stat'>;
}

/** A connection that reads nothing for this long is closed; browsers resume a paused video with a Range. In milliseconds. */
const STALLED_READER_MS = 300_000;

/**
 * Serves files to holders of a valid link: whole or as one byte range, with conditional requests and HEAD. A request for several ranges gets
 * the whole file. With `?download=1` browsers save the file instead of showing it.
 *
 * Fails with NOT_FOUND if the id is malformed, FORBIDDEN if the signature is invalid, EXPIRED if the link has expired or the file is deleted.
 */
export function downloadsRouter(ports: DownloadPorts): Router {
  const router = Router();
  for (const kind of Object.keys(FILE_KINDS) as FileKind[]) {
    router.get(`/${kind}/:id.${FILE_KINDS[kind]}`, async (request, response) => {
      await serve(ports, kind, request, response);
    });
  }
  return router;
}

async function serve(
  { signer, find, blobs }: DownloadPorts,
  kind: FileKind,
  request: Request<{ id: string }>,
  response: Response,
): Promise<void> {
  const { id } = request.params;
  if (!isUuid(id)) throw new AppError('NOT_FOUND');
  const expiresAt = signer.verify(kind, id, request.query);
  const file = await find(kind, id);
  if (!file) throw new AppError('EXPIRED');
  const { sizeBytes } = await blobs.stat(file.key).catch(throwExpired);

  const etag = `"${file.etag}"`;
  response.set({
    'Content-Type': file.contentType,
    'Content-Disposition': contentDisposition(file.fileName, { type: request.query['download'] === '1' ? 'attachment' : 'inline' }),
    ETag: etag,
    'Last-Modified': file.lastModified.toUTCString(),
    'Cache-Control': cacheControl(kind, expiresAt),
    // Links may be embedded in pages of any origin.
    'Cross-Origin-Resource-Policy': 'cross-origin',
  });
  if (request.fresh) {
    response.status(304).end();
    return;
  }
  if (kind === 'previews') {
    // The preview is replaced while the job renders, so its size may change between stat and read: no Content-Length.
    await send(blobs, file.key, undefined, request, response);
    return;
  }
  response.set('Accept-Ranges', 'bytes');
  const range =
    request.method === 'GET' && rangeHolds(request.get('If-Range'), etag, file.lastModified)
      ? parseRange(request.get('Range'), sizeBytes)
      : 'whole';
  if (range === 'unsatisfiable') {
    response
      .status(416)
      .set({ 'Content-Range': `bytes */${sizeBytes}`, 'Cache-Control': 'no-store' })
      .end();
    return;
  }
  if (range === 'whole') response.set('Content-Length', String(sizeBytes));
  else
    response
      .status(206)
      .set({ 'Content-Range': `bytes ${range.start}-${range.end}/${sizeBytes}`, 'Content-Length': String(range.end - range.start + 1) });
  await send(blobs, file.key, range === 'whole' ? undefined : range, request, response);
}

async function send(
  blobs: DownloadPorts['blobs'],
  key: string,
  range: ByteRange | undefined,
  request: Request,
  response: Response,
): Promise<void> {
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const source = blobs.read(key, range);
  try {
    // Headers are sent with the first byte, so that a file deleted in the meantime still gets an error response.
    await once(source, 'readable').catch(throwExpired);
    response.setTimeout(STALLED_READER_MS, () => response.destroy());
    await pipeline(source, response);
  } finally {
    source.destroy();
  }
}

/** The byte range that `header` requests; 'whole' for none, several, or a malformed header (RFC 9110, 14.2). */
function parseRange(header: string | undefined, sizeBytes: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? '');
  if (!match || (!match[1] && !match[2])) return 'whole';
  const last = sizeBytes - 1;
  const [start, end] = match[1]
    ? [Number(match[1]), match[2] ? Number(match[2]) : last]
    : [Math.max(0, sizeBytes - Number(match[2])), last];
  if (match[1] && match[2] && end < start) return 'whole';
  return start > last ? 'unsatisfiable' : { start, end: Math.min(end, last) };
}

/** Whether the part that the client has is of the same file (RFC 9110, 13.1.5): equal strong ETag or equal date. */
function rangeHolds(ifRange: string | undefined, etag: string, lastModified: Date): boolean {
  return ifRange === undefined || ifRange === etag || ifRange === lastModified.toUTCString();
}

function cacheControl(kind: FileKind, expiresAt: Date): string {
  if (kind === 'previews') return 'private, no-cache';
  return `private, max-age=${Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1000))}, immutable`;
}

/** @throws AppError EXPIRED if the file does not exist, otherwise `error` */
function throwExpired(error: unknown): never {
  throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new AppError('EXPIRED', undefined, {}, error) : error;
}
