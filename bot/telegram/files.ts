import { createReadStream } from 'node:fs';
import path from 'node:path';
import type { Telegram } from './client.ts';
import { isTooLarge } from './errors.ts';

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
 * The bytes of a file at Telegram. A Bot API server of one's own names a file of its disk instead, which then has to be ours too.
 * @throws FileError, also while it is read
 */
export async function openFile({ api }: Telegram, token: string, apiRoot: string, fileId: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const { file_path: where } = await api.getFile(fileId).catch((error: unknown) => {
    if (isTooLarge(error)) throw new FileError('IMAGE_TOO_LARGE', error);
    throw error;
  });
  if (where === undefined) throw new FileError('PHOTO_GONE');
  if (path.isAbsolute(where)) return createReadStream(where);
  const response = await fetch(`${apiRoot}/file/bot${token}/${where}`, { signal }).catch(() => {
    // Without its cause, which names the address, and that holds the token.
    throw new FileError('AWAY');
  });
  if (!response.ok || !response.body) throw new FileError(response.status === 404 ? 'PHOTO_GONE' : 'AWAY');
  return readAll(response.body);
}

async function* readAll(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {
    throw new FileError('AWAY');
  }
}
