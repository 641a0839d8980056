/**
 * Decodes HEIC (HEVC stills, the format of phone cameras), which sharp's build cannot decode, with libheif as WebAssembly. It runs in a
 * thread, because decoding blocks for half a second or more.
 */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { ROOT } from '../../process/version.ts';

/** Output of libheif: RGBA in the photo's own colour space, already rotated and mirrored by its `irot` and `imir` properties. */
export interface HeicPixels {
  readonly width: number;
  readonly height: number;
  /** [height, width, 4] */
  readonly data: Uint8Array;
}

const TIMEOUT_MS = 60_000;

const THREAD = path.join(ROOT, 'src/infra/media/heic-thread.mjs');

type ThreadMessage = HeicPixels | { readonly error: string };

let previous: Promise<unknown> = Promise.resolve();

/**
 * Decodes the primary image of a HEIC file. One at a time per process, because each takes about 15 bytes of memory per pixel.
 * @throws Error if it is damaged or takes longer than a minute
 */
export function decodeHeic(file: string): Promise<HeicPixels> {
  const result = previous.then(() => decodeInThread(file));
  previous = result.catch(() => undefined);
  return result;
}

async function decodeInThread(file: string): Promise<HeicPixels> {
  const thread = new Worker(THREAD, { workerData: { file } });
  let timer: NodeJS.Timeout | undefined;
  try {
    const message = await new Promise<ThreadMessage>((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', (code) => reject(new Error(`the HEIC decoder exited with code ${code}`)));
      timer = setTimeout(() => reject(new Error(`decoding took longer than ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
    });
    if ('error' in message) throw new Error(message.error);
    return message;
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}
