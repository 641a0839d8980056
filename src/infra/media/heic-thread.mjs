/**
 * Thread of heic.ts: decodes `workerData.file` and posts `{ width, height, data }`, or `{ error }` if libheif cannot decode it.
 * In JavaScript, so that the same file works for compiled and uncompiled callers.
 */
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import decode from 'heic-decode';

// libheif prints warnings about damaged files.
console.log = console.warn = console.error = () => {};

try {
  const { width, height, data } = await decode({ buffer: await readFile(workerData.file) });
  parentPort.postMessage({ width, height, data }, [data.buffer]);
} catch (error) {
  parentPort.postMessage({ error: String(error) });
}
