/** Servers that a benchmark starts for itself: the embedded PostgreSQL and, if the program is installed, Redis. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../src/provisioning/database/embedded-postgres.ts';

export interface PostgresServer {
  /** Creates an empty database and returns its URL. */
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts the embedded PostgreSQL with its data below `folder`, durable as in production. */
export async function startPostgres(folder: string): Promise<PostgresServer> {
  const { url, stop } = await startEmbeddedPostgres({ dataDir: path.join(folder, 'postgres') });
  return {
    async createDatabase(name) {
      const client = new Client(url);
      await client.connect();
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`).finally(() => client.end());
      const database = new URL(url);
      database.pathname = `/${name}`;
      return database.href;
    },
    stop,
  };
}

export interface RedisServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a Redis that persists nothing; null if there is no `redis-server` in PATH. */
export async function startRedis(folder: string): Promise<RedisServer | null> {
  const port = await freePort();
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  exited.catch(() => {}); // reported below
  const started = await new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', () => resolve(false));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('Ready to accept connections')) resolve(true);
    });
  });
  if (!started) return null;
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
