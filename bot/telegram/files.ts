import { createReadStream } from 'node:fs';
import path from 'node:path';
import type { Telegram } from './client.ts';
import { isFileGone, isTooLarge } from './errors.ts';

const TELEGRAM_HOST = 'api.telegram.org';

/** A file that Telegram does not give. */
export class FileError extends Error {
  override readonly name = 'FileError';
  /** AWAY may pass, the others do not. */
  readonly code: 'PHOTO_GONE' | 'IMAGE_TOO_LARGE' | 'AWAY';

  constructor(code: FileError['code'], cause?: unknown) {
    super(`Telegram does not give the file: ${code}`, { cause });
    this.code = code;
  }
}

/**
 * The bytes of a file at Telegram, to be read at once. A Bot API server of one's own names a file of its disk instead, which then has
 * to be ours too; Telegram's never does.
 * @throws FileError, also while it is read; other errors of Telegram
 */
export async function openFile(
  { once }: Telegram,
  token: string,
  apiRoot: string,
  fileId: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { file_path: where } = await once.getFile(fileId).catch((error: unknown) => {
    if (isTooLarge(error)) throw new FileError('IMAGE_TOO_LARGE', error);
    if (isFileGone(error)) throw new FileError('PHOTO_GONE', error);
    throw error;
  });
  const isOnDisk = where !== undefined && path.isAbsolute(where);
  if (where === undefined || (isOnDisk && new URL(apiRoot).hostname === TELEGRAM_HOST)) throw new FileError('PHOTO_GONE');
  if (isOnDisk) return readAll(createReadStream(where), 'PHOTO_GONE');
  const response = await fetch(`${apiRoot}/file/bot${token}/${where}`, { signal }).catch(() => {
    // Without its cause, which names the address, and that holds the token.
    throw new FileError('AWAY');
  });
  if (!response.ok || !response.body) throw new FileError(response.status === 404 ? 'PHOTO_GONE' : 'AWAY');
  return readAll(response.body, 'AWAY');
}

async function* readAll(body: AsyncIterable<Uint8Array>, code: FileError['code']): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {
    throw new FileError(code);
  }
}
