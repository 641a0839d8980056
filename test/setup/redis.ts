import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

export interface TestRedis {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a Redis without persistence, with `folder` as its working directory. */
export async function startRedis(program: string, folder: string): Promise<TestRedis> {
  await mkdir(folder);
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const settings = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no' };
    const child = spawn(
      program,
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const exited = once(child, 'exit');
    const output: string[] = [];
    const isReady = await new Promise<boolean>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => resolve(false));
      createInterface({ input: child.stdout }).on('line', (line) => {
        output.push(line);
        if (line.includes('Ready to accept connections')) resolve(true);
      });
    });
    if (isReady) {
      const stop = async (): Promise<void> => {
        child.kill('SIGKILL'); // it has no data to save
        await exited;
      };
      return { url: `redis://127.0.0.1:${port}`, stop };
    }
    if (attempt === 3) throw new Error(`redis-server does not start:\n${output.join('\n')}`);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system assigned no port');
  return address.port;
}
