/** POST /uploads: a photo as multipart form or raw body, streamed to disk while it is measured and hashed. */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { PassThrough, Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import busboy, { type Busboy } from 'busboy';
import { Router, type Request, type Response } from 'express';
import type { PhotoInfo, PhotoLimits } from '../../jobs/ports/photo.ts';
import type { StoredPhoto } from '../../jobs/create.ts';
import { AppError } from '../../jobs/errors.ts';
import type { BlobStore } from '../../jobs/ports/blobs.ts';
import type { Workspace } from '../../jobs/ports/workspace.ts';
import { uploadFile, type NewUpload, type Upload } from '../../jobs/store.ts';
import type { Caller } from '../auth.ts';

/** What receiving a photo requires, from an upload or from a request. */
export interface PhotoIntake {
  readonly blobs: Pick<BlobStore, 'remove'>;
  readonly workspace: Pick<Workspace, 'createScratch' | 'removeScratch' | 'adopt'>;
  readonly limits: PhotoLimits;
  /** @throws AppError IMAGE_UNREADABLE, IMAGE_TOO_LARGE, IMAGE_TOO_SMALL, UNSUPPORTED_FORMAT */
  inspect(localPath: string, limits: PhotoLimits): Promise<PhotoInfo>;
}

/** A photo that is stored under `key` and has no row yet. */
export interface ReceivedPhoto extends PhotoInfo {
  readonly id: string;
  /** Key of the upload `id`. */
  readonly key: string;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * Streams a photo to disk while hashing it, inspects it and stores it. After a failure nothing is left behind.
 * @throws AppError BAD_INPUT if empty, IMAGE_TOO_LARGE as soon as a byte too many arrives, and what `inspect` throws
 */
export async function receivePhoto(source: AsyncIterable<Uint8Array>, { workspace, limits, inspect }: PhotoIntake): Promise<ReceivedPhoto> {
  const id = randomUUID();
  const scratch = `photo-${id}`;
  const folder = await workspace.createScratch(scratch);
  try {
    const localPath = path.join(folder, 'photo');
    const hash = createHash('sha256');
    let sizeBytes = 0;
    await pipeline(
      source,
      async function* measure(chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          sizeBytes += chunk.length;
          if (sizeBytes > limits.maxBytes) throw tooLarge(limits);
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(localPath),
    );
    if (sizeBytes === 0) throw new AppError('BAD_INPUT', 'The photo is empty.');
    const info = await inspect(localPath, limits);
    const key = uploadFile(id);
    await workspace.adopt(localPath, key);
    return { ...info, id, key, sizeBytes, sha256: hash.digest('hex') };
  } finally {
    await workspace.removeScratch(scratch);
  }
}

/** A photo that a job is made from. */
export interface HeldPhoto {
  readonly photo: StoredPhoto;
  /** Call after the job has its own copy. */
  release(): Promise<void>;
}

/**
 * Stores a photo that was sent inside a request, until its job has been created.
 * @throws as `receivePhoto`
 */
export async function holdPhoto(bytes: Buffer, intake: PhotoIntake): Promise<HeldPhoto> {
  const photo = await receivePhoto(Readable.from([bytes]), intake);
  return { photo, release: () => intake.blobs.remove(photo.key) };
}

export interface UploadPorts extends PhotoIntake {
  /** The owner of the upload. @throws AppError UNAUTHENTICATED, FORBIDDEN */
  caller(request: Request): Caller;
  /** Called before the body is read. @throws AppError OWNER_LIMIT */
  admit(caller: Caller): Promise<void>;
  /** Inserts the row. @throws AppError OWNER_LIMIT if concurrent uploads have reached the limit */
  save(upload: NewUpload, caller: Caller): Promise<Upload>;
  /** Longest time without data from the client, in milliseconds; 20 s by default. */
  readonly idleMs?: number;
}

/**
 * POST /uploads: multipart with one file part of any name, or the photo as the body. Answers 201 with
 * `{ id, width, height, format, sizeBytes, sha256, expiresAt }`; BAD_INPUT for anything else, and what `admit`,
 * `receivePhoto` and `save` throw.
 */
export function uploadsRouter(ports: UploadPorts): Router {
  return Router().post('/uploads', async (request, response) => {
    try {
      const caller = ports.caller(request);
      await ports.admit(caller);
      const { key, focus, ...photo } = await receiveRequest(request, ports);
      const { expiresAt } = await ports
        .save({ owner: caller.owner, focus, ...photo }, caller)
        .catch((error: unknown) => discard(ports, key, error));
      response.status(201).json({ ...photo, expiresAt });
    } catch (error) {
      drain(request, response);
      throw error;
    }
  });
}

const IDLE_MS = 20_000;
/** How long the rest of a refused body is read and discarded, in milliseconds. */
const LINGER_MS = 10_000;

/** The stream that the request is piped into, and the photo that results. */
interface Incoming {
  readonly sink: Writable;
  readonly photo: Promise<ReceivedPhoto>;
}

async function receiveRequest(request: Request, ports: UploadPorts): Promise<ReceivedPhoto> {
  const { sink, photo } = request.is('multipart/form-data') ? fromForm(request, ports) : fromBody(request, ports);
  const idleMs = ports.idleMs ?? IDLE_MS;
  request.setTimeout(idleMs, () =>
    sink.destroy(new AppError('BAD_INPUT', `The upload stopped: nothing arrived for ${idleMs / 1000} seconds.`)),
  );
  request.once('end', () => request.setTimeout(0));
  request.once('close', () => {
    if (!request.complete) sink.destroy(new AppError('BAD_INPUT', 'The connection closed before the upload was complete.'));
  });
  request.pipe(sink);
  try {
    return await photo;
  } finally {
    request.unpipe(sink);
  }
}

function fromBody(request: Request, intake: PhotoIntake): Incoming {
  const type = request.is(['image/*', 'application/octet-stream']);
  if (type === null)
    throw new AppError('BAD_INPUT', 'The request has no body; send the photo as multipart/form-data or as the body itself.');
  if (!type) throw new AppError('BAD_INPUT', 'The Content-Type must be multipart/form-data, image/… or application/octet-stream.');
  if (Number(request.headers['content-length']) > intake.limits.maxBytes) throw tooLarge(intake.limits);
  const sink = new PassThrough();
  sink.on('error', () => {}); // receivePhoto gets it when it reads
  return { sink, photo: receivePhoto(sink, intake) };
}

function fromForm(request: Request, intake: PhotoIntake): Incoming {
  const form = openForm(request);
  let received: Promise<ReceivedPhoto> | undefined;
  const photo = new Promise<ReceivedPhoto>((resolve, reject) => {
    form.on('file', (_field, file) => {
      file.on('error', () => {}); // receivePhoto and the form report it
      received = receivePhoto(file, intake);
      received.catch(reject);
    });
    form.on('filesLimit', () => reject(new AppError('BAD_INPUT', 'The form has more than one file; send one photo.')));
    form.on('error', (error: unknown) => reject(error instanceof AppError ? error : malformed(error)));
    form.on('close', () => {
      if (received) received.then(resolve, reject);
      else reject(new AppError('BAD_INPUT', 'The form has no file; send the photo as a file part, as in curl -F photo=@photo.jpg.'));
    });
  });
  const onlyPhoto = photo.catch(async (error: unknown) => {
    form.destroy();
    const first = await received?.catch(() => null);
    return first ? await discard(intake, first.key, error) : Promise.reject(error);
  });
  return { sink: form, photo: onlyPhoto };
}

function openForm(request: Request): Busboy {
  try {
    return busboy({ headers: request.headers, limits: { files: 1, fields: 20, fieldSize: 10_000 } });
  } catch (error) {
    throw malformed(error);
  }
}

/** Reads the rest of a refused body, since the client would lose the response if a socket with unread data were closed. */
function drain(request: Request, response: Response): void {
  request.resume();
  response.once('finish', () => {
    if (request.complete) return;
    const lingering = setTimeout(() => request.destroy(), LINGER_MS);
    request.once('close', () => clearTimeout(lingering));
  });
}

function tooLarge({ maxBytes }: PhotoLimits): AppError {
  return new AppError(
    'IMAGE_TOO_LARGE',
    `The photo is larger than ${(maxBytes / 1e6).toLocaleString('en', { maximumFractionDigits: 2 })} MB.`,
  );
}

function malformed(cause: unknown): AppError {
  const reason = cause instanceof Error ? ` (${cause.message})` : '';
  return new AppError('BAD_INPUT', `The multipart form is incomplete or malformed${reason}.`, {}, cause);
}

async function discard({ blobs }: PhotoIntake, key: string, error: unknown): Promise<never> {
  await blobs.remove(key);
  throw error;
}
