/** Stored files. `src/infra/storage` implements the port. */
import type { Readable } from 'node:stream';

export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** Last byte, inclusive. */
  readonly end: number;
}

export interface BlobStat {
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

/**
 * Immutable files by key (`hot/<job>/photo`, `archive/2026/01/31/<job>/1/video.mp4`, `uploads/<id>`), shared by all processes of an
 * installation. Parts of a key are separated by `/` and consist of letters, digits, `_`, `-` and single dots inside. A key appears whole
 * or not at all, and a reader that has started gets the bytes it started with even if the key is replaced.
 *
 * Every method throws RangeError for a malformed key: keys are made by the code, never taken from a request.
 */
export interface BlobStore {
  /** Stores a stream under `key`, replacing its previous content. If the stream or the store fails, rejects and leaves nothing behind. */
  write(key: string, source: Readable): Promise<void>;
  /** The blob's bytes, or those of one range. A missing key fails the stream with code ENOENT. */
  read(key: string, range?: ByteRange): Readable;
  /** Rejects with code ENOENT if `key` holds no blob. */
  stat(key: string): Promise<BlobStat>;
  /** Copies a blob, replacing what `to` held. Rejects with code ENOENT if `from` holds no blob. */
  copy(from: string, to: string): Promise<void>;
  /** Removes `key` and every key below it; does nothing if there is none. */
  remove(key: string): Promise<void>;
  /** Names directly below `key`, in no order; empty if there are none. */
  list(key: string): Promise<string[]>;
  /** When `key` or any key below it was last written; null if there is none. Tells an orphan from a blob whose row is about to be inserted. */
  lastChange(key: string): Promise<Date | null>;
  /** Resolves when blobs can be written; rejects with the reason when not. */
  ping(): Promise<void>;
}
