import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/prisma/client.ts';

export interface Database {
  readonly client: PrismaClient;
  /** Waits for running queries and closes all connections. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Most connections held at once. */
  readonly maxConnections?: number;
  /** Told about connections that break while nobody uses them; the next query opens a new one. */
  readonly onConnectionError?: (error: Error) => void;
}

/** The tables behind `url`. Connects with the first query. */
export function openDatabase(url: string, { maxConnections = 10, onConnectionError = () => {} }: DatabaseOptions = {}): Database {
  const adapter = new PrismaPg(
    { connectionString: url, max: maxConnections, connectionTimeoutMillis: 10_000 },
    { onPoolError: onConnectionError, onConnectionError },
  );
  const client = new PrismaClient({ adapter });
  return { client, close: () => client.$disconnect() };
}
