/** Starts processes that run networks on the stub device. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { DeviceAnswer, DeviceRequest } from './device-process.ts';
import { stubVariables } from './stubs.ts';

let processes = 0;

/**
 * Answers `request` in a new process.
 * @param folder holds the stub libraries and the provider
 * @throws with onnxruntime's message if the network cannot be loaded or run
 */
export async function runOnDevice(folder: string, request: Omit<DeviceRequest, 'account'>): Promise<DeviceAnswer> {
  const account = path.join(folder, `account-${process.pid}-${processes++}`);
  // Same extension as this file: .js in dist/, .ts when running from source.
  const file = new URL(`device-process${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
  const child = fork(file, [JSON.stringify({ ...request, account })], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, ...stubVariables(folder, { account }) },
  });
  const received: { value?: DeviceAnswer | { readonly error: string } } = {};
  child.on('message', (message) => (received.value = message as DeviceAnswer));
  const [stderr] = await Promise.all([text(child.stderr!), once(child, 'close')]);
  if (!received.value) throw new Error(`the process ended without an answer:\n${stderr.trim()}`);
  if ('error' in received.value) throw new Error(received.value.error);
  return received.value;
}
