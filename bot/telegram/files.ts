import { createReadStream } from 'node:fs';
import path from 'node:path';
import type { Telegram } from './client.ts';
import { isFileGone, isTooLarge } from './errors.ts';

const TELEGRAM_HOST = 'api.telegram.org';

/** A file cannot be downloaded from Telegram. */
export class FileError extends Error {
  override readonly name = 'FileError';
  /** Only AWAY can succeed when retried. */
  readonly code: 'PHOTO_GONE' | 'IMAGE_TOO_LARGE' | 'AWAY';

  constructor(code: FileError['code'], cause?: unknown) {
    super(`cannot download the file from Telegram: ${code}`, { cause });
    this.code = code;
  }
}

/**
 * Downloads a file from Telegram; the stream must be read at once. A local Bot API server returns a path on its disk instead, which must
 * be readable here as well; Telegram's own server never does.
 * @throws FileError, also while the bytes are read; other errors of Telegram
 */
export async function openFile(
  { once }: Telegram,
  token: string,
  apiRoot: string,
  fileId: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { file_path: filePath } = await once.getFile(fileId).catch((error: unknown) => {
    if (isTooLarge(error)) throw new FileError('IMAGE_TOO_LARGE', error);
    if (isFileGone(error)) throw new FileError('PHOTO_GONE', error);
    throw error;
  });
  const isOnDisk = filePath !== undefined && path.isAbsolute(filePath);
  if (filePath === undefined || (isOnDisk && new URL(apiRoot).hostname === TELEGRAM_HOST)) throw new FileError('PHOTO_GONE');
  if (isOnDisk) return readAll(createReadStream(filePath), 'PHOTO_GONE');
  const response = await fetch(`${apiRoot}/file/bot${token}/${filePath}`, { signal }).catch(() => {
    // Without a cause: its message contains the URL, and with it the token.
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
