/** Local files of programs that need a path, such as decoders and ffmpeg. `src/infra/storage` implements the port. */

/**
 * Scratch folders on this machine's disk, and the transfer of files between them and the blob store. A scratch folder belongs to the process
 * that created it; housekeeping removes the abandoned ones. Methods throw RangeError for a malformed name or key.
 */
export interface Workspace {
  /** Creates an empty scratch folder and returns its absolute path. A folder of that name is emptied first. */
  createScratch(name: string): Promise<string>;
  /** Removes a scratch folder; does nothing if there is none. */
  removeScratch(name: string): Promise<void>;
  /** Names of scratch folders in which nothing has changed since `time`: their process is dead or stuck. */
  scratchIdleSince(time: Date): Promise<string[]>;
  /**
   * Moves a finished local file into the blob store under `key`, replacing the key's previous content. On failure rejects and keeps the
   * local file.
   */
  adopt(localPath: string, key: string): Promise<void>;
  /**
   * Path of a local file with the blob's bytes, for reading only: the stored file itself, or a copy that was downloaded into the folder
   * `scratch`. Valid until the scratch folder or the blob is removed. Rejects with code ENOENT if `key` holds no blob.
   */
  localPath(key: string, scratch: string): Promise<string>;
  /** Free bytes on the disk of the scratch folders. */
  freeBytes(): Promise<number>;
}
