/** Downloads a video and saves it, whole or not at all. */
import { createHash } from 'node:crypto';
import { createWriteStream, rmSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ApiClient, Job } from '../../client/client.ts';
import { ApiError } from '../../client/error.ts';
import { Failure } from '../failure.ts';
import { whileUnreachable } from './retry.ts';

const DOWNLOAD_TRIES = 3;

/** The result of a completed job. */
export type Result = NonNullable<Job['result']>;

/**
 * Saves the video as `target` after `check` has inspected it.
 * @throws ApiError; Failure EXPIRED, DAMAGED_DOWNLOAD, CANNOT_SAVE; the reason of `signal`
 */
export async function saveVideo(
  api: ApiClient,
  result: Result,
  target: string,
  signal: AbortSignal,
  check: (file: string) => Promise<void>,
): Promise<void> {
  if (!result.video) throw new Failure('EXPIRED', 'The video has expired and was deleted.');
  const part = `${target}.${process.pid}.part`;
  // A second Ctrl-C exits at once; no partial file may remain even then.
  const removePart = () => rmSync(part, { force: true });
  process.once('exit', removePart);
  try {
    for (let tries = 1; ; tries++) {
      const problem = await download(api, result.video.url, part, result, signal);
      if (problem === null) break;
      if (tries === DOWNLOAD_TRIES || signal.aborted) throw problem;
    }
    await check(part);
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof Failure || error instanceof ApiError || code === undefined) throw error;
    throw new Failure('CANNOT_SAVE', `${JSON.stringify(target)} cannot be written: ${message}`, { cause: error });
  } finally {
    process.removeListener('exit', removePart);
  }
}

/** Null if the file arrived intact. @throws errors of the request and of writing */
async function download(
  api: ApiClient,
  link: string,
  part: string,
  { sha256, sizeBytes }: Pick<Result, 'sha256' | 'sizeBytes'>,
  signal: AbortSignal,
): Promise<Failure | null> {
  const hash = createHash('sha256');
  let received = 0;
  const source = Readable.fromWeb(await api.download(link, { signal, retry: whileUnreachable }));
  let broken: Error | null = null;
  source.once('error', (error) => (broken ??= error));
  try {
    await pipeline(
      source,
      async function* measure(chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          received += chunk.length;
          yield chunk;
        }
      },
      createWriteStream(part),
      { signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error !== broken) throw error;
  }
  if (broken === null && received === sizeBytes && hash.digest('hex') === sha256) return null;
  const problem = broken ? 'The connection broke while the video was being downloaded.' : 'The downloaded video is damaged.';
  return new Failure('DAMAGED_DOWNLOAD', problem, { cause: broken });
}
