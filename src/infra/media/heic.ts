/**
 * HEIC (HEVC stills, as phones make them), which sharp's build cannot decode: libheif as WebAssembly, in a thread of its own, since
 * it keeps a core busy for half a second or more.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

/** Straight from libheif: RGBA in the photo's own colours, turned upright as its `irot` and `imir` properties say. */
export interface HeicPixels {
  readonly width: number;
  readonly height: number;
  /** [height, width, 4] */
  readonly data: Uint8Array;
}

const TIMEOUT_MS = 60_000;

// Text and not a file, so that it is found from the sources, from dist and from tests alike.
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
console.log = console.warn = console.error = () => {};
require(workerData.decoder)({ buffer: require('node:fs').readFileSync(workerData.file) }).then(
  ({ width, height, data }) => parentPort.postMessage({ width, height, data }, [data.buffer]),
  (error) => parentPort.postMessage({ error: String(error) }),
);`;

type Answer = HeicPixels | { readonly error: string };

let previous: Promise<unknown> = Promise.resolve();

/**
 * Decodes the primary picture of a HEIC file. One at a time in a process: each takes about 15 bytes a pixel.
 * @throws Error if it is damaged or takes longer than a minute
 */
export function decodeHeic(file: string): Promise<HeicPixels> {
  const result = previous.then(() => decodeInThread(file));
  previous = result.catch(() => undefined);
  return result;
}

async function decodeInThread(file: string): Promise<HeicPixels> {
  const decoder = createRequire(import.meta.url).resolve('heic-decode');
  const thread = new Worker(THREAD, { eval: true, workerData: { decoder, file } });
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', (code) => reject(new Error(`the HEIC decoder ended with code ${code}`)));
      timer = setTimeout(() => reject(new Error(`not decoded within ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
    });
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}
