import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpathSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Locks `folder` for this process until it exits, since two processes writing there would overwrite each other's state. The lock is a
 * local socket, so it does not outlive a killed process. Processes on other machines or in other containers are not excluded.
 * @returns false if another process holds the lock
 */
export async function lockFolder(folder: string): Promise<boolean> {
  const name = `fanslymotion-${createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 16)}`;
  const address = process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : path.join(tmpdir(), `${name}.sock`);
  if (await listen(address)) return true;
  if (await isListening(address)) return false;
  await rm(address, { force: true }); // left by a killed process
  return await listen(address);
}

async function listen(address: string): Promise<boolean> {
  const server: Server = createServer((socket) => socket.destroy()).unref();
  try {
    await once(server.listen(address), 'listening');
    process.once('exit', () => rmSync(address, { force: true }));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
}

/** Whether a process accepts connections at `address`. */
async function isListening(address: string): Promise<boolean> {
  const socket = connect(address);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
