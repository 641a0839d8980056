import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

const READ_BYTES = 1 << 20;

/** A file that is appended to and hashed as it grows. */
export class GrowingFile {
  readonly #handle: FileHandle;
  #hash: Hash = createHash('sha256');
  #sizeBytes: number;

  private constructor(handle: FileHandle, sizeBytes: number) {
    this.#handle = handle;
    this.#sizeBytes = sizeBytes;
  }

  /** Opens or creates `file`. Existing content must be hashed with `readBack` or discarded with `restart` before anything is appended. */
  static async open(file: string): Promise<GrowingFile> {
    const handle = await open(file, constants.O_RDWR | constants.O_CREAT);
    return new GrowingFile(handle, (await handle.stat()).size);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Hashes the existing content. */
  async readBack(signal: AbortSignal): Promise<void> {
    await hashInto(this.#hash, this.#handle, this.#sizeBytes, signal);
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let from = 0; from < chunk.length;) {
      const { bytesWritten } = await this.#handle.write(chunk, from, chunk.length - from, this.#sizeBytes + from);
      from += bytesWritten;
    }
    this.#hash.update(chunk);
    this.#sizeBytes += chunk.length;
  }

  /** Empties the file. */
  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = createHash('sha256');
    this.#sizeBytes = 0;
  }

  /** Flushes the file to disk and returns its SHA-256 in hexadecimal. */
  async finish(): Promise<string> {
    await this.#handle.sync();
    return this.#hash.copy().digest('hex');
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** The SHA-256 of a file in hexadecimal. @param onRead called with the number of bytes of each chunk hashed */
export async function sha256OfFile(file: string, signal: AbortSignal, onRead: (bytes: number) => void): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const hash = createHash('sha256');
    await hashInto(hash, handle, (await handle.stat()).size, signal, onRead);
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

async function hashInto(
  hash: Hash,
  handle: FileHandle,
  sizeBytes: number,
  signal: AbortSignal,
  onRead: (bytes: number) => void = () => {},
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(READ_BYTES, sizeBytes)));
  for (let at = 0; at < sizeBytes;) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, sizeBytes - at), at);
    if (bytesRead === 0) throw new Error('the file was truncated while it was being read');
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
    onRead(bytesRead);
  }
}
